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
 * columns by ref: a document is found without going through anything else in memory, and
 * nothing here looks into it (a test for truth would), since each look waits for memory.
 */
export class DocumentCache {
  readonly #sizeMaxBytes: number;
  readonly #refs = new Map<string, DocumentRef>();
  readonly #stored: (StoredDocument | undefined)[] = [];
  readonly #documents: (Document | undefined)[] = [];
  /** The commit that wrote each document. */
  readonly #seqs: number[] = [];
  /** 1 where a document was read since the hand last came by. */
  #used = new Uint8Array(FLAGS_FIRST);
  #hand: Iterator<DocumentRef> = this.#refs.values();
  #newestSeq = 0;
  #bytes = 0;

  /** `sizeMaxBytes` 0 turns the cache off. */
  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** The newest revision, if it is held and not newer than `seq`. */
  get(id: string, seq: number): StoredDocument | undefined {
    const ref = this.#refs.get(id);
    if (ref === undefined || this.documentAt(ref, seq) === undefined) return undefined;
    return this.#stored[ref];
  }

  /** The same, the document alone. */
  documentOf(id: string, seq: number): Document | undefined {
    const ref = this.#refs.get(id);
    return ref === undefined ? undefined : this.documentAt(ref, seq);
  }

  /** The same by ref, the document alone. */
  documentAt(ref: DocumentRef, seq: number): Document | undefined {
    const document = this.#documents[ref];
    if (document === undefined) return undefined;
    if (seq < this.#newestSeq && (this.#seqs[ref] as number) > seq) return undefined;
    this.#used[ref] = 1;
    return document;
  }

  /** The same for many refs; undefined unless all of them are held. */
  documentsAt(refs: Uint32Array, count: number, seq: number): Document[] | undefined {
    const found = new Array<Document>(count);
    const documents = this.#documents;
    const used = this.#used;
    const mayBeNewer = seq < this.#newestSeq;
    for (let at = 0; at < count; at++) {
      const ref = refs[at] as DocumentRef;
      const document = documents[ref];
      if (document === undefined) return undefined;
      if (mayBeNewer && (this.#seqs[ref] as number) > seq) return undefined;
      used[ref] = 1;
      found[at] = document;
    }
    return found;
  }

  set(stored: StoredDocument): void {
    if (this.#sizeMaxBytes === 0) return;
    const { ref, seq, document } = stored;
    this.delete(document._id);
    if (!stored.shareable || sizeOf(stored) > this.#sizeMaxBytes) return;
    if (ref >= this.#used.length) this.#growFlags(ref);
    this.#refs.set(document._id, ref);
    this.#stored[ref] = stored;
    this.#documents[ref] = document;
    this.#seqs[ref] = seq;
    this.#used[ref] = 0;
    if (seq > this.#newestSeq) this.#newestSeq = seq;
    this.#bytes += sizeOf(stored);
    while (this.#bytes > this.#sizeMaxBytes) this.#evict();
  }

  has(id: string): boolean {
    return this.#refs.has(id);
  }

  delete(id: string): void {
    const ref = this.#refs.get(id);
    if (ref !== undefined) this.#remove(ref);
  }

  /** Entries stand in the order in which they came, and the hand goes round them. */
  #evict(): void {
    let step = this.#hand.next();
    if (step.done) {
      this.#hand = this.#refs.values();
      step = this.#hand.next();
    }
    const { value: ref } = step as IteratorYieldResult<DocumentRef>;
    if (this.#used[ref] === 1) this.#used[ref] = 0;
    else this.#remove(ref);
  }

  #remove(ref: DocumentRef): void {
    const stored = this.#stored[ref] as StoredDocument;
    this.#refs.delete(stored.document._id);
    this.#stored[ref] = undefined;
    this.#documents[ref] = undefined;
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
