import { REF_MAX } from './bounds.js';
import { checkRef } from './checks.js';
import type { ChangeList, KeyRange, KeySpan } from './contract.js';
import { firstRead } from './first-read.js';
import type { NativeBinary } from './native-binary.js';
import { copyBytes, PackedChanges } from './packed-changes.js';

/** Places in the header, as `native/binding.c` names them. */
const HEADER = {
  seq: 0,
  flags: 1,
  lowLength: 2,
  lowRef: 3,
  highLength: 4,
  highRef: 5,
  failed: 6,
  done: 7,
  lastLength: 8,
  roomNeeded: 9,
  entries: 10,
  live: 11,
  bytes: 12,
  wanted: 13,
} as const;
const HEADER_LENGTH = 16;

const REVERSE = 1;
const HAS_HIGH = 2;
const WANTS_KEYS = 4;
const DISTINCT = 8;

const INPUT_BYTES = 64 * 1024;
const OUTPUT_BYTES = 128 * 1024;
/** Keys of one batch at most. */
const LENGTHS = 4_096;
const KEY_BYTES_MAX = 2 ** 30;

/** A place between entries: after every one at or before `(key, ref)`. */
export interface NativeCut {
  readonly key: Uint8Array;
  readonly ref: number;
}

/** A range as two cuts; without `high`, to the end. */
export interface NativeRange {
  readonly low: NativeCut;
  readonly high: NativeCut | undefined;
  readonly reverse: boolean;
}

const NO_BYTES = new Uint8Array(0);

/**
 * @param copies whether the ends must outlive changes by the caller
 * @throws {TypeError} for an end that is not bytes
 */
export function toNativeRange(range: KeyRange, copies: boolean): NativeRange {
  const lower = toBytes(range.lower, copies);
  const upper = range.upper === range.lower ? lower : toBytes(range.upper, copies);
  return {
    low: { key: lower ?? NO_BYTES, ref: lower && range.lowerInclusive === false ? REF_MAX : 0 },
    high: upper && { key: upper, ref: range.upperInclusive === true ? REF_MAX : 0 },
    reverse: range.reverse === true,
  };
}

function toBytes(key: Uint8Array | undefined, copies: boolean): Uint8Array | undefined {
  if (key === undefined) return undefined;
  if (!(key instanceof Uint8Array)) throw new TypeError('expected a range end of key bytes');
  return copies ? key.slice() : key;
}

/**
 * The arrays through which this thread and the binary talk: written before a
 * call, read after it, and never held across another.
 */
export class NativeExchange {
  readonly #binary: NativeBinary;
  readonly #header = new Float64Array(HEADER_LENGTH);
  readonly #lengths = new Uint32Array(LENGTHS);
  #input = new Uint8Array(INPUT_BYTES);
  #words = new Uint32Array(this.#input.buffer);
  #output = new Uint8Array(OUTPUT_BYTES);
  #span: Uint8Array = this.#input;

  constructor(binary: NativeBinary) {
    this.#binary = binary;
    this.#bind();
  }

  set seq(seq: number) {
    this.#header[HEADER.seq] = seq;
  }

  /** Which change of the last write was refused. */
  get failed(): number {
    return this.#header[HEADER.failed] as number;
  }

  /** Whether the last read came to the end of its range. */
  get done(): boolean {
    return this.#header[HEADER.done] === 1;
  }

  get stats(): { readonly entries: number; readonly live: number; readonly bytes: number } {
    const [entries = 0, live = 0, bytes = 0] = this.#header.subarray(HEADER.entries);
    return { entries, live, bytes };
  }

  /** @throws {RangeError} for a ref or a key length that no entry can have */
  writeChanges(changes: ChangeList): void {
    if (changes instanceof PackedChanges) this.#writePacked(changes);
    else this.#writeEach(changes);
  }

  #writePacked({ bytes, end }: PackedChanges): void {
    if (end > this.#input.length) this.#growInput(end, 0);
    copyBytes(bytes, end, this.#input, 0);
  }

  #writeEach(changes: ChangeList): void {
    let at = 0;
    for (const { kind, key, ref } of changes) {
      checkRef(ref);
      checkKey(key);
      if (at + key.length + 12 > this.#input.length) this.#growInput(at + key.length + 12, at);
      this.#words[at >>> 2] = ref;
      this.#words[(at >>> 2) + 1] = key.length * 2 + (kind === 'remove' ? 1 : 0);
      copyBytes(key, key.length, this.#input, at + 8);
      at = (at + 8 + key.length + 3) & ~3;
    }
  }

  writeRange({ low, high, reverse }: NativeRange, seq: number, wantsKeys: boolean): void {
    const header = this.#header;
    const highKey = high?.key ?? NO_BYTES;
    const bytes = low.key.length + highKey.length;
    if (bytes > this.#input.length) this.#growInput(bytes, 0);
    copyBytes(low.key, low.key.length, this.#input, 0);
    copyBytes(highKey, highKey.length, this.#input, low.key.length);
    header[HEADER.seq] = seq;
    header[HEADER.flags] =
      (reverse ? REVERSE : 0) | (high ? HAS_HIGH : 0) | (wantsKeys ? WANTS_KEYS : 0);
    header[HEADER.lowLength] = low.key.length;
    header[HEADER.lowRef] = low.ref;
    header[HEADER.highLength] = highKey.length;
    header[HEADER.highRef] = high?.ref ?? 0;
  }

  writeSpan(span: KeySpan, seq: number, wanted: number, reverse: boolean, distinct: boolean): void {
    const header = this.#header;
    const { bytes, lowerLength, upperLength } = span;
    // Who asks often has its keys in the same memory each time.
    if (bytes !== this.#span) {
      this.#span = bytes;
      this.#bind();
    }
    header[HEADER.seq] = seq;
    header[HEADER.flags] = HAS_HIGH | (reverse ? REVERSE : 0) | (distinct ? DISTINCT : 0);
    header[HEADER.lowLength] = lowerLength;
    header[HEADER.lowRef] = 0;
    header[HEADER.highLength] = upperLength;
    header[HEADER.highRef] = span.upperInclusive ? REF_MAX : 0;
    header[HEADER.wanted] = wanted;
  }

  /** The key that the last read ended with, in memory of its own. */
  lastKey(wantsKeys: boolean): Uint8Array {
    const from = wantsKeys ? this.#output.length / 2 : 0;
    return this.#output.slice(from, from + (this.#header[HEADER.lastLength] as number));
  }

  /** The keys of the last read, each in memory of its own. */
  readKeys(count: number, keys: Uint8Array[]): void {
    let at = 0;
    for (let n = 0; n < count; n++) {
      const end = at + (this.#lengths[n] as number);
      keys[n] = this.#output.slice(at, end);
      at = end;
    }
  }

  /** The keys of the last read where they lie: one behind the other, until the next call. */
  keysRead(count: number): { readonly keys: Uint8Array; readonly lengths: Uint32Array } {
    const lengths = this.#lengths.subarray(0, count);
    let end = 0;
    for (let n = 0; n < count; n++) end += lengths[n] as number;
    return { keys: this.#output.subarray(0, end), lengths };
  }

  /** Makes room for the key that the last read had none for. */
  growOutput(): void {
    const needed = this.#header[HEADER.roomNeeded] as number;
    this.#output = new Uint8Array(Math.max(this.#output.length * 2, needed * 4));
    this.#bind();
  }

  #growInput(bytes: number, keep: number): void {
    const old = this.#input;
    this.#input = new Uint8Array(Math.ceil(Math.max(bytes, old.length * 2) / 8) * 8);
    this.#input.set(old.subarray(0, keep));
    this.#words = new Uint32Array(this.#input.buffer);
    this.#bind();
  }

  #bind(): void {
    const { refs } = firstRead;
    this.#binary.bind(this.#header, this.#input, this.#output, this.#lengths, refs, this.#span);
  }
}

function checkKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new TypeError('expected a key of bytes');
  if (key.length >= KEY_BYTES_MAX) {
    throw new RangeError(`expected a key below ${KEY_BYTES_MAX} bytes, got ${key.length}`);
  }
}
