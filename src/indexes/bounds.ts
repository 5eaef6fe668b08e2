import type { KeyRange } from './contract.js';
import { toKeyText } from './key-text.js';
import type { Gap, SkipList } from './skip-list.js';

/** A cut through the order: after every entry at or before `(key, ref)`. */
export interface Cut {
  readonly key: string;
  readonly ref: number;
}

/** Refs run from 1 to this: below the first is before a key, the last is after it. */
export const REF_MAX = 0xffff_ffff;

const START: Cut = { key: '', ref: 0 };

/** The entries between two cuts; without `high`, to the end. */
export interface Bounds {
  readonly low: Cut;
  readonly high: Cut | undefined;
}

/** The same in one state of a list. */
export interface Span {
  readonly low: Gap;
  readonly high: Gap;
}

/** @throws {TypeError} for an end that is not bytes */
export function toBounds(range: KeyRange): Bounds {
  return {
    low: toCut(range.lower, range.lowerInclusive === false) ?? START,
    high: toCut(range.upper, range.upperInclusive === true),
  };
}

function toCut(key: Uint8Array | undefined, afterKey: boolean): Cut | undefined {
  if (key === undefined) return undefined;
  if (!(key instanceof Uint8Array)) throw new TypeError('expected a range end of key bytes');
  return { key: toKeyText(key), ref: afterKey ? REF_MAX : 0 };
}

/** The gaps of `bounds` in `list`, or `undefined` when the ends have crossed. */
export function findSpan(list: SkipList, { low, high }: Bounds): Span | undefined {
  if (high && (high.key < low.key || (high.key === low.key && high.ref <= low.ref))) {
    return undefined;
  }
  return {
    low: list.gapAfter(low.key, low.ref),
    high: high ? list.gapAfter(high.key, high.ref) : list.endGap(),
  };
}
