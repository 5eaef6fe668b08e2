import { typeTag } from './value-types.js';
import type { Value } from './values.js';

/** Unsigned byte order, the shorter key first on a tie: the order of every index. */
export function compareKeys(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

/**
 * The smallest key above every key that starts with `prefix`, or `undefined`
 * when there is none (an empty prefix, or one of 0xff only).
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const above = prefix.slice(0, length);
  above[length - 1] = (above[length - 1] as number) + 1;
  return above;
}

/**
 * The keys whose next field is of the same type class as `value`, from `lower`
 * (inclusive) to `upper` (exclusive): `{ $gt: 5 }` matches numbers only, so its
 * open end is this range's end.
 *
 * @param direction of that field; default ascending
 * @param prefix the key of the fields before it; default none
 */
export function typeRange(
  value: Value | undefined,
  direction: 1 | -1 = 1,
  prefix: Uint8Array = new Uint8Array(),
): { readonly lower: Uint8Array; readonly upper: Uint8Array } {
  const tag = direction === 1 ? typeTag(value) : ~typeTag(value) & 0xff;
  return { lower: append(prefix, tag), upper: append(prefix, tag + 1) };
}

function append(prefix: Uint8Array, byte: number): Uint8Array {
  const key = new Uint8Array(prefix.length + 1);
  key.set(prefix);
  key[prefix.length] = byte;
  return key;
}
