import type { Value } from './values.js';

/** Order-preserving bytes of one index key: one value a field, `-1` where the field descends. */
export function encodeKey(
  _values: readonly (Value | undefined)[],
  _directions?: readonly (1 | -1)[],
): Uint8Array {
  throw new Error('placeholder');
}

/** The inverse of `encodeKey`. A missing value comes back as null. */
export function decodeKey(_key: Uint8Array, _directions?: readonly (1 | -1)[]): Value[] {
  throw new Error('placeholder');
}
