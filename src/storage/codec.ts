import { Packr, Unpackr } from 'msgpackr';
import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value } from '../base/values.js';
import type { Change, Commit, StoredDocument, StoredRevision } from './contract.js';

/**
 * Stored bytes, as msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md).
 * Changing any of these is a new format version.
 *
 *   document   [ref, seq, document]
 *   revision   [seq, at, document]
 *   log record [at, [change, …]]
 *     put        [1, versioned, document bytes as stored]
 *     remove     [0, ref, id, type, rev, versioned]
 *     forget     [2, id, from, below]
 *   removal    [seq, at]
 *   named      the value itself
 */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
// Byte arrays are copied out, since the buffer that an engine reads into is used again.
const unpackr = new Unpackr({
  useRecords: false,
  int64AsType: 'number',
  copyBuffers: true,
});

export function encodeDocument(ref: number, seq: number, document: Document): Uint8Array {
  return pack([ref, seq, document]);
}

/** @throws {JdbxError} STORE_CORRUPT, as every decoding here */
export function decodeDocument(bytes: Uint8Array): StoredDocument {
  const [ref, seq, document] = unpackList(bytes, 3) as [number, number, Document];
  return { ref, seq, document, bytes: bytes.length, shareable: settle(document) };
}

export function encodeRevision(seq: number, at: number, document: Document): Uint8Array {
  return pack([seq, at, document]);
}

export function decodeRevision(bytes: Uint8Array): StoredRevision {
  const [seq, at, document] = unpackList(bytes, 3) as [number, number, Document];
  settle(document);
  return { seq, at, document };
}

/** The documents that a commit puts, encoded, in order. */
export function encodeBodies(commit: Commit): Uint8Array[] {
  return commit.changes.flatMap((change) =>
    change.kind === 'put' ? [encodeDocument(change.ref, commit.seq, change.document)] : [],
  );
}

/** `bodies` are the encoded documents of the put changes, in order. */
export function encodeCommit(commit: Commit, bodies: readonly Uint8Array[]): Uint8Array {
  let next = 0;
  const changes = commit.changes.map((change) => {
    if (change.kind === 'put') return [1, change.versioned, bodies[next++]];
    if (change.kind === 'forget') return [2, change.id, change.from, change.below];
    return [0, change.ref, change.id, change.type, change.rev, change.versioned === true];
  });
  return pack([commit.at, changes]);
}

export function decodeCommit(seq: number, bytes: Uint8Array): Commit {
  const [at, changes] = unpackList(bytes, 2) as [number, unknown[][]];
  return {
    seq,
    at,
    changes: changes.map(decodeChange),
  };
}

function decodeChange(change: readonly unknown[]): Change {
  if (change[0] === 1) {
    const { ref, document } = decodeDocument(change[2] as Uint8Array);
    return { kind: 'put', ref, document, versioned: change[1] as boolean };
  }
  if (change[0] === 2) {
    const [, id, from, below] = change as [2, string, number, number];
    return { kind: 'forget', id, from, below };
  }
  const [, ref, id, type, rev, versioned] = change as [0, number, string, string, number, boolean];
  return { kind: 'remove', ref, id, type, rev, ...(versioned ? { versioned } : {}) };
}

export function encodeRemoval(seq: number, at: number): Uint8Array {
  return pack([seq, at]);
}

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

function pack(value: unknown): Uint8Array {
  try {
    return packr.pack(value);
  } catch {
    // An object with fields `constructor` and `toJSON` is taken for a class and its field called.
    return packr.pack(toMaps(value));
  }
}

/** The same value with maps for objects: they are written as the same bytes. */
function toMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toMaps);
  if (!isPlainObject(value)) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, toMaps(item)]));
}

function unpackList(bytes: Uint8Array, length: number): unknown[] {
  const list = unpack(bytes);
  if (Array.isArray(list) && list.length === length) return list;
  throw new JdbxError('STORE_CORRUPT', `expected a list of ${length} in the store`);
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes);
  } catch (cause) {
    throw new JdbxError('STORE_CORRUPT', 'expected msgpack in the store', { cause });
  }
}

/**
 * Freezes a freshly decoded value in place, and replaces each `Buffer` that the
 * decoder made by a plain `Uint8Array`. True when every part could be frozen.
 */
function settle(holder: unknown): boolean {
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

function settlePart(holder: object, key: string | number, part: unknown): boolean {
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
