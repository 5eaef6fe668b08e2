import type { KeyRange, KeySpan } from './contract.js';

/** Entries that one `first` reads at most. */
export const FIRST_MAX = 4_096;

/** What this thread's last `first` read: the refs, and 1 where a key is that of the entry before. */
export const firstRead = {
  refs: new Uint32Array(FIRST_MAX),
  ties: new Uint8Array(FIRST_MAX),
} as const;

/** A span as a range with ends of its own. */
export function toRange(span: KeySpan, reverse: boolean): KeyRange {
  const { bytes, lowerLength, upperLength, upperInclusive } = span;
  return {
    lower: bytes.slice(0, lowerLength),
    upper: bytes.slice(lowerLength, lowerLength + upperLength),
    upperInclusive,
    reverse,
  };
}
