import { JdbxError } from '../../base/errors.js';
import { describeType } from '../../base/values.js';

/** @throws {JdbxError} INVALID_INDEX at a path of the index document */
export function refuseIndex(path: string, expected: string, got: unknown): never {
  throw new JdbxError('INVALID_INDEX', `expected ${expected}, got ${describe(got)}`, { path });
}

function describe(got: unknown): string {
  if (typeof got === 'string') return JSON.stringify(got);
  return typeof got === 'number' ? String(got) : describeType(got);
}
