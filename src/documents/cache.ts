import type { Document } from '../base/document.js';
import type { DocumentRef } from '../indexes/contract.js';
import type { StoredDocument } from '../storage/contract.js';
import { decodedSize } from '../storage/decoded-size.js';
import { IdTable } from './id-table.js';

/** So full, it notes what is read: what was not will go first. */
const TIGHT = 0.75;
const FLAGS_FIRST = 1_024;
/** So many places lie near the processor; of more, those of one query are asked for in a pass of its own. */
const NEAR_PLACES = 2 ** 18;

/**
 * Frozen documents by id and by ref, bounded in bytes of memory, about. An entry is always the newest
 * published revision, so it also serves every snapshot that is not older than
 * it. Documents that hold dates or bytes cannot be frozen and are not kept.
 *
 * When it is full a hand goes round the refs and takes out what was not read since it last
 * came by (CLOCK), so a hit costs one flag, and none before it is nearly full. What queries need stands in
 * columns by ref: a document is found without going through anything else in memory, and
 * nothing here looks into it (a test for truth would), since each look waits for memory.
 */
export class DocumentCache {
  readonly #sizeMaxBytes: number;
  readonly #ids = new IdTable();
  readonly #stored: (StoredDocument | undefined)[] = [];
  readonly #documents: (Document | undefined)[] = [];
  /** The commit that wrote each document. */
  readonly #seqs: number[] = [];
  /** 1 where a document was read since the hand last came by. */
  #used = new Uint8Array(FLAGS_FIRST);
  #hand: DocumentRef = -1;
  #newestSeq = 0;
  #bytes = 0;
  #isTight = false;

  /** `sizeMaxBytes` 0 turns the cache off. */
  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** False when it keeps nothing. */
  get isOn(): boolean {
    return this.#sizeMaxBytes > 0;
  }

  /** The newest revision, if it is held and not newer than `seq`. */
  get(id: string, seq: number): StoredDocument | undefined {
    const ref = this.#ids.refOf(id);
    if (ref === undefined || this.documentAt(ref, seq) === undefined) return undefined;
    return this.#stored[ref];
  }

  /** The same, the document alone. */
  documentOf(id: string, seq: number): Document | undefined {
    if (seq < this.#newestSeq || this.#isTight) return this.get(id, seq)?.document;
    return this.#ids.documentOf(id);
  }

  /** The same by ref, the document alone. */
  documentAt(ref: DocumentRef, seq: number): Document | undefined {
    const document = this.#documents[ref];
    if (document === undefined) return undefined;
    if (seq < this.#newestSeq && (this.#seqs[ref] as number) > seq) return undefined;
    if (this.#isTight) this.#used[ref] = 1;
    return document;
  }

  /** The same for many refs; undefined unless all of them are held. */
  documentsAt(refs: Uint32Array, count: number, seq: number): Document[] | undefined {
    const documents = this.#documents;
    if (documents.length > NEAR_PLACES && !areHeld(documents, refs, count)) return undefined;
    const found = new Array<Document>(count);
    const used = this.#isTight ? this.#used : undefined;
    const mayBeNewer = seq < this.#newestSeq;
    for (let at = 0; at < count; at++) {
      const ref = refs[at] as DocumentRef;
      const document = documents[ref];
      if (document === undefined) return undefined;
      if (mayBeNewer && (this.#seqs[ref] as number) > seq) return undefined;
      if (used) used[ref] = 1;
      found[at] = document;
    }
    return found;
  }

  set(stored: StoredDocument): void {
    if (this.#sizeMaxBytes === 0) return;
    const { ref, seq, document } = stored;
    this.delete(document._id);
    if (!stored.shareable || decodedSize(stored.bytes) > this.#sizeMaxBytes) return;
    if (ref >= this.#used.length) this.#growFlags(ref);
    this.#ids.add(ref, document);
    this.#stored[ref] = stored;
    this.#documents[ref] = document;
    this.#seqs[ref] = seq;
    this.#used[ref] = 0;
    if (seq > this.#newestSeq) this.#newestSeq = seq;
    this.#bytes += decodedSize(stored.bytes);
    this.#isTight = this.#bytes > this.#sizeMaxBytes * TIGHT;
    while (this.#bytes > this.#sizeMaxBytes) this.#evict();
  }

  has(id: string): boolean {
    return this.#ids.refOf(id) !== undefined;
  }

  delete(id: string): void {
    const ref = this.#ids.refOf(id);
    if (ref !== undefined) this.#remove(ref);
  }

  /** Takes the hand on until something is out; there is something. */
  #evict(): void {
    for (;;) {
      this.#hand = this.#hand + 1 < this.#documents.length ? this.#hand + 1 : 0;
      if (this.#documents[this.#hand] === undefined) continue;
      if (this.#used[this.#hand] === 0) break;
      this.#used[this.#hand] = 0;
    }
    this.#remove(this.#hand);
  }

  #remove(ref: DocumentRef): void {
    const stored = this.#stored[ref] as StoredDocument;
    this.#ids.delete(stored.document._id);
    this.#stored[ref] = undefined;
    this.#documents[ref] = undefined;
    this.#bytes -= decodedSize(stored.bytes);
  }

  #growFlags(ref: DocumentRef): void {
    const flags = new Uint8Array(Math.max(ref + 1, this.#used.length * 2));
    flags.set(this.#used);
    this.#used = flags;
  }
}

/** Does nothing else on its way, so that the processor waits for many places at once: 50 of a million take 0.7 to 0.8 times as long. */
function areHeld(
  documents: readonly (Document | undefined)[],
  refs: Uint32Array,
  count: number,
): boolean {
  for (let at = 0; at < count; at++) {
    if (documents[refs[at] as DocumentRef] === undefined) return false;
  }
  return true;
}
