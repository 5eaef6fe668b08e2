import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { bytesLeft, takeMadeValue, type Value, type ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { loadBlob, storeBlob } from './blob-tree.js';

/** Larger values are stored once, by content hash, however many checkpoints hold them. */
const INLINE_BYTES_MAX = 64 * 2 ** 10;

/** The field `name` with the value itself, or `name_ref` with the id of the blob that holds it. */
export function storeValue(draft: Draft, name: string, input: Value): ValueObject {
  // Whoever takes the document in copies it: most values need only be measured.
  if (isInline(input)) return { [name]: input };
  return { [`${name}_ref`]: storeBlob(draft, takeMadeValue(input).value) };
}

/** True of a value that `storeValue` keeps in its holder. */
export function isInline(input: Value): boolean {
  return bytesLeft(input, INLINE_BYTES_MAX) >= 0;
}

/**
 * The inverse of `storeValue`; null where nothing was stored.
 *
 * @throws {JdbxError} MISSING_DOCUMENT when the blob is gone
 */
export function loadValue(
  holder: ValueObject,
  name: string,
  get: (id: string) => Document | undefined,
): Value {
  const ref = holder[`${name}_ref`];
  if (typeof ref !== 'string') return holder[name] ?? null;
  return loadBlob(ref, get, (id) => {
    throw new JdbxError('MISSING_DOCUMENT', `expected ${id}, which holds the ${name}`, {
      details: { id, holder: holder._id },
    });
  });
}
