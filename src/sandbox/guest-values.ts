import { takeValue, VALUE_LIMITS } from '../base/values.js';
import { objectsInherit } from './plain-values.js';

/**
 * Values on their way into a guest, as the engine's own binary objects (`JS_ReadObject` in its
 * `quickjs.c`, https://bellard.org/quickjs/, of 2025-09-13), one byte a character:
 *
 * ```
 * 5 | count, names… | value              numbers of variable length, 7 bits a byte, low ones first
 * name    length * 2 + wide, characters
 * value   1 null  2 undefined  3 false  4 true  5 whole number (sign in bit 0)  6 float, 8 bytes
 *         7 text: as a name      8 object: count, (name, value)…      9 list: count, values…
 *         14 bytes: 2, count, 0, (15, count, -1, bytes)               17 date: a number
 *         a name in an object is 2 * its place from 1 on, or 2 * a number + 1
 * ```
 *
 * Only data is ever written here; code has other tags, and is never loaded from bytes.
 *
 * `undefined` becomes null.
 *
 * @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE
 */
export function encodeForGuest(value: unknown, path = ''): string {
  try {
    return new Writer(KEY_LENGTH_MAX).encode(value ?? null);
  } catch (error) {
    if (error !== NOT_PLAIN && !(error instanceof RangeError)) throw error;
    // The long way decides, with a reason; what it lets through can be written.
    return new Writer(Number.POSITIVE_INFINITY).encode(takeValue(value ?? null, path));
  }
}

/** What a host function answers, as it crosses: in a list, after a `+`. @throws {JdbxError} as `encodeForGuest` */
export function encodeAnswer(value: unknown): string {
  return `+${encodeForGuest([value])}`;
}

const VERSION = 5;
const TAG = {
  null: 1,
  false: 3,
  true: 4,
  int: 5,
  float: 6,
  text: 7,
  object: 8,
  list: 9,
  bytes: 14,
  buffer: 15,
  date: 17,
} as const;
const BYTE_ARRAY = 2;
const NO_MAXIMUM = 0xffff_ffff;
/** So long a name is within the limit in bytes, whatever its letters. */
const KEY_LENGTH_MAX = Math.floor(VALUE_LIMITS.keyBytesMax / 3);
const NUMBER_BYTES_MAX = 10;
/** The largest number that takes one byte. */
const BYTE_NUMBER_MAX = 0x7f;
const FEW_NAMES = 16;
/** Below this, a loop is quicker than a call. */
const SHORT = 32;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all that a byte can be
const WIDE = /[^\u0000-\u00ff]/;
/** Thrown by the writer to itself. */
const NOT_PLAIN = new Error('not plain data');

/** One writer at a time has it; it grows with the largest value, up to a bound. */
let shared: Buffer | undefined = Buffer.allocUnsafe(2 ** 16);
const KEPT_BYTES_MAX = 2 ** 20;

class Writer {
  readonly #keyLengthMax: number;
  readonly #names: string[] = [];
  /** The same by name, once they are many. */
  #places: Map<string, number> | undefined;
  #lastPlace = -1;
  readonly #inherits = objectsInherit();
  #bytes = shared ?? Buffer.alloc(0);
  #end = 0;
  #nodes = 0;

  constructor(keyLengthMax: number) {
    this.#keyLengthMax = keyLengthMax;
    // An accessor among the values may make another writer.
    shared = undefined;
  }

  encode(value: unknown): string {
    this.#value(value, 0);
    const body = this.#bytes.toString('latin1', 0, this.#end);
    this.#end = 0;
    this.#byte(VERSION);
    this.#number(this.#names.length);
    for (let at = 0; at < this.#names.length; at++) this.#text(this.#names[at] as string);
    const head = this.#bytes.toString('latin1', 0, this.#end);
    if (this.#bytes.length <= KEPT_BYTES_MAX) shared = this.#bytes;
    return head + body;
  }

  #value(value: unknown, depth: number): void {
    if (depth > VALUE_LIMITS.depthMax || ++this.#nodes > VALUE_LIMITS.nodesMax) throw NOT_PLAIN;
    if (typeof value === 'string') {
      this.#byte(TAG.text);
      this.#text(value);
    } else if (typeof value === 'number') this.#numeric(value);
    else if (typeof value === 'object' && value !== null) this.#object(value, depth);
    else this.#byte(tagOf(value));
  }

  /** Negative zero is written as zero, as in a document. */
  #numeric(value: number): void {
    if ((value | 0) === value) {
      this.#byte(TAG.int);
      this.#number(((value << 1) ^ (value >> 31)) >>> 0);
    } else if (Number.isFinite(value)) {
      this.#byte(TAG.float);
      this.#makeRoom(8);
      this.#end = this.#bytes.writeDoubleLE(value, this.#end);
    } else throw NOT_PLAIN;
  }

  #object(value: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) this.#list(value, depth);
    else if (prototype === Object.prototype || prototype === null) this.#fields(value, depth);
    else if (value instanceof Date) this.#date(value.getTime());
    else if (value instanceof Uint8Array) this.#blob(value);
    else throw NOT_PLAIN;
  }

  #list(items: readonly unknown[], depth: number): void {
    this.#byte(TAG.list);
    this.#number(items.length);
    for (let at = 0; at < items.length; at++) this.#value(items[at] ?? null, depth + 1);
  }

  #fields(object: object, depth: number): void {
    if (Object.getOwnPropertySymbols(object).length > 0) throw NOT_PLAIN;
    this.#byte(TAG.object);
    const countAt = this.#end;
    this.#byte(0);
    let count = 0;
    // Several times faster than by a list of keys.
    for (const key in object) {
      if (this.#inherits && !Object.hasOwn(object, key)) continue;
      const value = (object as Record<string, unknown>)[key];
      if (value === undefined) continue;
      count++;
      this.#key(key);
      this.#value(value, depth + 1);
    }
    if (count <= BYTE_NUMBER_MAX) this.#bytes[countAt] = count;
    else this.#insertNumber(count, countAt);
  }

  /** In place of the one byte that was kept for it. */
  #insertNumber(number: number, at: number): void {
    this.#makeRoom(0);
    const end = this.#end;
    this.#number(number);
    const bytes = this.#bytes.subarray(end, this.#end);
    const written = Buffer.from(bytes);
    this.#bytes.copyWithin(at + written.length, at + 1, end);
    this.#bytes.set(written, at);
    this.#end = end + written.length - 1;
  }

  #key(key: string): void {
    const place = this.#placeOf(key);
    this.#number(place < 0 ? this.#newName(key) : (place + 1) * 2);
  }

  /** Where objects are alike, each name follows the one before it. */
  #placeOf(key: string): number {
    const next = this.#lastPlace + 1;
    if (this.#names[next] === key) this.#lastPlace = next;
    else this.#lastPlace = this.#places?.get(key) ?? this.#placeAmongFew(key);
    return this.#lastPlace;
  }

  #placeAmongFew(key: string): number {
    return this.#places ? -1 : this.#names.indexOf(key);
  }

  #newName(key: string): number {
    const index = indexOf(key);
    if (index !== undefined) return index * 2 + 1;
    // That it is well-formed is seen when it is written.
    if (key.length > this.#keyLengthMax || key === '__proto__') throw NOT_PLAIN;
    const place = this.#names.push(key) - 1;
    this.#lastPlace = place;
    if (this.#places) this.#places.set(key, place);
    else if (place === FEW_NAMES) this.#places = new Map(this.#names.map((name, at) => [name, at]));
    return (place + 1) * 2;
  }

  #date(time: number): void {
    if (Number.isNaN(time)) throw NOT_PLAIN;
    this.#byte(TAG.date);
    this.#numeric(time);
  }

  #blob(bytes: Uint8Array): void {
    this.#byte(TAG.bytes);
    this.#byte(BYTE_ARRAY);
    this.#number(bytes.length);
    this.#number(0);
    this.#byte(TAG.buffer);
    this.#number(bytes.length);
    this.#number(NO_MAXIMUM);
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #text(text: string): void {
    const { length } = text;
    this.#makeRoom(length * 2);
    if (length > SHORT ? WIDE.test(text) : !this.#shortText(text)) this.#wideText(text);
    else if (length > SHORT) {
      this.#number(length * 2);
      this.#makeRoom(length);
      this.#end += this.#bytes.write(text, this.#end, 'latin1');
    }
  }

  /** False, with nothing written, when it is wide. */
  #shortText(text: string): boolean {
    const { length } = text;
    const start = this.#end + 1;
    this.#bytes[this.#end] = length * 2;
    for (let at = 0; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0xff) return false;
      this.#bytes[start + at] = unit;
    }
    this.#end = start + length;
    return true;
  }

  #wideText(text: string): void {
    if (!text.isWellFormed()) throw NOT_PLAIN;
    this.#number(text.length * 2 + 1);
    this.#makeRoom(text.length * 2);
    this.#end += this.#bytes.write(text, this.#end, 'utf16le');
  }

  #byte(byte: number): void {
    this.#makeRoom(0);
    this.#bytes[this.#end++] = byte;
  }

  #number(number: number): void {
    this.#makeRoom(0);
    let rest = number;
    for (; rest > 0x7f; rest = Math.floor(rest / 128))
      this.#bytes[this.#end++] = (rest % 128) | 128;
    this.#bytes[this.#end++] = rest;
  }

  /** For so many bytes, and a number or a tag besides. */
  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes + NUMBER_BYTES_MAX;
    if (needed <= this.#bytes.length) return;
    const wider = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(wider, 0, 0, this.#end);
    this.#bytes = wider;
  }
}

function tagOf(value: unknown): number {
  if (typeof value === 'boolean') return value ? TAG.true : TAG.false;
  if (value === null) return TAG.null;
  throw NOT_PLAIN;
}

/** A name that the engine keeps as a number: below 2^31, in the one way to write it. */
function indexOf(key: string): number | undefined {
  const first = key.charCodeAt(0) - 48;
  if (!(first >= 0 && first <= 9) || key.length > 10) return undefined;
  const index = Number(key);
  return index < 2 ** 31 && `${index}` === key ? index : undefined;
}

/** The answer null, which most calls that only do something have. */
export const NULL_ANSWER = encodeAnswer(null);
