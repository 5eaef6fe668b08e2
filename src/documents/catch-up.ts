import type { Document } from '../base/document.js';
import { encodeKey } from '../base/key-bytes.js';
import type { IndexFiles } from '../indexes/contract.js';
import type { SavedIndex } from './index-saves.js';
import type { TailChange } from './index-tail.js';
import { toChanges } from './live-index.js';

/** The keys of one document in one index: none where its type is another. */
export type KeysOf = (document: Document) => readonly Uint8Array[];

/** Those of the index over `(_type, _id)`. */
export const typeKeys: KeysOf = ({ _type, _id }) => [encodeKey([_type, _id])];

/**
 * Brings a saved index, which nobody reads yet, up to `seq`: forgets the documents that
 * changed since, whose old keys nobody knows, and enters them as they are now.
 */
export function catchUp(
  files: IndexFiles,
  { index, label }: SavedIndex,
  changes: readonly TailChange[],
  seq: number,
  keysOf: KeysOf,
): void {
  const known = changes.filter(({ ref }) => ref < label.nextRef);
  if (known.length > 0)
    files.purge(
      index,
      known.map(({ ref }) => ref),
    );
  const inserts = changes.flatMap(({ ref, document }) =>
    document ? toChanges('insert', keysOf(document), ref) : [],
  );
  index.apply(inserts, seq);
}
