import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An empty folder, removed when the tests end (`test/support/temporary-root.ts`). */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'jdbx-test-'));
}

/** A path inside an empty folder where nothing is yet. */
export function temporaryStore(): string {
  return join(temporaryFolder(), 'store');
}

/** Rejects or throws, and this is what. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}
