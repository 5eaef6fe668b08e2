import { checkRef } from './checks.js';
import type { ChangeList, IndexChange } from './contract.js';

const FIRST_BYTES = 1_024;
const KEY_BYTES_MAX = 2 ** 30;

/**
 * Changes to one index without an object for each, in one piece of memory that is used again:
 *
 *   change   =  ref u32 | length * 2 + remove u32 | key | up to 3 bytes, to a multiple of 4
 *
 * `native/binding.c` reads them as they lie here.
 */
export class PackedChanges implements ChangeList {
  #bytes = new Uint8Array(FIRST_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);
  #end = 0;
  #length = 0;
  #markEnd = 0;
  #markLength = 0;
  #ref = 0;
  #remove = 0;

  get length(): number {
    return this.#length;
  }

  /** The changes, up to `end`, until the next one is added. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get end(): number {
    return this.#end;
  }

  /** Says what the keys that follow are: entries of `ref` that come or go. @throws {RangeError} */
  begin(kind: IndexChange['kind'], ref: number): this {
    checkRef(ref);
    this.#ref = ref;
    this.#remove = kind === 'remove' ? 1 : 0;
    return this;
  }

  /** Adds the first `length` of `bytes`. */
  key(bytes: Uint8Array, length: number): void {
    if (length >= KEY_BYTES_MAX) {
      throw new RangeError(`expected a key below ${KEY_BYTES_MAX} bytes, got ${length}`);
    }
    const start = this.#end;
    const end = (start + 8 + length + 3) & ~3;
    if (end > this.#bytes.length) this.#grow(end);
    this.#words[start >>> 2] = this.#ref;
    this.#words[(start >>> 2) + 1] = length * 2 + this.#remove;
    copyBytes(bytes, length, this.#bytes, start + 8);
    this.#end = end;
    this.#length++;
  }

  /** Where `rewind` goes back to. */
  mark(): void {
    this.#markEnd = this.#end;
    this.#markLength = this.#length;
  }

  /** Drops what was added since the mark. */
  rewind(): void {
    this.#end = this.#markEnd;
    this.#length = this.#markLength;
  }

  clear(): void {
    this.#end = 0;
    this.#length = 0;
    this.mark();
  }

  /** One change, found by walking there: for messages. */
  at(place: number): IndexChange | undefined {
    let n = 0;
    for (const change of this) if (n++ === place) return change;
    return undefined;
  }

  *[Symbol.iterator](): Generator<IndexChange, void> {
    for (let at = 0; at < this.#end; ) {
      const ref = this.#words[at >>> 2] as number;
      const word = this.#words[(at >>> 2) + 1] as number;
      const key = this.#bytes.slice(at + 8, at + 8 + (word >>> 1));
      yield { kind: word & 1 ? 'remove' : 'insert', key, ref };
      at = (at + 8 + key.length + 3) & ~3;
    }
  }

  #grow(needed: number): void {
    const old = this.#bytes;
    this.#bytes = new Uint8Array(Math.ceil(Math.max(needed, old.length * 2) / 8) * 8);
    this.#bytes.set(old.subarray(0, this.#end));
    this.#words = new Uint32Array(this.#bytes.buffer);
  }
}

/** A loop is faster than `set` for what most keys are: a few bytes. */
export function copyBytes(from: Uint8Array, length: number, to: Uint8Array, at: number): void {
  if (length > 64) to.set(from.length === length ? from : from.subarray(0, length), at);
  else for (let n = 0; n < length; n++) to[at + n] = from[n] as number;
}
