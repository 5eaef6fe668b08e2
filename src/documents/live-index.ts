import type { Document } from '../base/document.js';
import type { IndexChange, OrderedIndex } from '../indexes/contract.js';
import type { IndexDefinition, PlannableIndex } from '../query/contract.js';
import { indexKeys } from '../query/index-keys.js';

/** One index in use. */
export interface LiveIndex extends PlannableIndex {
  readonly id: string;
  readonly definition: IndexDefinition;
  readonly index: OrderedIndex;
  /** Sticky: true once any document had several keys. */
  multikey: boolean;
  /** Snapshots older than this cannot use it. */
  readonly since: number;
}

/** The keys of a document of the index's type. @throws {JdbxError} INVALID_DOCUMENT */
export function keysIn(live: LiveIndex, document: Document): readonly Uint8Array[] {
  const { keys, multikey } = indexKeys(live.definition, document);
  if (multikey) live.multikey = true;
  return keys;
}

export function toChanges(
  kind: IndexChange['kind'],
  keys: readonly Uint8Array[],
  ref: number,
): IndexChange[] {
  return keys.map((key) => ({ kind, key, ref }));
}
