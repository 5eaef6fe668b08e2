import type { Access, IndexAccess } from './access.js';
import type { SortOrder } from './sort.js';

/**
 * Tells by the keys of an index which documents tie in the fields of an order. Their bytes
 * lie together, where the fields of documents are all over memory.
 */
export class KeyTies {
  readonly #ties: boolean[] = [];
  #last: Uint8Array | undefined;
  #asked = 0;

  /** The key of the next document. */
  note(key: Uint8Array): void {
    this.#ties.push(this.#last !== undefined && areSame(this.#last, key));
    this.#last = key;
  }

  /** Of each document that was noted, in turn: does it tie with the one before? */
  next(): boolean {
    return this.#ties[this.#asked++] === true;
  }
}

/**
 * Whether equal keys of an access mean equal fields of an order, and the other way round: every
 * field of the index is sorted by or held to one value, and no document has two keys.
 */
export function keysTellTies(access: Access, order: SortOrder): access is IndexAccess {
  if (access.kind !== 'index' || access.index.multikey) return false;
  const { fields, kind, collation } = access.index.definition;
  if (kind !== 'ordered' || collation || order.fields.length === 0) return false;
  return fields.every(({ path }, at) => {
    const bound = access.bounds[at];
    const isOne = bound?.kind === 'points' && bound.values.length === 1;
    return isOne || order.fields.some((field) => field.path === path);
  });
}

/** From the end, where keys that stand side by side differ first. */
function areSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let at = left.length - 1; at >= 0; at--) if (left[at] !== right[at]) return false;
  return true;
}
