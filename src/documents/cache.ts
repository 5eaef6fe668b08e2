import type { Document } from '../base/document.js';
import type { DocumentRef } from '../indexes/contract.js';
import type { StoredDocument } from '../storage/contract.js';

/** What an entry costs beside its document's bytes: the map, the columns, the object. */
const ENTRY_BYTES = 200;
const FLAGS_FIRST = 1_024;

/**
 * Frozen documents by id and by ref, bounded in bytes. An entry is always the newest
 * published revision, so it also serves every snapshot that is not older than
 * it. Documents that hold dates or bytes cannot be frozen and are not kept.
 *
 * When it is full a hand goes round the entries and takes out those that were not read
 * since it last came by (CLOCK), so a hit costs one flag. What queries need stands in
 * columns by ref: a document is found without going through anything else in memory.
 */
export class DocumentCache {
  readonly #sizeMaxBytes: number;
  readonly #byId = new Map<string, StoredDocument>();
  readonly #documents: (Document | undefined)[] = [];
  /** The commit that wrote each document. */
  readonly #seqs: number[] = [];
  /** 1 where a document was read since the hand last came by. */
  #used = new Uint8Array(FLAGS_FIRST);
  #hand: Iterator<StoredDocument> = this.#byId.values();
  #newestSeq = 0;
  #bytes = 0;

  /** `sizeMaxBytes` 0 turns the cache off. */
  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** The newest revision, if it is held and not newer than `seq`. */
  get(id: string, seq: number): StoredDocument | undefined {
    const stored = this.#byId.get(id);
    if (stored === undefined || stored.seq > seq) return undefined;
    this.#used[stored.ref] = 1;
    return stored;
  }

  /** The same by ref, the document alone. */
  documentAt(ref: DocumentRef, seq: number): Document | undefined {
    const document = this.#documents[ref];
    if (document === undefined) return undefined;
    if (seq < this.#newestSeq && (this.#seqs[ref] as number) > seq) return undefined;
    this.#used[ref] = 1;
    return document;
  }

  set(stored: StoredDocument): void {
    const { ref, seq, document } = stored;
    this.delete(document._id);
    if (!stored.shareable || sizeOf(stored) > this.#sizeMaxBytes) return;
    if (ref >= this.#used.length) this.#growFlags(ref);
    this.#byId.set(document._id, stored);
    this.#documents[ref] = document;
    this.#seqs[ref] = seq;
    this.#used[ref] = 0;
    if (seq > this.#newestSeq) this.#newestSeq = seq;
    this.#bytes += sizeOf(stored);
    while (this.#bytes > this.#sizeMaxBytes) this.#evict();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  delete(id: string): void {
    const stored = this.#byId.get(id);
    if (stored) this.#remove(stored);
  }

  /** Entries stand in the order in which they came, and the hand goes round them. */
  #evict(): void {
    let step = this.#hand.next();
    if (step.done) {
      this.#hand = this.#byId.values();
      step = this.#hand.next();
    }
    const { value: stored } = step as IteratorYieldResult<StoredDocument>;
    if (this.#used[stored.ref] === 1) this.#used[stored.ref] = 0;
    else this.#remove(stored);
  }

  #remove(stored: StoredDocument): void {
    this.#byId.delete(stored.document._id);
    this.#documents[stored.ref] = undefined;
    this.#bytes -= sizeOf(stored);
  }

  #growFlags(ref: DocumentRef): void {
    const flags = new Uint8Array(Math.max(ref + 1, this.#used.length * 2));
    flags.set(this.#used);
    this.#used = flags;
  }
}

function sizeOf({ bytes }: StoredDocument): number {
  return bytes + ENTRY_BYTES;
}
