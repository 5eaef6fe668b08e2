import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value } from '../base/values.js';
import type { ByteWriter } from './byte-writer.js';

/**
 * Stored values as msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md), and those
 * forms that hold no document; the others are in `bodies/`.
 *
 *   removal    [seq, at]
 *   named      the value itself
 *
 * Changing any of these is a new format version.
 */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
// Byte arrays are copied out, since the buffer that an engine reads into is used again.
const unpackr = new Unpackr({
  useRecords: false,
  int64AsType: 'number',
  copyBuffers: true,
});

export function encodeRemoval(seq: number, at: number): Uint8Array {
  return pack([seq, at]);
}

/** @throws {JdbxError} STORE_CORRUPT */
export function decodeRemoval(bytes: Uint8Array): { readonly seq: number; readonly at: number } {
  const [seq, at] = unpackList(bytes, 2) as [number, number];
  return { seq, at };
}

export function encodeNamed(value: Value): Uint8Array {
  return pack(value);
}

export function decodeNamed(bytes: Uint8Array): Value {
  const holder = [unpack(bytes)];
  settle(holder);
  return holder[0] as Value;
}

export function pack(value: unknown): Uint8Array {
  try {
    return packr.pack(value);
  } catch {
    // An object with fields `constructor` and `toJSON` is taken for a class and its field called.
    return packr.pack(toMaps(value));
  }
}

/**
 * `pack` for what goes into other bytes, as it is or, `asBytes`, as a value of its own.
 *
 * @returns how many bytes it is
 */
export function packInto(writer: ByteWriter, value: unknown, asBytes = false): number {
  const { source, start, end } = packInPlace(value);
  if (asBytes) writer.bytes(source, start, end);
  else writer.raw(source, start, end);
  return end - start;
}

/** Where the packer wrote it, to be copied before it writes again. */
function packInPlace(value: unknown): Place {
  try {
    const source = packr.pack(value, REUSE_BUFFER_MODE | RESET_BUFFER_MODE) as Buffer & Place;
    return { source, start: source.start, end: source.end };
  } catch {
    const source = pack(value);
    return { source, start: 0, end: source.length };
  }
}

interface Place {
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The same value with maps for objects: they are written as the same bytes. */
function toMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toMaps);
  if (!isPlainObject(value)) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, toMaps(item)]));
}

/** @throws {JdbxError} STORE_CORRUPT, as every decoding here */
export function unpackList(bytes: Uint8Array, length: number): unknown[] {
  const list = unpack(bytes);
  if (Array.isArray(list) && list.length === length) return list;
  throw new JdbxError('STORE_CORRUPT', `expected a list of ${length} in the store`);
}

/** Where the value lies in the bytes: an object that is used again and again. */
const part = { start: 0, end: 0 };

export function unpack(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
  part.start = start;
  part.end = end;
  try {
    return unpackr.unpack(bytes, part);
  } catch (cause) {
    throw new JdbxError('STORE_CORRUPT', 'expected msgpack in the store', { cause });
  }
}

/**
 * Freezes a freshly decoded value in place, and replaces each `Buffer` that the
 * decoder made by a plain `Uint8Array`. True when every part could be frozen.
 */
export function settle(holder: unknown): boolean {
  if (typeof holder !== 'object' || holder === null) return true;
  let shareable = true;
  if (Array.isArray(holder)) {
    // By number: names of positions would be made into texts, one by one.
    for (let at = 0; at < holder.length; at++) {
      if (!settlePart(holder, at, holder[at])) shareable = false;
    }
  } else {
    for (const key in holder) {
      if (!settlePart(holder, key, (holder as Record<string, unknown>)[key])) shareable = false;
    }
  }
  Object.freeze(holder);
  return shareable;
}

export function settlePart(holder: object, key: string | number, part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return true;
  if (part instanceof Date) return false;
  if (!(part instanceof Uint8Array)) return settle(part);
  (holder as Record<string | number, unknown>)[key] = new Uint8Array(part);
  return false;
}

/** True when every part of a frozen value is frozen, so that readers may share one copy. */
export function isShareable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (value instanceof Date || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.every(isShareable);
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    if (typeof part === 'object' && !isShareable(part)) return false;
  }
  return true;
}
