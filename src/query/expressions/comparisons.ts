import { compareValues } from '../../base/order.js';
import type { Value } from '../../base/values.js';
import { listed, type Operators } from './operator.js';

const TESTS: Readonly<Record<string, (order: number) => boolean | number>> = {
  $eq: (order) => order === 0,
  $ne: (order) => order !== 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $cmp: Math.sign,
};

/** The total order of values: whole values of any types, a missing one below null. */
export const COMPARISON_OPERATORS: Operators = Object.fromEntries(
  Object.entries(TESTS).map(([name, test]) => [
    name,
    listed(name, 2, ([left, right]) => test(compare(left, right))),
  ]),
);

function compare(left: unknown, right: unknown): number {
  if (left instanceof RegExp || right instanceof RegExp) return comparePatterns(left, right);
  const missing = Number(left !== undefined) - Number(right !== undefined);
  return missing !== 0 && (left ?? right ?? null) === null
    ? missing
    : compareValues(left as Value, right as Value);
}

/** Patterns come last of all, by their text and then by their flags. */
function comparePatterns(left: unknown, right: unknown): number {
  const patterns = [left, right].map((side) => (side instanceof RegExp ? side : undefined));
  const [first, second] = patterns;
  if (!first || !second) return first ? 1 : -1;
  return compareValues(first.source, second.source) || compareValues(first.flags, second.flags);
}
