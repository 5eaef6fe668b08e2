import { LRUCache } from 'lru-cache';
import type { StoredDocument } from '../storage/contract.js';

/** What an entry costs beside its document's bytes: the map, the list, the object. */
const ENTRY_BYTES = 200;

/**
 * Frozen documents by id, bounded in bytes. An entry is always the newest
 * published revision, so it also serves every snapshot that is not older than
 * it. Documents that hold dates or bytes cannot be frozen and are not kept.
 */
export class DocumentCache {
  readonly #entries: LRUCache<string, StoredDocument> | undefined;

  /** `sizeMaxBytes` 0 turns the cache off. */
  constructor(sizeMaxBytes: number) {
    if (sizeMaxBytes === 0) return;
    this.#entries = new LRUCache({
      maxSize: sizeMaxBytes,
      sizeCalculation: ({ bytes }) => bytes + ENTRY_BYTES,
    });
  }

  /** The newest revision, if it is held and not newer than `seq`. */
  get(id: string, seq: number): StoredDocument | undefined {
    const stored = this.#entries?.get(id);
    return stored && stored.seq <= seq ? stored : undefined;
  }

  set(stored: StoredDocument): void {
    if (stored.shareable) this.#entries?.set(stored.document._id, stored);
    else this.#entries?.delete(stored.document._id);
  }

  has(id: string): boolean {
    return this.#entries?.has(id) ?? false;
  }

  delete(id: string): void {
    this.#entries?.delete(id);
  }
}
