import { nanoid } from 'nanoid';
import { JdbxError } from './errors.js';
import { describeType } from './values.js';

export const ID_BYTES_MAX = 1_000;

/** A fresh id by the convention `type:name`. */
export function newId(type: string): string {
  return `${type}:${nanoid()}`;
}

/** @throws {JdbxError} INVALID_DOCUMENT at `_id` */
export function checkId(id: unknown): asserts id is string {
  if (typeof id !== 'string') refuse(`expected a string, got ${describeType(id)}`);
  if (id === '') refuse('expected a non-empty string');
  if (!id.isWellFormed()) refuse('expected a well-formed string, got a lone surrogate');
  // A UTF-16 unit takes at most three bytes.
  if (id.length * 3 > ID_BYTES_MAX && Buffer.byteLength(id) > ID_BYTES_MAX) {
    refuse(`expected at most ${ID_BYTES_MAX} bytes, got ${Buffer.byteLength(id)}`);
  }
}

function refuse(text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path: '_id' });
}
