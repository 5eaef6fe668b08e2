import type { DocumentRef } from '../indexes/contract.js';

/**
 * Which id a ref stands for. Refs are given in order and never used again; the
 * id of a removed document stays until no snapshot can still meet its ref.
 */
export class Refs {
  readonly #ids: (string | undefined)[] = [];
  readonly #removed: { readonly ref: DocumentRef; readonly seq: number }[] = [];

  idOf(ref: DocumentRef): string | undefined {
    return this.#ids[ref];
  }

  set(ref: DocumentRef, id: string): void {
    this.#ids[ref] = id;
  }

  /** Takes a ref out whose document never came to be: its commit failed. */
  forget(ref: DocumentRef): void {
    this.#ids[ref] = undefined;
  }

  /** Removals come in the order of their commits. */
  remove(ref: DocumentRef, seq: number): void {
    this.#removed.push({ ref, seq });
  }

  /** Forgets documents removed at or before `seq`. */
  release(seq: number): void {
    const kept = this.#removed.findIndex((removed) => removed.seq > seq);
    const gone = this.#removed.splice(0, kept === -1 ? this.#removed.length : kept);
    for (const { ref } of gone) this.#ids[ref] = undefined;
  }
}
