import type { Pointer } from './engine.js';
import { EVAL, type GuestContext } from './guest-context.js';
import type { MemoryViews } from './instance.js';

/**
 * Reads plain data straight out of the engine's heap and gives it as the text
 * of `values-crossing.ts`: no code of the guest runs, not even the engine's.
 *
 * The layouts are those of the 32-bit build with boxed NaNs (`quickjs.c` of
 * 2025-09-13, https://bellard.org/quickjs/), in words of 32 bits:
 *
 * ```
 * value   low, high: high is a tag, or with low a float less FLOAT_ADDEND
 * object  refs, flags+class<<16, link, link, weakrefs, shape, properties, –, u
 * array   … u: capacity, items, count        date  … u: value
 * shape   refs, gc, link, link, hashed, hash, mask, size, count, deleted, next, prototype, (flags<<26, atom)…
 * string  refs, length + wide<<31, hash + kind<<30, next, characters…
 * rope    refs, length, wide + depth<<8, –, left value, right value
 * ```
 *
 * Whatever is not exactly as plain data looks gives `undefined`, and the
 * guest's own end then decides, slower and with a reason (`guest/crossing.ts`).
 * A realm whose specimen is not read as expected reads nothing at all.
 */
export interface HeapShape {
  readonly objectPrototype: Pointer;
  readonly arrayPrototype: Pointer;
  /** The number of the name `then`. */
  readonly thenAtom: number;
  /** Where the runtime keeps the address of its table of property names. */
  readonly atomsAt: Pointer;
}

export interface ReadLimits {
  readonly depthMax: number;
  readonly nodesMax: number;
  readonly lengthMax: number;
  /** Asked now and then; true ends the reading. */
  readonly isSpent: () => boolean;
}

const TAG = { int: 0, bool: 1, null: 2, undefined: 3, rope: -6, string: -7, object: -1 } as const;
const FLOAT_ADDEND = 0x7ff8000a;
const CLASS = { object: 1, array: 2, date: 10 } as const;
const FAST_ARRAY = 1 << 11;
const PROPERTY = { enumerable: 1 << 28, special: 0b11 << 30 } as const;
const ATOM_IS_NUMBER = 1 << 31;
const MARK = '\u0001';

/** Turns two words into a float; the engine's memory is little-endian, and so must this machine be. */
const FLOAT = new Float64Array(1);
const FLOAT_WORDS = new Uint32Array(FLOAT.buffer);

/** Thrown by the reader to itself. */
const NOT_PLAIN = new Error('not plain data');

export class HeapReader {
  readonly #shape: HeapShape;
  readonly #limits: ReadLimits;
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #atoms: number;
  #nodes = 0;
  #length = 0;

  /** Good for one reading: the heap may move the table of names, and grow into another memory. */
  constructor(memory: MemoryViews, shape: HeapShape, limits: ReadLimits) {
    this.#shape = shape;
    this.#limits = limits;
    this.#words = memory.words;
    this.#bytes = memory.bytes;
    this.#atoms = this.#word(shape.atomsAt);
  }

  /**
   * The text of the value at `at`; undefined when it is not plain data, or too
   * much of it. `depth` is how deep the value lies already.
   */
  read(at: Pointer, depth = 0): string | undefined {
    try {
      return this.#value(at, depth) ?? 'null';
    } catch (error) {
      if (error === NOT_PLAIN || error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** The same of values that follow each other, as a list. */
  readList(at: Pointer, count: number, depth: number): string | undefined {
    try {
      this.#spend(3);
      return this.#items(at, count, depth + 1);
    } catch (error) {
      if (error === NOT_PLAIN || error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Whether the value at `at` may be waited for by a `then` that a guest gave its prototype. */
  canBeThenable(at: Pointer): boolean {
    if ((this.#word(at + 4) | 0) !== TAG.object) return false;
    const { objectPrototype, arrayPrototype, thenAtom } = this.#shape;
    return this.#hasOwn(objectPrototype, thenAtom) || this.#hasOwn(arrayPrototype, thenAtom);
  }

  #hasOwn(object: Pointer, atom: number): boolean {
    const shape = this.#word(object + 20);
    const count = this.#word(shape + 32);
    if (!(count < PROTOTYPE_PROPERTIES_MAX)) return true;
    for (let index = 0; index < count; index++) {
      if (this.#word(shape + 52 + index * 8) === atom) return true;
    }
    return false;
  }

  #word(at: Pointer): number {
    return this.#words[at >>> 2] as number;
  }

  /** Counts as the guest's end does, so that both refuse alike. */
  #spend(size: number): void {
    this.#length += size;
    const { nodesMax, lengthMax, isSpent } = this.#limits;
    if (++this.#nodes > nodesMax || this.#length > lengthMax) throw NOT_PLAIN;
    if ((this.#nodes & 4095) === 0 && isSpent()) throw NOT_PLAIN;
  }

  #value(at: Pointer, depth: number): string | undefined {
    const low = this.#word(at);
    const tag = this.#word(at + 4) | 0;
    switch (tag) {
      case TAG.string:
      case TAG.rope:
        return this.#string(low, tag);
      case TAG.int:
        this.#spend(2);
        return `${low | 0}`;
      case TAG.object:
        return this.#object(low, depth);
      case TAG.bool:
        this.#spend(5);
        return low === 0 ? 'false' : 'true';
      case TAG.null:
        return 'null';
      case TAG.undefined:
        this.#spend(5);
        return undefined;
      default:
        this.#spend(2);
        return `${this.#number(low, tag)}`;
    }
  }

  #number(low: number, tag: number): number {
    if ((tag + 9) >>> 0 < 17) throw NOT_PLAIN;
    FLOAT_WORDS[0] = low;
    FLOAT_WORDS[1] = tag + FLOAT_ADDEND;
    const number = FLOAT[0] as number;
    if (!Number.isFinite(number)) throw NOT_PLAIN;
    return number;
  }

  #string(at: Pointer, tag: number): string {
    const length = this.#word(at + 4) & 0x7fffffff;
    this.#spend(length + 3);
    if (tag === TAG.rope) return quote(this.#ropeText(at, length));
    const isWide = this.#word(at + 4) >>> 31 === 1;
    const text = !isWide && length <= SHORT ? this.#shortText(at + 16, length) : '';
    return text || quote(this.#text(at));
  }

  /** Most texts are short and hold nothing to escape; empty when this one does. */
  #shortText(at: Pointer, length: number): string {
    let text = '"';
    for (let index = at; index < at + length; index++) {
      const unit = this.#bytes[index] as number;
      if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return '';
      text += LATIN1[unit];
    }
    return `${text}"`;
  }

  #text(at: Pointer): string {
    const head = this.#word(at + 4);
    const length = head & 0x7fffffff;
    return head >>> 31 === 1
      ? this.#bytes.toString('utf16le', at + 16, at + 16 + length * 2)
      : this.#latin1(at + 16, length);
  }

  #latin1(at: Pointer, length: number): string {
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** A rope is a binary tree of strings, of which the right may be empty. */
  #ropeText(at: Pointer, length: number): string {
    const pieces: string[] = [];
    const rest = [at + 24, at + 16];
    for (let steps = 2 * length + 4; rest.length > 0; steps--) {
      const value = rest.pop() as Pointer;
      const tag = this.#word(value + 4) | 0;
      const piece = this.#word(value);
      if (tag === TAG.string) pieces.push(this.#text(piece));
      else if (tag === TAG.rope) rest.push(piece + 24, piece + 16);
      if ((tag !== TAG.string && tag !== TAG.rope) || steps === 0) throw NOT_PLAIN;
    }
    return pieces.join('');
  }

  #object(at: Pointer, depth: number): string {
    this.#spend(3);
    const head = this.#word(at + 4);
    const shape = this.#word(at + 20);
    const kind = head >>> 16;
    const prototype = this.#word(shape + 44);
    const isBare = prototype === this.#shape.objectPrototype || prototype === 0;
    if (kind === CLASS.date && !isBare) return this.#date(at + 32);
    if (depth >= this.#limits.depthMax) throw NOT_PLAIN;
    if (kind === CLASS.object && isBare) {
      return this.#plain(shape, this.#word(at + 24), depth + 1);
    }
    if (kind === CLASS.array && head & FAST_ARRAY && prototype === this.#shape.arrayPrototype) {
      return this.#array(at, depth + 1);
    }
    throw NOT_PLAIN;
  }

  #date(at: Pointer): string {
    const low = this.#word(at);
    const tag = this.#word(at + 4) | 0;
    const time = tag === TAG.int ? low | 0 : this.#number(low, tag);
    return `"\\u0001d${time}"`;
  }

  /** An array's first property is its length; one that differs from the count means holes. */
  #array(at: Pointer, depth: number): string {
    const items = this.#word(at + 36);
    const count = this.#word(at + 40);
    const lengthAt = this.#word(at + 24);
    if (this.#word(lengthAt) !== count || this.#word(lengthAt + 4) !== TAG.int) throw NOT_PLAIN;
    return this.#items(items, count, depth);
  }

  #items(at: Pointer, count: number, depth: number): string {
    let text = '[';
    for (let index = 0; index < count; index++) {
      text += `${index === 0 ? '' : ','}${this.#value(at + index * 8, depth) ?? 'null'}`;
    }
    return `${text}]`;
  }

  #plain(shape: Pointer, values: Pointer, depth: number): string {
    const count = this.#word(shape + 32);
    let text = '';
    for (let index = 0; index < count; index++) {
      const flags = this.#word(shape + 48 + index * 8);
      const atom = this.#word(shape + 52 + index * 8);
      // A deleted property has left its place empty.
      if (atom === 0) continue;
      if (flags & PROPERTY.special) throw NOT_PLAIN;
      const key = this.#key(atom);
      if (!(flags & PROPERTY.enumerable)) continue;
      const value = values + index * 8;
      if ((this.#word(value + 4) | 0) === TAG.undefined) continue;
      this.#spend(key.length + 2);
      text += `${text === '' ? '' : ','}${key}:${this.#value(value, depth)}`;
    }
    return `{${text}}`;
  }

  /** The JSON text of a property's name. A number, or what may be one, comes in another order. */
  #key(atom: number): string {
    if (atom & ATOM_IS_NUMBER) throw NOT_PLAIN;
    const at = this.#word(this.#atoms + atom * 4);
    const head = this.#word(at + 4);
    const isString = this.#word(at + 8) >>> 30 === 1;
    if (!isString) throw NOT_PLAIN;
    const length = head & 0x7fffffff;
    const isShort = head >>> 31 === 0 && length <= SHORT;
    const plain = isShort ? this.#shortText(at + 16, length) : '';
    const text = plain || JSON.stringify(this.#text(at));
    const first = text.charCodeAt(1);
    if (text === '"__proto__"' || (first >= 0x30 && first <= 0x39)) throw NOT_PLAIN;
    return text;
  }
}

/** Up to here a character at a time is faster than a call. */
const SHORT = 32;
const LATIN1 = Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit));

function quote(text: string): string {
  return JSON.stringify(text.startsWith(MARK) ? `${MARK}s${text}` : text);
}

/** More than a guest has reason to give one. */
const PROTOTYPE_PROPERTIES_MAX = 1_000;

const SPECIMEN = `({ jdbxName: [1, -2.5, true, null, undefined, "text", "\\u4e2d\\u0001", new Date(7)],
  wide\\u4e2d: { a: { b: [] } }, rope: 'ab'.repeat(600) + 'cd'.repeat(600) + 'ef'.repeat(600) })`;
const SPECIMEN_TEXT = `{"jdbxName":[1,-2.5,true,null,null,"text","中\\u0001","\\u0001d7"],"wide中":{"a":{"b":[]}},"rope":"${'ab'.repeat(600)}${'cd'.repeat(600)}${'ef'.repeat(600)}"}`;

/**
 * Finds what differs from realm to realm, and tries it on a specimen; undefined
 * when the engine's heap is not as described here.
 */
export function measureHeap(guest: GuestContext): HeapShape | undefined {
  const codes = ['Object.prototype', 'Array.prototype', '({ then: 1 })', SPECIMEN];
  const values = codes.map((code) => evaluated(guest, code));
  const shape = shapeOf(guest, values as [Pointer, Pointer, Pointer, Pointer]);
  for (const value of values) guest.free(value);
  return shape;
}

function shapeOf(
  guest: GuestContext,
  [objectPrototype, arrayPrototype, thenable, specimen]: [Pointer, Pointer, Pointer, Pointer],
): HeapShape | undefined {
  const words = new Uint32Array(guest.instance.bytes.buffer);
  const addressAt = (value: Pointer) => words[value >>> 2] as number;
  const firstAtomOf = (value: Pointer) => {
    const shapeAt = words[(addressAt(value) + 20) >>> 2] as number;
    return words[(shapeAt + 52) >>> 2] as number;
  };
  const atom = firstAtomOf(specimen);
  const limits = { depthMax: 9, nodesMax: 99, lengthMax: 99_999, isSpent: () => false };
  for (let at = guest.runtime; at < guest.runtime + RUNTIME_BYTES; at += 4) {
    if (!isAtomTable(guest, words, at, atom)) continue;
    const shape = {
      objectPrototype: addressAt(objectPrototype),
      arrayPrototype: addressAt(arrayPrototype),
      thenAtom: firstAtomOf(thenable),
      atomsAt: at,
    };
    const reader = new HeapReader(guest.instance.views, shape, limits);
    if (reader.read(specimen) === SPECIMEN_TEXT) return shape;
  }
  return undefined;
}

/** The table's address is among the first fields of the engine's runtime. */
const RUNTIME_BYTES = 256;

function isAtomTable(guest: GuestContext, words: Uint32Array, at: Pointer, atom: number): boolean {
  const nameAt = words[((words[at >>> 2] as number) >>> 2) + atom];
  if (nameAt === undefined || nameAt + 24 > guest.instance.bytes.length) return false;
  return guest.instance.bytes
    .subarray(nameAt + 16, nameAt + 24)
    .every((unit, index) => unit === 'jdbxName'.charCodeAt(index));
}

function evaluated(guest: GuestContext, code: string): Pointer {
  const result = guest.evaluate(code, 'specimen', EVAL.script);
  if ('thrown' in result) throw new Error('the specimen cannot be evaluated');
  return result.value;
}
