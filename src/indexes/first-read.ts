import type { KeyRange, KeySpan } from './contract.js';

/** Entries that one `first` reads at most. */
export const FIRST_MAX = 4_096;

/** What `first` says instead of a number where two keys are the same that must not be. */
export const TIED = -1;

/** The refs that this thread's last `first` read. */
export const firstRead = { refs: new Uint32Array(FIRST_MAX) } as const;

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
