import { JdbxError } from './errors.js';

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
const FORBIDDEN_KEYS = new Set(['__proto__']);

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
  return new Taker().take(input, path, 0);
}

/**
 * `takeValue` of what will be stored, with a rough count of the bytes that it takes then.
 * No engine need keep a name with a null character.
 */
export function takeSizedValue(input: unknown): SizedValue {
  const taker = new Taker(true);
  const value = taker.take(input, '', 0);
  return { value, bytes: taker.bytes, shareable: taker.shareable };
}

export interface SizedValue {
  readonly value: Value;
  readonly bytes: number;
  /** False when it holds a date or bytes, which the language cannot freeze. */
  readonly shareable: boolean;
}

class Taker {
  readonly #ancestors = new Set<object>();
  readonly #stored: boolean;
  #nodes = 0;
  bytes = 0;
  shareable = true;

  constructor(stored = false) {
    this.#stored = stored;
  }

  take(input: unknown, path: string, depth: number): Value {
    this.#count(path, depth);
    switch (typeof input) {
      case 'string':
        if (!input.isWellFormed()) refuse(path, 'a well-formed string', 'a lone surrogate');
        this.bytes += input.length;
        return input;
      case 'boolean':
        return input;
      case 'number':
        if (!Number.isFinite(input)) refuse(path, 'a finite number', String(input));
        return input === 0 ? 0 : input;
      case 'object':
        return input === null ? null : this.#takeObject(input, path, depth);
      default:
        return refuse(path, 'a value that a document can hold', describeType(input));
    }
  }

  #takeObject(input: object, path: string, depth: number): Value {
    if (input instanceof Date) return this.#takeDate(input, path);
    if (input instanceof Uint8Array) return this.#takeBytes(input);
    if (this.#ancestors.has(input)) refuse(path, 'a tree', 'a cycle');
    this.#ancestors.add(input);
    const value = Array.isArray(input)
      ? this.#takeArray(input, path, depth)
      : this.#takePlain(input, path, depth);
    this.#ancestors.delete(input);
    return value;
  }

  #takeDate(input: Date, path: string): Date {
    this.shareable = false;
    return takeDate(input, path);
  }

  #takeBytes(input: Uint8Array): Uint8Array {
    this.shareable = false;
    this.bytes += input.byteLength;
    return toPlainBytes(input).slice();
  }

  #takeArray(input: readonly unknown[], path: string, depth: number): Value {
    const out: Value[] = [];
    for (let index = 0; index < input.length; index++) {
      const item = input[index];
      // A hole or `undefined` keeps its place as null, as JSON does.
      out.push(this.take(item === undefined ? null : item, join(path, index), depth + 1));
    }
    return Object.freeze(out);
  }

  #takePlain(input: object, path: string, depth: number): Value {
    const prototype = Object.getPrototypeOf(input);
    if (prototype !== null && !isObjectPrototype(prototype)) {
      refuse(path, 'a plain object', `an instance of ${prototype.constructor?.name ?? 'a class'}`);
    }
    const out: Record<string, Value> = {};
    for (const key of Object.keys(input)) {
      const item = (input as Record<string, unknown>)[key];
      if (item === undefined) continue;
      checkKey(key, path);
      if (this.#stored && key.includes('\0'))
        refuse(path, 'property names without null characters', JSON.stringify(key));
      this.bytes += key.length;
      out[key] = this.take(item, join(path, key), depth + 1);
    }
    if (Object.getOwnPropertySymbols(input).length > 0) {
      refuse(path, 'string keys only', 'a symbol key');
    }
    return Object.freeze(out);
  }

  #count(path: string, depth: number): void {
    if (depth > VALUE_LIMITS.depthMax) {
      throw new JdbxError(
        'DOCUMENT_TOO_LARGE',
        `expected at most ${VALUE_LIMITS.depthMax} levels of nesting`,
        { path },
      );
    }
    this.bytes += NODE_BYTES;
    if (++this.#nodes > VALUE_LIMITS.nodesMax) {
      throw new JdbxError(
        'DOCUMENT_TOO_LARGE',
        `expected at most ${VALUE_LIMITS.nodesMax} values`,
        {
          path,
        },
      );
    }
  }
}

/** An object literal's prototype, also one that another realm (a test runner's) made. */
function isObjectPrototype(prototype: object): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'))
  );
}

function takeDate(input: Date, path: string): Date {
  const time = input.getTime();
  if (Number.isNaN(time)) refuse(path, 'a valid date', 'an invalid date');
  return new Date(time);
}

/** A view without a subclass: a `Buffer`'s `slice` would share its memory. */
function toPlainBytes(input: Uint8Array): Uint8Array {
  return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
}

function checkKey(key: string, path: string): void {
  if (FORBIDDEN_KEYS.has(key)) refuse(join(path, key), 'another property name', `"${key}"`);
  if (!key.isWellFormed()) refuse(path, 'well-formed property names', 'a lone surrogate');
  // Most names are too short to ask: a character takes three bytes at most.
  if (3 * key.length <= VALUE_LIMITS.keyBytesMax) return;
  if (Buffer.byteLength(key) > VALUE_LIMITS.keyBytesMax) {
    throw new JdbxError(
      'DOCUMENT_TOO_LARGE',
      `expected property names of at most ${VALUE_LIMITS.keyBytesMax} bytes`,
      { path },
    );
  }
}

function join(path: string, part: string | number): string {
  return path === '' ? String(part) : `${path}.${part}`;
}

function refuse(path: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${got}`, { path });
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
