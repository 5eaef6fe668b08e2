import type { DocumentRef } from '../indexes/contract.js';
import type { StoredDocument } from '../storage/contract.js';

/** What an entry costs beside its document's bytes: the map, the slot, the objects. */
const ENTRY_BYTES = 200;

interface Entry {
  stored: StoredDocument;
  /** Read since the hand last came by. */
  used: boolean;
}

/**
 * Frozen documents by id and by ref, bounded in bytes. An entry is always the newest
 * published revision, so it also serves every snapshot that is not older than
 * it. Documents that hold dates or bytes cannot be frozen and are not kept.
 *
 * When it is full a hand goes round the entries and takes out those that were not read
 * since it last came by (CLOCK): a hit costs one flag, where keeping a list of the
 * least recently used costs six links.
 */
export class DocumentCache {
  readonly #sizeMaxBytes: number;
  readonly #byId = new Map<string, Entry>();
  readonly #byRef: (Entry | undefined)[] = [];
  #hand: Iterator<Entry> = this.#byId.values();
  #bytes = 0;

  /** `sizeMaxBytes` 0 turns the cache off. */
  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** The newest revision, if it is held and not newer than `seq`. */
  get(id: string, seq: number): StoredDocument | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.stored.seq > seq) return undefined;
    entry.used = true;
    return entry.stored;
  }

  /** The same by ref. */
  at(ref: DocumentRef, seq: number): StoredDocument | undefined {
    const entry = this.#byRef[ref];
    if (entry === undefined || entry.stored.seq > seq) return undefined;
    entry.used = true;
    return entry.stored;
  }

  set(stored: StoredDocument): void {
    const { _id: id } = stored.document;
    this.delete(id);
    if (!stored.shareable || sizeOf(stored) > this.#sizeMaxBytes) return;
    const entry = { stored, used: false };
    this.#byId.set(id, entry);
    this.#byRef[stored.ref] = entry;
    this.#bytes += sizeOf(stored);
    while (this.#bytes > this.#sizeMaxBytes) this.#evict();
  }

  delete(id: string): void {
    const entry = this.#byId.get(id);
    if (entry) this.#remove(id, entry.stored);
  }

  /** Entries stand in the order in which they came, and the hand goes round them. */
  #evict(): void {
    let step = this.#hand.next();
    if (step.done) {
      this.#hand = this.#byId.values();
      step = this.#hand.next();
    }
    const { value: entry } = step as IteratorYieldResult<Entry>;
    if (entry.used) entry.used = false;
    else this.#remove(entry.stored.document._id, entry.stored);
  }

  #remove(id: string, stored: StoredDocument): void {
    this.#byId.delete(id);
    this.#byRef[stored.ref] = undefined;
    this.#bytes -= sizeOf(stored);
  }
}

function sizeOf({ bytes }: StoredDocument): number {
  return bytes + ENTRY_BYTES;
}
