import { toExtendedJson } from '../base/extended-json.js';
import { compareKeys, encodeKey, prefixEnd, typeRange } from '../base/key-bytes.js';
import type { Value } from '../base/values.js';
import type { KeyRange } from '../indexes/contract.js';
import type { IndexDefinition, IndexField } from './contract.js';
import { type BoundEnd, type FieldBound, type RangeBound, rangeSample } from './field-bounds.js';
import { indexFacts } from './index-facts.js';

const RANGES_MAX = 1_000;

/**
 * The key ranges of bounds on the first fields of an index: points, then at
 * most one range. Disjoint and ascending, so reading them in turn keeps the
 * order of the index. Undefined when they would be too many.
 */
export function keyRanges(
  definition: IndexDefinition,
  bounds: readonly FieldBound[],
): readonly KeyRange[] | undefined {
  const { directions } = indexFacts(definition);
  let prefixes: Prefix[] = [[]];
  for (let at = 0; at < bounds.length; at++) {
    const bound = bounds[at] as FieldBound;
    if (bound.kind === 'range')
      return prefixes.map((prefix) => rangeAfter(directions, prefix, bound)).filter(isFilled);
    const values = directions[at] === -1 ? bound.values.toReversed() : bound.values;
    if (prefixes.length * values.length > RANGES_MAX) return undefined;
    if (values.length === 1) for (const prefix of prefixes) prefix.push(values[0]);
    else prefixes = prefixes.flatMap((prefix) => values.map((value) => [...prefix, value]));
  }
  const toRange = bounds.length === definition.fields.length ? onlyKey : startingWith;
  return prefixes.map((prefix) => toRange(encodeKey(prefix, directions)));
}

/** One whole key: one piece of bytes is both ends. */
function onlyKey(key: Uint8Array): KeyRange {
  return { lower: key, upper: key, upperInclusive: true };
}

type Prefix = (Value | undefined)[];

/** A descending field has its bytes inverted, so the range's ends change places. */
function rangeAfter(directions: readonly (1 | -1)[], prefix: Prefix, range: RangeBound): KeyRange {
  const direction = directions[prefix.length] ?? 1;
  const [first, last] = direction === 1 ? [range.lower, range.upper] : [range.upper, range.lower];
  const edge = (end: BoundEnd, past: boolean) => {
    const key = encodeKey([...prefix, end.value], directions);
    return past ? prefixEnd(key) : key;
  };
  const type = first && last ? undefined : typeEnds(directions, prefix, range, direction);
  return {
    lower: first ? edge(first, !first.inclusive) : type?.lower,
    upper: last ? edge(last, last.inclusive) : type?.upper,
  };
}

/** Where the values of the range's type class begin and end: what an open end means. */
function typeEnds(
  directions: readonly (1 | -1)[],
  prefix: Prefix,
  range: RangeBound,
  direction: 1 | -1,
) {
  return typeRange(rangeSample(range), direction, encodeKey(prefix, directions));
}

/** Every key that starts with these bytes. */
export function startingWith(prefix: Uint8Array): KeyRange {
  return { lower: prefix, upper: prefixEnd(prefix) };
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
