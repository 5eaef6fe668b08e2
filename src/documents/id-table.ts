import type { Document } from '../base/document.js';
import type { DocumentRef } from '../indexes/contract.js';
import { HASH_AT, hashOf, isAsked, putRecord, RECORD_WORDS, REF_AT } from './id-record.js';

const SLOTS_FIRST = 64;
const FULL = 0.8;
const GROWTH = 1.6;
const HASHES = 2 ** 32;

/**
 * Documents by id, for look-ups all over a large store, which are waits for memory and nothing else. A map of
 * strings waits four times in a row: for the bucket, the entry, the string, the document. Here the hash of an
 * id says at once where both its record (`id-record.ts`) and its document stand, so that the processor fetches
 * them together.
 *
 * Open addressing: a record stands in the first free slot from where its hash points. Ids that have no record
 * stand in a map.
 */
export class IdTable {
  #slots = SLOTS_FIRST;
  #words = makeRecords(SLOTS_FIRST);
  #documents: (Document | undefined)[] = new Array(SLOTS_FIRST).fill(undefined);
  #size = 0;
  readonly #others = new Map<string, { readonly ref: DocumentRef; readonly document: Document }>();

  documentOf(id: string): Document | undefined {
    const hash = hashOf(id);
    if (hash < 0) return this.#others.get(id)?.document;
    const slot = this.#find(hash);
    return slot < 0 ? undefined : this.#documents[slot];
  }

  refOf(id: string): DocumentRef | undefined {
    const hash = hashOf(id);
    if (hash < 0) return this.#others.get(id)?.ref;
    const slot = this.#find(hash);
    return slot < 0 ? undefined : this.#words[slot * RECORD_WORDS + REF_AT];
  }

  /** The id must not be there. */
  add(ref: DocumentRef, document: Document): void {
    const id = document._id;
    const hash = hashOf(id);
    if (hash < 0) {
      this.#others.set(id, { ref, document });
      return;
    }
    if (this.#size + 1 > this.#slots * FULL) this.#grow();
    this.#size++;
    const slot = this.#freeSlot(hash);
    this.#documents[slot] = document;
    putRecord(this.#words, slot * RECORD_WORDS, hash, ref);
  }

  delete(id: string): void {
    const hash = hashOf(id);
    if (hash < 0) {
      this.#others.delete(id);
      return;
    }
    const slot = this.#find(hash);
    if (slot < 0) return;
    this.#size--;
    this.#closeGap(slot);
  }

  /** The slot of the id that was hashed last, or -1. */
  #find(hash: number): number {
    const words = this.#words;
    const documents = this.#documents;
    for (let slot = this.#home(hash); ; slot = this.#after(slot)) {
      if (documents[slot] === undefined) return -1;
      const start = slot * RECORD_WORDS;
      if (words[start + HASH_AT] === hash && isAsked(words, start)) return slot;
    }
  }

  #home(hash: number): number {
    return Math.floor(hash * (this.#slots / HASHES));
  }

  #after(slot: number): number {
    return slot + 1 === this.#slots ? 0 : slot + 1;
  }

  #freeSlot(hash: number): number {
    let slot = this.#home(hash);
    while (this.#documents[slot] !== undefined) slot = this.#after(slot);
    return slot;
  }

  /** Moves records back that could not stand where their hash points, up to the next free slot. */
  #closeGap(from: number): void {
    let gap = from;
    for (
      let slot = this.#after(gap);
      this.#documents[slot] !== undefined;
      slot = this.#after(slot)
    ) {
      const home = this.#home(this.#words[slot * RECORD_WORDS + HASH_AT] as number);
      if (this.#distance(home, slot) < this.#distance(gap, slot)) continue;
      this.#copy(this.#words, this.#documents, slot, gap);
      gap = slot;
    }
    this.#documents[gap] = undefined;
  }

  /** Steps from one slot on to another. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to + this.#slots - from;
  }

  #copy(
    words: Uint32Array,
    documents: readonly (Document | undefined)[],
    from: number,
    to: number,
  ) {
    const start = from * RECORD_WORDS;
    for (let n = 0; n < RECORD_WORDS; n++) {
      this.#words[to * RECORD_WORDS + n] = words[start + n] as number;
    }
    this.#documents[to] = documents[from];
  }

  #grow(): void {
    const [words, documents] = [this.#words, this.#documents];
    this.#slots = Math.ceil(this.#slots * GROWTH);
    this.#words = makeRecords(this.#slots);
    this.#documents = new Array(this.#slots).fill(undefined);
    for (let slot = 0; slot < documents.length; slot++) {
      if (documents[slot] === undefined) continue;
      const to = this.#freeSlot(words[slot * RECORD_WORDS + HASH_AT] as number);
      this.#copy(words, documents, slot, to);
    }
  }
}

/**
 * Shared memory, for one reason: the engine does not count it among what its collector must keep small. Of
 * other memory, some 64 MB more since the last full collection begin the next, and from then on every buffer
 * that anybody makes, a write's of some bytes too, first waits 5 to 10 ms for a step of it: a second and more
 * in all, when a million documents are at hand.
 */
function makeRecords(slots: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(slots * RECORD_WORDS * 4));
}
