import { JdbxError } from './errors.js';
import { roomyObject } from './roomy-object.js';
import { isSoundName } from './sound-names.js';

/** What a document may hold. A property that is `undefined` is left out, as JSON does. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value };

/** A plain object of values: the body of a document, a filter, a guest's argument. */
export interface ValueObject {
  readonly [key: string]: Value;
}

/** How large a value may be. Nesting counts arrays and objects. */
export const VALUE_LIMITS = { depthMax: 180, nodesMax: 1_000_000, keyBytesMax: 1_000 } as const;

/** What a number, a tag or a length takes, roughly. */
const NODE_BYTES = 4;

/**
 * Copies `input` into a fresh, deeply frozen value, or refuses it with its
 * path. Accessors are read once; nothing of the caller's object is kept, so
 * what the caller does with it later changes nothing here.
 *
 * Dates and byte arrays are copied but cannot be frozen by the language.
 *
 * @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE
 */
export function takeValue(input: unknown, path = ''): Value {
  // What most filters compare with.
  if (typeof input === 'string' && input.isWellFormed()) return input;
  return new Taker(path).take(input);
}

/**
 * `takeValue` of what will be stored, with a rough count of the bytes that it takes then.
 * No engine need keep a name with a null character.
 */
export function takeSizedValue(input: unknown): SizedValue {
  const taker = new Taker('', true);
  const value = taker.take(input);
  return { value, bytes: taker.bytes, shareable: taker.shareable };
}

/**
 * `takeSizedValue` of what this program made of values that were taken before: what is frozen
 * of it nobody can change, so it is used as it is.
 */
export function takeMadeValue(input: unknown): SizedValue {
  const taker = new Taker('', true, true);
  const value = taker.take(input);
  return { value, bytes: taker.bytes, shareable: taker.shareable };
}

/**
 * What is left of so many bytes after a value, counted as `takeSizedValue` does but not copied;
 * below zero as soon as nothing is, and for what is no value.
 */
export function bytesLeft(value: unknown, bytes: number, depth = 0): number {
  const left = bytes - NODE_BYTES;
  if (left < 0 || depth > VALUE_LIMITS.depthMax) return -1;
  if (typeof value === 'string') return left - value.length;
  if (typeof value !== 'object') return value === undefined ? -1 : left;
  if (value === null || value instanceof Date) return left;
  if (value instanceof Uint8Array) return left - value.byteLength;
  return Array.isArray(value)
    ? leftOfList(value, left, depth + 1)
    : leftOfObject(value as Record<string, unknown>, left, depth + 1);
}

function leftOfList(list: readonly unknown[], bytes: number, depth: number): number {
  let left = bytes;
  for (let at = 0; at < list.length && left >= 0; at++) {
    left = bytesLeft(list[at] ?? null, left, depth);
  }
  return left;
}

function leftOfObject(object: Record<string, unknown>, bytes: number, depth: number): number {
  let left = bytes;
  for (const key of Object.keys(object)) {
    const item = object[key];
    if (item !== undefined) left = bytesLeft(item, left - key.length, depth);
    if (left < 0) return left;
  }
  return left;
}

export interface SizedValue {
  readonly value: Value;
  readonly bytes: number;
  /** False when it holds a date or bytes, which the language cannot freeze. */
  readonly shareable: boolean;
}

/** An object that lies around the value at hand, and the name by which one gets from it to that. */
class Place {
  readonly object: object;
  readonly around: Place | undefined;
  readonly depth: number;
  name: string | number = '';

  constructor(object: object, around: Place | undefined) {
    this.object = object;
    this.around = around;
    this.depth = around === undefined ? 1 : around.depth + 1;
  }
}

class Taker {
  readonly #root: string;
  readonly #stored: boolean;
  /** True when what is frozen was taken before, and need not be copied. */
  readonly #trusts: boolean;
  #place: Place | undefined;
  #nodes = 0;
  bytes = 0;
  shareable = true;

  constructor(root: string, stored = false, trusts = false) {
    this.#root = root;
    this.#stored = stored;
    this.#trusts = trusts;
  }

  take(input: unknown): Value {
    this.#count(this.#place === undefined ? 0 : this.#place.depth);
    switch (typeof input) {
      case 'string':
        if (!input.isWellFormed()) this.#refuse('a well-formed string', 'a lone surrogate');
        this.bytes += input.length;
        return input;
      case 'boolean':
        return input;
      case 'number':
        if (!Number.isFinite(input)) this.#refuse('a finite number', String(input));
        return input === 0 ? 0 : input;
      case 'object':
        return input === null ? null : this.#takeObject(input);
      default:
        return this.#refuse('a value that a document can hold', describeType(input));
    }
  }

  #takeObject(input: object): Value {
    if (this.#trusts && Object.isFrozen(input) && this.#isWhole(input as Value)) {
      return input as Value;
    }
    if (Array.isArray(input)) return this.#takeArray(input);
    if (input instanceof Date) return this.#takeDate(input);
    if (input instanceof Uint8Array) return this.#takeBytes(input);
    return this.#takePlain(input);
  }

  /**
   * Counts a value that was taken before. False, and nothing counted, when it has to be copied:
   * of dates and bytes each holder has its own, not every value may be stored, and somebody else
   * may have frozen what is no value, or the outside of it alone.
   */
  #isWhole(value: Value): boolean {
    const [bytes, nodes] = [this.bytes, this.#nodes];
    this.bytes -= NODE_BYTES;
    this.#nodes--;
    if (this.#counts(value, this.#place === undefined ? 0 : this.#place.depth)) return true;
    this.bytes = bytes;
    this.#nodes = nodes;
    return false;
  }

  #counts(value: unknown, depth: number): boolean {
    this.#count(depth);
    switch (typeof value) {
      case 'string':
        this.bytes += value.length;
        return value.isWellFormed();
      case 'number':
        return Number.isFinite(value);
      case 'boolean':
        return true;
      case 'object':
        return value === null || (Object.isFrozen(value) && this.#countsParts(value, depth + 1));
      default:
        return false;
    }
  }

  #countsParts(value: object, depth: number): boolean {
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at++) {
        if (!this.#counts(value[at], depth)) return false;
      }
      return true;
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    // Several times faster than by a list of keys.
    for (const key in value) {
      if (this.#stored && !isSoundName(key)) return false;
      this.bytes += key.length;
      if (!this.#counts((value as Record<string, unknown>)[key], depth)) return false;
    }
    return true;
  }

  /** @throws {JdbxError} INVALID_DOCUMENT when the value is its own part */
  #enter(object: object): Place {
    for (let place = this.#place; place !== undefined; place = place.around) {
      if (place.object === object) this.#refuse('a tree', 'a cycle');
    }
    const place = new Place(object, this.#place);
    this.#place = place;
    return place;
  }

  #takeDate(input: Date): Date {
    this.shareable = false;
    const time = input.getTime();
    if (Number.isNaN(time)) this.#refuse('a valid date', 'an invalid date');
    return new Date(time);
  }

  #takeBytes(input: Uint8Array): Uint8Array {
    this.shareable = false;
    this.bytes += input.byteLength;
    return toPlainBytes(input).slice();
  }

  #takeArray(input: readonly unknown[]): Value {
    const place = this.#enter(input);
    const out: Value[] = [];
    for (let index = 0; index < input.length; index++) {
      const item = input[index];
      place.name = index;
      // A hole or `undefined` keeps its place as null, as JSON does.
      out.push(this.take(item === undefined ? null : item));
    }
    this.#place = place.around;
    return Object.freeze(out);
  }

  #takePlain(input: object): Value {
    const place = this.#enter(input);
    const prototype = Object.getPrototypeOf(input);
    if (prototype !== Object.prototype && prototype !== null && !isObjectPrototype(prototype)) {
      this.#place = place.around;
      this.#refuse('a plain object', `an instance of ${prototype.constructor?.name ?? 'a class'}`);
    }
    const keys = Object.keys(input);
    const out = roomyObject<Value>(keys.length);
    for (const key of keys) {
      const item = (input as Record<string, unknown>)[key];
      if (item === undefined) continue;
      if (!isSoundName(key)) this.#checkKey(place, key);
      this.bytes += key.length;
      place.name = key;
      out[key] = this.take(item);
    }
    this.#place = place.around;
    if (!this.#trusts && Object.getOwnPropertySymbols(input).length > 0) {
      this.#refuse('string keys only', 'a symbol key');
    }
    return Object.freeze(out);
  }

  #checkKey(place: Place, key: string): void {
    if (key === '__proto__') {
      place.name = key;
      this.#refuse('another property name', `"${key}"`);
    }
    this.#place = place.around;
    if (!key.isWellFormed()) this.#refuse('well-formed property names', 'a lone surrogate');
    if (this.#stored && key.includes('\0')) {
      this.#refuse('property names without null characters', JSON.stringify(key));
    }
    if (Buffer.byteLength(key) > VALUE_LIMITS.keyBytesMax) {
      this.#tooLarge(`property names of at most ${VALUE_LIMITS.keyBytesMax} bytes`);
    }
    this.#place = place;
  }

  #count(depth: number): void {
    if (depth > VALUE_LIMITS.depthMax) {
      this.#tooLarge(`at most ${VALUE_LIMITS.depthMax} levels of nesting`);
    }
    this.bytes += NODE_BYTES;
    if (++this.#nodes > VALUE_LIMITS.nodesMax) {
      this.#tooLarge(`at most ${VALUE_LIMITS.nodesMax} values`);
    }
  }

  get #path(): string {
    const names: (string | number)[] = [];
    for (let place = this.#place; place !== undefined; place = place.around) names.push(place.name);
    if (this.#root !== '') names.push(this.#root);
    return names.reverse().join('.');
  }

  #tooLarge(expected: string): never {
    throw new JdbxError('DOCUMENT_TOO_LARGE', `expected ${expected}`, { path: this.#path });
  }

  #refuse(expected: string, got: string): never {
    const path = this.#path;
    throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${got}`, { path });
  }
}

/** An object literal's prototype, also one that another realm (a test runner's) made. */
function isObjectPrototype(prototype: object): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'))
  );
}

/** A view without a subclass: a `Buffer`'s `slice` would share its memory. */
function toPlainBytes(input: Uint8Array): Uint8Array {
  return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
}

/** True for `{…}` values: not null, an array, a date or bytes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof RegExp)
  );
}

/** Names what came, for error messages: `null`, `an array`, `a string`, … */
export function describeType(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
