import type { Difference, ValueDocument } from './documents.js';

/** Shorter values are stored whole: a difference would save nothing. */
const WHOLE_BYTES_MAX = 512;
/** A value is rebuilt from at most so many documents. */
const DEPTH_MAX = 512;
const BLOCK_BYTES = 65_536;

/** A value whose bytes are known, and the document that holds it. */
export interface Base {
  readonly document: Pick<ValueDocument, '_id' | 'difference'>;
  readonly bytes: Uint8Array;
}

export interface Part {
  readonly bytes: Uint8Array;
  readonly difference?: Difference;
}

/**
 * What to store of a value whose predecessor is stored: the bytes between the beginning
 * and the end that both share, or all of it when that is no gain. A history that grows
 * by 2 KB a step so costs 2 KB a step, whatever its length.
 */
export function partOf(bytes: Uint8Array, base: Base | undefined): Part {
  if (base === undefined || bytes.length < WHOLE_BYTES_MAX) return { bytes };
  const prefix = commonPrefix(base.bytes, bytes);
  const suffix = commonSuffix(base.bytes, bytes, prefix);
  const middle = bytes.subarray(prefix, bytes.length - suffix);
  const { depth = 0, chain_bytes = 0 } = base.document.difference ?? {};
  const chainBytes = chain_bytes + middle.length;
  const isGain = middle.length * 2 <= bytes.length && chainBytes <= 2 * bytes.length;
  if (!isGain || depth >= DEPTH_MAX) return { bytes };
  const difference = { base: base.document._id, prefix, suffix, depth: depth + 1 };
  return { bytes: middle, difference: { ...difference, chain_bytes: chainBytes } };
}

interface Range {
  /** Below 0 it is counted from the end, and so is `to`. */
  readonly from: number;
  readonly to: number;
  /** Where its first byte stands in the result. */
  readonly out: number;
}

/** The whole bytes of a stored value; undefined when a document that it builds on is gone. */
export function rebuild(
  document: ValueDocument,
  read: (id: string) => ValueDocument | undefined,
): Uint8Array | undefined {
  const result = new Uint8Array(document.size);
  let wanted: Range[] = [{ from: 0, to: document.size, out: 0 }];
  for (let at: ValueDocument | undefined = document; at; at = read(at.difference.base)) {
    wanted = copyFrom(at, wanted, result);
    if (at.difference === undefined || wanted.length === 0) return result;
  }
  return undefined;
}

/** Copies what this document holds of the ranges; gives the rest, as ranges of its base. */
function copyFrom(document: ValueDocument, wanted: readonly Range[], result: Uint8Array): Range[] {
  const { bytes, difference, size } = document;
  const start = difference?.prefix ?? 0;
  const end = size - (difference?.suffix ?? 0);
  const rest: Range[] = [];
  for (const range of wanted.map((each) => fromStart(each, size))) {
    const [before, inside, after] = [
      clip(range, 0, start),
      clip(range, start, end),
      clip(range, end, size),
    ];
    if (before) rest.push(before);
    if (inside) result.set(bytes.subarray(inside.from - start, inside.to - start), inside.out);
    // The end is what document and base share, so there the range is counted from it.
    if (after) rest.push({ ...after, from: after.from - size, to: after.to - size });
  }
  return rest;
}

function fromStart(range: Range, size: number): Range {
  return range.from >= 0 ? range : { ...range, from: range.from + size, to: range.to + size };
}

function clip({ from, to, out }: Range, least: number, most: number): Range | undefined {
  const [start, end] = [Math.max(from, least), Math.min(to, most)];
  return start < end ? { from: start, to: end, out: out + start - from } : undefined;
}

function commonPrefix(left: Uint8Array, right: Uint8Array): number {
  const most = Math.min(left.length, right.length);
  let at = 0;
  while (at < most && isSameBlock(left, at, right, at, Math.min(BLOCK_BYTES, most - at)))
    at += BLOCK_BYTES;
  at = Math.min(at, most);
  while (at < most && left[at] === right[at]) at++;
  return at;
}

/** Never reaches into the first `prefix` bytes of either. */
function commonSuffix(left: Uint8Array, right: Uint8Array, prefix: number): number {
  const most = Math.min(left.length, right.length) - prefix;
  let count = 0;
  while (count < most && left[left.length - 1 - count] === right[right.length - 1 - count]) count++;
  return count;
}

function isSameBlock(
  left: Uint8Array,
  leftAt: number,
  right: Uint8Array,
  rightAt: number,
  length: number,
): boolean {
  const one = left.subarray(leftAt, leftAt + length);
  return Buffer.compare(one, right.subarray(rightAt, rightAt + length)) === 0;
}
