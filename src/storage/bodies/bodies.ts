import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { ByteWriter } from '../byte-writer.js';
import { pack, packInto, settlePart, unpack } from '../codec.js';
import type { StoredDocument } from '../contract.js';
import { VALUES_AT } from './shape.js';
import { Shapes } from './shapes.js';

/**
 * Documents as stored bytes, msgpack:
 *
 *   [ref, seq, rev, shape, value, …]   the names, the type and which values lie within which
 *                                      stand in the shape; the id is the key's
 *   [ref, seq, rev, 0, document]       one without a shape
 *
 * Changing either is a new format version.
 */
export class Bodies {
  readonly shapes = new Shapes();

  /** May number a new shape, which the batch that holds the bytes must bring along. */
  encode(ref: number, seq: number, document: Document): Uint8Array {
    return pack(this.#listOf(ref, seq, document));
  }

  /** The same, behind what the writer holds. Returns how many bytes the body is. */
  encodeInto(writer: ByteWriter, ref: number, seq: number, document: Document): number {
    return packInto(writer, this.#listOf(ref, seq, document), true);
  }

  #listOf(ref: number, seq: number, document: Document): unknown[] {
    const list: unknown[] = [ref, seq, document._rev, 0];
    const shape = this.shapes.find(document, list);
    if (shape) list[SHAPE_AT] = shape.number;
    else list.push(document);
    return list;
  }

  /**
   * @param start where its bytes begin. Default: with the first
   * @param end where they end. Default: with the last
   * @throws {JdbxError} STORE_CORRUPT
   */
  decode(id: string, bytes: Uint8Array, start = 0, end = bytes.length): StoredDocument {
    const list = unpack(bytes, start, end);
    if (!Array.isArray(list) || list.length < VALUES_AT) refuse(id);
    const [ref, seq, rev, number] = list as [number, number, number, number];
    const shareable = settleValues(list);
    return {
      ref,
      seq,
      document: this.#build(id, rev, number, list),
      bytes: end - start,
      shareable,
    };
  }

  #build(id: string, rev: number, number: number, list: readonly unknown[]): Document {
    if (number === 0) {
      const document = list[VALUES_AT] as Document | undefined;
      return list.length === VALUES_AT + 1 && document?._id === id ? document : refuse(id);
    }
    const { valueCount, build } = this.shapes.get(number);
    if (list.length !== VALUES_AT + valueCount) refuse(id);
    return build(id, rev, list);
  }
}

const SHAPE_AT = 3;

/** Freezes the values. True when every part could be frozen. */
function settleValues(list: unknown[]): boolean {
  let shareable = true;
  for (let at = VALUES_AT; at < list.length; at++) {
    const value = list[at];
    if (typeof value === 'object' && value !== null && !settlePart(list, at, value)) {
      shareable = false;
    }
  }
  return shareable;
}

/** The `ref`, `seq` and `rev` of stored bytes, without decoding the rest. @throws {JdbxError} STORE_CORRUPT */
export function readHead(id: string, bytes: Uint8Array): { ref: number; seq: number; rev: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = bytes[0] === LONG_LIST ? 3 : 1;
  const next = (): number => {
    const tag = view.getUint8(at);
    const size = NUMBER_BYTES[tag] ?? 0;
    at += 1 + size;
    return tag < NUMBERS_FROM ? tag : (readNumber(view, at - size, tag) ?? refuse(id));
  };
  try {
    return { ref: next(), seq: next(), rev: next() };
  } catch {
    return refuse(id);
  }
}

/** Of msgpack: a list of 16 values or more; below the next, a byte is a number itself. */
const LONG_LIST = 0xdc;
const NUMBERS_FROM = 0x80;
const NUMBER_BYTES: Readonly<Record<number, number>> = { 203: 8, 204: 1, 205: 2, 206: 4 };

function readNumber(view: DataView, at: number, tag: number): number | undefined {
  if (tag === 0xcb) return view.getFloat64(at);
  if (tag === 0xcc) return view.getUint8(at);
  if (tag === 0xcd) return view.getUint16(at);
  return tag === 0xce ? view.getUint32(at) : undefined;
}

function refuse(id: string): never {
  throw new JdbxError('STORE_CORRUPT', `expected the bytes of a document for ${id} in the store`);
}
