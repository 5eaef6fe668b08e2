import type { DocumentRef, EntryRun } from '../indexes/contract.js';
import { PackedIds } from './packed-ids.js';

/**
 * Which id a ref stands for. Refs are given in order and never used again; the
 * id of a removed document stays until no snapshot can still meet its ref.
 */
export class Refs {
  #ids: (string | undefined)[] = [];
  /** Ids that were there when the store was opened, made into strings when they are asked for. */
  #packed: PackedIds | undefined;
  readonly #removed: { readonly ref: DocumentRef; readonly seq: number }[] = [];

  idOf(ref: DocumentRef): string | undefined {
    return this.#ids[ref] ?? (this.#packed && this.#unpack(ref));
  }

  set(ref: DocumentRef, id: string): void {
    this.#ids[ref] = id;
  }

  /** Takes in every document of a store from its index over `(_type, _id)`. */
  load(runs: Iterable<EntryRun>, entries: number, nextRef: number): void {
    this.#packed = new PackedIds(runs, entries, nextRef);
    // Filled in any order from here on; an empty array would become a hash table.
    this.#ids = new Array(nextRef);
  }

  /** Takes a ref out whose document never came to be: its commit failed. */
  forget(ref: DocumentRef): void {
    this.#ids[ref] = undefined;
    this.#packed?.forget(ref);
  }

  /** Removals come in the order of their commits. */
  remove(ref: DocumentRef, seq: number): void {
    this.#removed.push({ ref, seq });
  }

  /** Forgets documents removed at or before `seq`. */
  release(seq: number): void {
    const kept = this.#removed.findIndex((removed) => removed.seq > seq);
    const gone = this.#removed.splice(0, kept === -1 ? this.#removed.length : kept);
    for (const { ref } of gone) this.forget(ref);
  }

  #unpack(ref: DocumentRef): string | undefined {
    const id = this.#packed?.idOf(ref);
    if (id !== undefined) this.#ids[ref] = id;
    return id;
  }
}
