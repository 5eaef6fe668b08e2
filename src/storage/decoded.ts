import { LRUCache } from 'lru-cache';
import { decodeDocument } from './codec.js';
import type { StoredDocument } from './contract.js';

/** What an entry costs beside its document's bytes. */
const ENTRY_BYTES = 200;
/** Of msgpack: a list of three, and numbers by their first byte. */
const LIST_OF_3 = 0x93;
const UINT_BYTES: Readonly<Record<number, number>> = { 204: 1, 205: 2, 206: 4 };

/**
 * Documents that were decoded before, for a reader that is not told what changes. What is
 * stored begins with the document's number and the commit that wrote it, and both together
 * never stand for anything else: so a look at the first bytes tells whether to decode the rest.
 */
export class Decoded {
  readonly #documents: LRUCache<number, StoredDocument>;

  constructor(sizeMaxBytes: number) {
    const sizeCalculation = ({ bytes }: StoredDocument) => bytes + ENTRY_BYTES;
    this.#documents = new LRUCache({ maxSize: sizeMaxBytes, sizeCalculation });
  }

  /** @throws {JdbxError} STORE_CORRUPT */
  decode(bytes: Uint8Array): StoredDocument {
    const ref = bytes[0] === LIST_OF_3 ? readUint(bytes, 1) : undefined;
    const known = ref && this.#documents.get(ref.value);
    if (known && readUint(bytes, ref.end)?.value === known.seq) return known;
    const stored = decodeDocument(bytes);
    if (stored.shareable) this.#documents.set(stored.ref, stored);
    return stored;
  }
}

/** A number below 2^32; a seq beyond is decoded each time. */
function readUint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  const first = bytes[at] as number;
  if (first < 0x80) return { value: first, end: at + 1 };
  const count = UINT_BYTES[first];
  if (count === undefined) return undefined;
  let value = 0;
  for (let next = at + 1; next <= at + count; next++) value = value * 256 + (bytes[next] as number);
  return { value, end: at + 1 + count };
}
