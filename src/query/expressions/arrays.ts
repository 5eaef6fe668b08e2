import { compareValues } from '../../base/order.js';
import { isPlainObject, type Value } from '../../base/values.js';
import { describe, isNil, listed, type Named, named, type Operators, refuse } from './operator.js';
import { rangeOf } from './range.js';
import { sortArray } from './sort-array.js';
import { bounds } from './string-positions.js';

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/#array-expression-operators */
export const ARRAY_OPERATORS: Operators = {
  $isArray: listed('$isArray', 1, ([value]) => Array.isArray(value)),
  $size: listed('$size', 1, ([value], name) => arrayOf(value, name).length),
  $arrayElemAt: listed('$arrayElemAt', 2, elementAt),
  $first: listed('$first', 1, ([value], name) => (isNil(value) ? null : arrayOf(value, name)[0])),
  $last: listed('$last', 1, ([value], name) => (isNil(value) ? null : arrayOf(value, name).at(-1))),
  $concatArrays: listed('$concatArrays', [0, Number.POSITIVE_INFINITY], concatArrays),
  $in: listed('$in', 2, ([value, array], name) =>
    arrayOf(array, name).some((item) => compareValues(item as Value, value as Value) === 0),
  ),
  $indexOfArray: listed('$indexOfArray', [2, 4], indexOfArray),
  $reverseArray: listed('$reverseArray', 1, ([value], name) =>
    isNil(value) ? null : arrayOf(value, name).toReversed(),
  ),
  $slice: listed('$slice', [2, 3], slice),
  $range: listed('$range', [2, 3], (args) => rangeOf(args)),
  $sortArray: sortArray,
  $zip: named('$zip', ['inputs!', 'useLongestLength', 'defaults'], zip),
  ...firstOrLast(),
};

export function arrayOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(name, 'an array', describe(value));
  return value;
}

function wholeNumber(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) !== ((value as number) | 0))
    refuse(name, 'a 32-bit whole number', describe(value));
  return value as number;
}

function elementAt([array, at]: readonly unknown[], name: string): unknown {
  if (isNil(array) || isNil(at)) {
    if (!isNil(array)) arrayOf(array, name);
    return null;
  }
  return arrayOf(array, name).at(wholeNumber(at, name));
}

function concatArrays(arrays: readonly unknown[], name: string): unknown {
  const out: unknown[] = [];
  for (const array of arrays) {
    if (isNil(array)) return null;
    out.push(...arrayOf(array, name));
  }
  return out;
}

function indexOfArray([array, wanted, ...range]: readonly unknown[], name: string): number | null {
  if (isNil(array)) return null;
  const items = arrayOf(array, name);
  const [from, to] = bounds(range, items.length, name);
  for (let at = from; at < to; at++) {
    if (compareValues(items[at] as Value, wanted as Value) === 0) return at;
  }
  return -1;
}

/** `[array, count]`, from the end when negative; or `[array, position, count]`. */
function slice([array, ...rest]: readonly unknown[], name: string): unknown {
  if (isNil(array) || rest.some(isNil)) return null;
  const items = arrayOf(array, name);
  const [first, count] = rest.map((value) => wholeNumber(value, name));
  if (count === undefined) {
    return (first as number) < 0 ? items.slice(first) : items.slice(0, first);
  }
  if (count <= 0) refuse(name, 'a positive count', String(count));
  const from =
    (first as number) < 0 ? Math.max(0, items.length + (first as number)) : (first as number);
  return items.slice(from, from + count);
}

function zip(args: Named, given: (name: string) => boolean): unknown {
  const name = '$zip';
  const { inputs, useLongestLength = false, defaults } = args;
  if (isNil(inputs)) return null;
  const arrays = arrayOf(inputs, name);
  if (arrays.length === 0) refuse(name, 'inputs', 'none');
  if (typeof useLongestLength !== 'boolean')
    refuse(name, 'true or false as useLongestLength', describe(useLongestLength));
  if (given('defaults') && !isNil(defaults)) {
    if (!useLongestLength) refuse(name, 'useLongestLength beside defaults', 'none');
    if (arrayOf(defaults, name).length !== arrays.length)
      refuse(name, `${arrays.length} defaults`, String((defaults as unknown[]).length));
  }
  for (const array of arrays) if (!isNil(array)) arrayOf(array, name);
  if (arrays.some(isNil)) return null;
  const lists = arrays as readonly (readonly unknown[])[];
  const lengths = lists.map((list) => list.length);
  const length = useLongestLength ? Math.max(...lengths) : Math.min(...lengths);
  const fill = (defaults ?? []) as readonly unknown[];
  return Array.from({ length }, (_, at) =>
    lists.map((list, which) => (at < list.length ? (list[at] ?? null) : (fill[which] ?? null))),
  );
}

type Pick = (items: readonly unknown[], count: number) => unknown[];

const present = (items: readonly unknown[]) => items.filter((item) => !isNil(item)) as Value[];

function firstOrLast(): Operators {
  const picks: Record<string, Pick> = {
    $firstN: (items, count) => items.slice(0, count),
    $lastN: (items, count) => items.slice(-count),
    $minN: (items, count) => present(items).sort(compareValues).slice(0, count),
    $maxN: (items, count) =>
      present(items)
        .sort((a, b) => compareValues(b, a))
        .slice(0, count),
  };
  return Object.fromEntries(
    Object.entries(picks).map(([name, pick]) => [
      name,
      named(name, ['input!', 'n!'], ({ input, n }) => {
        if (!Number.isInteger(n) || (n as number) < 1) refuse(name, 'a positive n', describe(n));
        return pick(arrayOf(input, name), n as number);
      }),
    ]),
  );
}

/** `{ k, v }` objects or `[k, v]` pairs, all of one kind. */
export function toObject(value: unknown, name: string): Record<string, unknown> {
  const items = arrayOf(value, name);
  const pairs = Array.isArray(items[0]);
  const out: [string, unknown][] = items.map((item) => {
    if (pairs !== Array.isArray(item)) refuse(name, 'entries of one kind', describe(item));
    const [key, entry] = Array.isArray(item) ? pairOf(item, name) : keyAndValue(item, name);
    if (typeof key !== 'string' || key.includes('\0')) refuse(name, 'a name as key', describe(key));
    return [key, entry];
  });
  return Object.fromEntries(out.filter(([, entry]) => entry !== undefined));
}

function pairOf(item: readonly unknown[], name: string): readonly unknown[] {
  if (item.length !== 2) refuse(name, 'pairs', `${item.length} elements`);
  return item;
}

function keyAndValue(item: unknown, name: string): readonly unknown[] {
  const keys = isPlainObject(item) ? Object.keys(item).sort() : [];
  if (!isPlainObject(item) || keys.length !== 2 || keys[0] !== 'k' || keys[1] !== 'v')
    refuse(name, 'objects of k and v', describe(item));
  return [item.k, item.v];
}
