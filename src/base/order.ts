import { TYPE_TAGS, typeTag } from './value-types.js';
import type { Value, ValueObject } from './values.js';

/**
 * The total order over values across types, as MongoDB has it:
 * missing = null < numbers < strings < objects < arrays < binary < booleans < dates.
 * https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
 *
 * Negative when `left` comes first, positive when `right` does, 0 when they
 * are equal. `encodeKey` gives bytes in the same order.
 */
export function compareValues(left: Value | undefined, right: Value | undefined): number {
  const tag = typeTag(left);
  const difference = tag - typeTag(right);
  return difference === 0 ? compareSameType(tag, left as Value, right as Value) : difference;
}

function compareSameType(tag: number, left: Value, right: Value): number {
  switch (tag) {
    case TYPE_TAGS.null:
      return 0;
    case TYPE_TAGS.string:
      return compareStrings(left as string, right as string);
    case TYPE_TAGS.object:
      return compareObjects(left as ValueObject, right as ValueObject);
    case TYPE_TAGS.array:
      return compareArrays(left as readonly Value[], right as readonly Value[]);
    case TYPE_TAGS.binary:
      return compareBinary(left as Uint8Array, right as Uint8Array);
    default:
      // Numbers; booleans and dates become numbers of the same order.
      return compareNumbers(Number(left), Number(right));
  }
}

/** NaN is the lowest number and equal to itself. No document holds one, but a filter may. */
function compareNumbers(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) return 0;
  return Number(Number.isNaN(right)) - Number(Number.isNaN(left));
}

/**
 * By code points, which is the order of UTF-8 bytes. JavaScript's `<` goes by
 * UTF-16 units, where a surrogate pair (U+10000 and above) comes before U+E000.
 */
export function compareStrings(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Lifts surrogates above the other units and leaves everything else in place. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Field by field in their order: type first, then name, then value, as BSON does. */
function compareObjects(left: ValueObject, right: ValueObject): number {
  const leftNames = Object.keys(left);
  const rightNames = Object.keys(right);
  const length = Math.min(leftNames.length, rightNames.length);
  for (let at = 0; at < length; at++) {
    const a = leftNames[at] as string;
    const b = rightNames[at] as string;
    const order = compareFields(a, left[a], b, right[b]);
    if (order !== 0) return order;
  }
  return leftNames.length - rightNames.length;
}

function compareFields(
  leftName: string,
  left: Value | undefined,
  rightName: string,
  right: Value | undefined,
): number {
  const tag = typeTag(left);
  return (
    tag - typeTag(right) ||
    compareStrings(leftName, rightName) ||
    compareSameType(tag, left as Value, right as Value)
  );
}

function compareArrays(left: readonly Value[], right: readonly Value[]): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const order = compareValues(left[at], right[at]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** The shorter one first, then by bytes, as BSON does. */
function compareBinary(left: Uint8Array, right: Uint8Array): number {
  return left.length - right.length || Buffer.compare(left, right);
}
