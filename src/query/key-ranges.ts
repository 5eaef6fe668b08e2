import { toExtendedJson } from '../base/extended-json.js';
import { compareKeys, encodeKey, prefixEnd, typeRange } from '../base/key-bytes.js';
import type { Value } from '../base/values.js';
import type { KeyRange } from '../indexes/contract.js';
import type { IndexField } from './contract.js';
import { type BoundEnd, type FieldBound, rangeSample } from './field-bounds.js';

const RANGES_MAX = 1_000;

/**
 * The key ranges of bounds on the first fields of an index: points, then at
 * most one range. Disjoint and ascending, so reading them in turn keeps the
 * order of the index. Undefined when they would be too many.
 */
export function keyRanges(
  fields: readonly IndexField[],
  bounds: readonly FieldBound[],
): readonly KeyRange[] | undefined {
  let prefixes: (Value | undefined)[][] = [[]];
  for (const [at, bound] of bounds.entries()) {
    if (bound.kind === 'range')
      return prefixes.map((prefix) => rangeAfter(fields, prefix, bound)).filter(isFilled);
    const values = fields[at]?.direction === -1 ? bound.values.toReversed() : bound.values;
    if (prefixes.length * values.length > RANGES_MAX) return undefined;
    prefixes = prefixes.flatMap((prefix) => values.map((value) => [...prefix, value]));
  }
  return prefixes.map((prefix) => startingWith(encode(fields, prefix)));
}

type RangeBound = Extract<FieldBound, { kind: 'range' }>;

/** A descending field has its bytes inverted, so the range's ends change places. */
function rangeAfter(
  fields: readonly IndexField[],
  prefix: readonly (Value | undefined)[],
  range: RangeBound,
): KeyRange {
  const direction = fields[prefix.length]?.direction ?? 1;
  const [first, last] = direction === 1 ? [range.lower, range.upper] : [range.upper, range.lower];
  const type = typeRange(rangeSample(range), direction, encode(fields, prefix));
  const edge = (end: BoundEnd, past: boolean) => {
    const key = encode(fields, [...prefix, end.value]);
    return past ? prefixEnd(key) : key;
  };
  return {
    lower: first ? edge(first, !first.inclusive) : type.lower,
    upper: last ? edge(last, last.inclusive) : type.upper,
  };
}

/** Every key that starts with these bytes. */
export function startingWith(prefix: Uint8Array): KeyRange {
  return { lower: prefix, upper: prefixEnd(prefix) };
}

function encode(fields: readonly IndexField[], values: readonly (Value | undefined)[]): Uint8Array {
  return encodeKey(
    values,
    fields.slice(0, values.length).map((field) => field.direction),
  );
}

function isFilled({ lower, upper }: KeyRange): boolean {
  return !lower || !upper || compareKeys(lower, upper) < 0;
}

/** Bounds as a person reads them: `status: "open"`, `rate: [5, 10)`. */
export function describeBounds(
  fields: readonly IndexField[],
  bounds: readonly FieldBound[],
): readonly string[] {
  return bounds.map((bound, at) => `${fields[at]?.path}: ${describeBound(bound)}`);
}

function describeBound(bound: FieldBound): string {
  if (bound.kind === 'points') return bound.values.map(show).join(' | ');
  const { lower, upper } = bound;
  const left = lower ? `${lower.inclusive ? '[' : '('}${show(lower.value)}` : '(';
  const right = upper ? `${show(upper.value)}${upper.inclusive ? ']' : ')'}` : ')';
  return `${left}, ${right}`;
}

function show(value: Value | undefined): string {
  return value === undefined ? 'null' : JSON.stringify(toExtendedJson(value));
}
