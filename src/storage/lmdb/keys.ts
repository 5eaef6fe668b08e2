/**
 * Key bytes of the LMDB tables. Part of the stored format.
 *
 *   documents   utf-8 of `_id`
 *   revisions   utf-8 of `_id`, 00, rev (4 bytes, big endian)
 *   removals    the same
 *   log         seq (8 bytes, big endian)
 *   past        seq (8 bytes, big endian), ref (6 bytes, big endian)
 *   shapes      its number (4 bytes, big endian)
 *   names       utf-8 of the name
 */
export function textKey(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/**
 * Puts a key of the documents table where the binding wants it, and says where it ends. An id
 * need not be made into bytes of its own first, which would cost as much as finding it.
 */
export function writeIdKey(key: string | Uint8Array, target: Buffer, start: number): number {
  if (typeof key !== 'string') {
    target.set(key, start);
    return start + key.length;
  }
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at);
    if (unit > ASCII_MAX) return start + target.write(key, start, 'utf8');
    target[start + at] = unit;
  }
  return start + key.length;
}

const ASCII_MAX = 127;

const REVISION_SUFFIX_BYTES = 5;

export function revisionKey(id: string, rev: number): Buffer {
  const size = Buffer.byteLength(id);
  const key = Buffer.alloc(size + REVISION_SUFFIX_BYTES);
  key.write(id, 'utf8');
  key.writeUInt32BE(rev, size + 1);
  return key;
}

/** The `rev` in a key of the revisions table. */
export function readRevisionKey(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(key.length - 4);
}

/** The `_id` in a key of the revisions table. */
export function readRevisionId(key: Uint8Array): string {
  return Buffer.from(key).toString('utf8', 0, key.length - REVISION_SUFFIX_BYTES);
}

/** An id that itself holds a NUL byte can fall into another id's range; its keys are longer. */
export function isRevisionKeyOf(key: Uint8Array, id: string): boolean {
  return key.length === Buffer.byteLength(id) + REVISION_SUFFIX_BYTES;
}

export function seqKey(seq: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  writeSeq(key, seq);
  return key;
}

/** In two halves: a number is not made into another kind of number first. */
function writeSeq(key: Buffer, seq: number): void {
  key.writeUInt32BE(Math.floor(seq / 2 ** 32), 0);
  key.writeUInt32BE(seq >>> 0, 4);
}

export function pastKey(seq: number, ref: number): Buffer {
  const key = Buffer.allocUnsafe(14);
  writeSeq(key, seq);
  key.writeUIntBE(ref, 8, 6);
  return key;
}

export function shapeKey(number: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(number);
  return key;
}

export function readSeqKey(key: Uint8Array): number {
  return Number(Buffer.from(key).readBigUInt64BE());
}
