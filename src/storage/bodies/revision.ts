import { JdbxError } from '../../base/errors.js';
import type { StoredRevision } from '../contract.js';
import type { Bodies } from './bodies.js';

/** A kept revision: its time (f64, big endian), then the document's body. Part of the stored format. */
const AT_BYTES = 8;

export function encodeRevision(at: number, body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(AT_BYTES + body.length);
  bytes.writeDoubleBE(at);
  bytes.set(body, AT_BYTES);
  return bytes;
}

/** @throws {JdbxError} STORE_CORRUPT */
export function decodeRevision(id: string, bytes: Uint8Array, bodies: Bodies): StoredRevision {
  if (bytes.length < AT_BYTES) {
    throw new JdbxError('STORE_CORRUPT', `expected a revision of ${id} in the store`);
  }
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, AT_BYTES).readDoubleBE();
  const { seq, document } = bodies.decode(id, bodyOf(bytes));
  return { seq, at, document };
}

export function bodyOf(revision: Uint8Array): Uint8Array {
  return revision.subarray(AT_BYTES);
}
