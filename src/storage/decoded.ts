import { LRUCache } from 'lru-cache';
import { type Bodies, readHead } from './bodies/bodies.js';
import type { StoredDocument } from './contract.js';
import { decodedSize } from './decoded-size.js';

/**
 * Documents that were decoded before, for a reader that is not told what changes. Stored bytes
 * begin with the document's number and the commit that wrote it, and both together never stand
 * for anything else: so a look at them tells whether to decode the rest.
 */
export class Decoded {
  readonly #documents: LRUCache<number, StoredDocument>;

  constructor(sizeMaxBytes: number) {
    const sizeCalculation = ({ bytes }: StoredDocument) => decodedSize(bytes);
    this.#documents = new LRUCache({ maxSize: sizeMaxBytes, sizeCalculation });
  }

  /** @throws {JdbxError} STORE_CORRUPT */
  decode(bodies: Bodies, id: string, bytes: Uint8Array): StoredDocument {
    const { ref, seq } = readHead(id, bytes);
    const known = this.#documents.get(ref);
    if (known?.seq === seq) return known;
    const stored = bodies.decode(id, bytes);
    if (stored.shareable) this.#documents.set(ref, stored);
    return stored;
  }
}
