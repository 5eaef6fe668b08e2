import type { Pointer } from './engine.js';
import type { MemoryViews } from './instance.js';
import { JsonOutput } from './json-output.js';

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

/** One reading at a time uses it: nothing of a guest runs meanwhile. */
const output = new JsonOutput();

export class HeapReader {
  readonly #shape: HeapShape;
  readonly #limits: ReadLimits;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #atoms: number;
  #nodes = 0;
  #length = 0;

  /** Good for one reading: the heap may move the table of names, and grow into another memory. */
  constructor(memory: MemoryViews, shape: HeapShape, limits: ReadLimits) {
    this.#shape = shape;
    this.#limits = limits;
    this.#words = memory.words;
    this.#bytes = memory.plain;
    this.#atoms = this.#word(shape.atomsAt);
  }

  /**
   * The text of the value at `at`; undefined when it is not plain data, or too
   * much of it. `depth` is how deep the value lies already.
   */
  read(at: Pointer, depth = 0): string | undefined {
    return textOf(() => this.#value(at, depth));
  }

  /** The same of values that follow each other, as a list. */
  readList(at: Pointer, count: number, depth: number): string | undefined {
    return textOf(() => {
      this.#spend(3);
      this.#items(at, count, depth + 1);
    });
  }

  /** Where the items of a list lie that the host made. */
  itemsOf(list: Pointer): Pointer[] {
    const at = this.#word(list);
    const first = this.#word(at + 36);
    const items: Pointer[] = [];
    for (let index = 0; index < this.#word(at + 40); index++) items.push(first + index * 8);
    return items;
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

  /** Undefined becomes null. */
  #value(at: Pointer, depth: number): void {
    const low = this.#word(at);
    const tag = this.#word(at + 4) | 0;
    if (tag === TAG.string || tag === TAG.rope) this.#string(low, tag);
    else if (tag === TAG.object) this.#object(low, depth);
    else if (tag === TAG.int) {
      this.#spend(2);
      output.whole(low | 0);
    } else this.#constant(low, tag);
  }

  #constant(low: number, tag: number): void {
    if (tag === TAG.null) output.short('null');
    else if (tag === TAG.bool || tag === TAG.undefined) {
      this.#spend(5);
      output.short(tag === TAG.undefined ? 'null' : `${low !== 0}`);
    } else {
      this.#spend(2);
      output.short(`${this.#number(low, tag)}`);
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

  #string(at: Pointer, tag: number): void {
    const head = this.#word(at + 4);
    const length = head & 0x7fffffff;
    this.#spend(length + 3);
    if (tag === TAG.rope) output.any(quote(this.#ropeText(at, length)));
    else if (head >>> 31 === 1 || length > SHORT || !output.quoted(this.#bytes, at + 16, length)) {
      output.any(quote(this.#text(at)));
    }
  }

  #text(at: Pointer): string {
    const head = this.#word(at + 4);
    const length = head & 0x7fffffff;
    const { buffer } = this.#bytes;
    const width = head >>> 31 === 1 ? 2 : 1;
    const inside = Math.min(length, Math.max(0, (buffer.byteLength - at - 16) / width) | 0);
    const bytes = Buffer.from(buffer, at + 16, inside * width);
    return bytes.toString(width === 2 ? 'utf16le' : 'latin1');
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

  #object(at: Pointer, depth: number): void {
    this.#spend(3);
    const head = this.#word(at + 4);
    const shape = this.#word(at + 20);
    const kind = head >>> 16;
    const prototype = this.#word(shape + 44);
    const isBare = prototype === this.#shape.objectPrototype || prototype === 0;
    if (kind === CLASS.date && !isBare) this.#date(at + 32);
    else if (depth >= this.#limits.depthMax) throw NOT_PLAIN;
    else if (kind === CLASS.object && isBare) {
      this.#plain(shape, this.#word(at + 24), depth + 1);
    } else if (
      kind === CLASS.array &&
      head & FAST_ARRAY &&
      prototype === this.#shape.arrayPrototype
    ) {
      this.#array(at, depth + 1);
    } else throw NOT_PLAIN;
  }

  #date(at: Pointer): void {
    const low = this.#word(at);
    const tag = this.#word(at + 4) | 0;
    const time = tag === TAG.int ? low | 0 : this.#number(low, tag);
    output.short(`"\\u0001d${time}"`);
  }

  /** An array's first property is its length; one that differs from the count means holes. */
  #array(at: Pointer, depth: number): void {
    const items = this.#word(at + 36);
    const count = this.#word(at + 40);
    const lengthAt = this.#word(at + 24);
    if (this.#word(lengthAt) !== count || this.#word(lengthAt + 4) !== TAG.int) throw NOT_PLAIN;
    this.#items(items, count, depth);
  }

  #items(at: Pointer, count: number, depth: number): void {
    output.byte(MARKS.open);
    for (let index = 0; index < count; index++) {
      if (index > 0) output.byte(MARKS.comma);
      this.#value(at + index * 8, depth);
    }
    output.byte(MARKS.close);
  }

  #plain(shape: Pointer, values: Pointer, depth: number): void {
    const count = this.#word(shape + 32);
    let isFirst = true;
    output.byte(MARKS.begin);
    for (let index = 0; index < count; index++) {
      const flags = this.#word(shape + 48 + index * 8);
      const atom = this.#word(shape + 52 + index * 8);
      // A deleted property has left its place empty.
      if (atom === 0) continue;
      if (flags & PROPERTY.special) throw NOT_PLAIN;
      const name = this.#nameOf(atom);
      if (!(flags & PROPERTY.enumerable)) continue;
      const value = values + index * 8;
      if ((this.#word(value + 4) | 0) === TAG.undefined) continue;
      if (!isFirst) output.byte(MARKS.comma);
      isFirst = false;
      this.#name(name);
      this.#value(value, depth);
    }
    output.byte(MARKS.end);
  }

  /** Where the string of a property's name lies. */
  #nameOf(atom: number): Pointer {
    if (atom & ATOM_IS_NUMBER) throw NOT_PLAIN;
    const at = this.#word(this.#atoms + atom * 4);
    const isString = this.#word(at + 8) >>> 30 === 1;
    if (!isString) throw NOT_PLAIN;
    return at;
  }

  /** A name that is a number, or may be one, comes in another order. */
  #name(at: Pointer): void {
    const head = this.#word(at + 4);
    const length = head & 0x7fffffff;
    this.#spend(length + 4);
    const first = this.#bytes[at + 16] as number;
    const isNarrow = head >>> 31 === 0;
    if (length > 0 && first >= 0x30 && first <= 0x39) throw NOT_PLAIN;
    if (!isNarrow || length > SHORT || !output.quoted(this.#bytes, at + 16, length)) {
      output.any(JSON.stringify(this.#text(at)));
    } else if (first === UNDERSCORE && length === PROTO.length && this.#text(at) === PROTO) {
      throw NOT_PLAIN;
    }
    output.byte(MARKS.colon);
  }
}

function textOf(write: () => void): string | undefined {
  try {
    output.start();
    write();
    return output.done();
  } catch (error) {
    if (error === NOT_PLAIN || error instanceof RangeError) return undefined;
    throw error;
  }
}

const MARKS = {
  open: 0x5b,
  close: 0x5d,
  begin: 0x7b,
  end: 0x7d,
  comma: 0x2c,
  colon: 0x3a,
} as const;
const UNDERSCORE = 0x5f;
const PROTO = '__proto__';
/** Up to here a character at a time is faster than a call. */
const SHORT = 256;
/** More than a guest has reason to give one. */
const PROTOTYPE_PROPERTIES_MAX = 1_000;

function quote(text: string): string {
  return JSON.stringify(text.startsWith(MARK) ? `${MARK}s${text}` : text);
}
