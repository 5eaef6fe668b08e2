import { compareValues } from '../../base/order.js';
import { isPlainObject, type Value } from '../../base/values.js';
import { arrayOf } from './arrays.js';
import { isTrue } from './conditions.js';
import { isNil, listed, type Operator, type Operators } from './operator.js';

const MANY: readonly [number, number] = [0, Number.POSITIVE_INFINITY];
const PAIR: readonly [number, number] = [2, Number.POSITIVE_INFINITY];

/** Arrays as sets: order and repetition do not count. */
export const SET_OPERATORS: Operators = {
  $setUnion: constantsLast(
    listed('$setUnion', MANY, (args, name) => {
      const sets = setsOf(args, name);
      return sets && distinct(sets.flat());
    }),
  ),
  $setIntersection: constantsLast(
    listed('$setIntersection', MANY, (args, name) => {
      const [first, ...rest] = setsOf(args, name) ?? [null];
      if (first === null) return null;
      const inAll = (item: Value) => rest.every((set) => holds(set as Value[], item));
      return distinct(first ?? []).filter(inAll);
    }),
  ),
  $setDifference: listed('$setDifference', 2, ([left, right], name) => {
    if (isNil(left) || isNil(right)) return null;
    const [from, without] = [arrayOf(left, name), arrayOf(right, name)];
    return firstOfEach(from as Value[]).filter((item) => !holds(without as Value[], item));
  }),
  $setEquals: listed('$setEquals', PAIR, (args, name) => {
    const [first, ...rest] = args.map((set) => arrayOf(set, name) as readonly Value[]);
    return rest.every((set) => within(first as Value[], set) && within(set, first as Value[]));
  }),
  $setIsSubset: listed('$setIsSubset', 2, ([left, right], name) =>
    within(arrayOf(left, name) as Value[], arrayOf(right, name) as Value[]),
  ),
  $allElementsTrue: listed('$allElementsTrue', 1, ([set], name) =>
    arrayOf(set, name).every(isTrue),
  ),
  $anyElementTrue: listed('$anyElementTrue', 1, ([set], name) => arrayOf(set, name).some(isTrue)),
};

/** MongoDB moves constants behind the rest where the order does not count, so they err last. */
function constantsLast(operator: Operator): Operator {
  const isConstant = (item: unknown) =>
    typeof item === 'string' ? !item.startsWith('$') : !isPlainObject(item) || '$literal' in item;
  const sorted = (items: readonly unknown[]) => [
    ...items.filter((item) => !isConstant(item)),
    ...items.filter(isConstant),
  ];
  return {
    check: operator.check,
    run: (operand, scope) =>
      operator.run(Array.isArray(operand) ? sorted(operand) : operand, scope),
  };
}

/** The arrays, or null at the first that is nothing. */
function setsOf(args: readonly unknown[], name: string): Value[][] | null {
  const sets: Value[][] = [];
  for (const value of args) {
    if (isNil(value)) return null;
    sets.push(arrayOf(value, name) as Value[]);
  }
  return sets;
}

/** Each value once, in order of values. */
export function distinct(values: readonly Value[]): Value[] {
  const sorted = values.toSorted(compareValues);
  return sorted.filter((item, at) => at === 0 || compareValues(sorted[at - 1], item) !== 0);
}

/** Each value once, in the order in which they come. */
export function firstOfEach(values: readonly Value[]): Value[] {
  const sorted = values.map((value, at) => ({ value, at }));
  sorted.sort((a, b) => compareValues(a.value, b.value) || a.at - b.at);
  return sorted
    .filter((item, at) => at === 0 || compareValues(sorted[at - 1]?.value, item.value) !== 0)
    .sort((a, b) => a.at - b.at)
    .map((item) => item.value);
}

function holds(set: readonly Value[], wanted: Value): boolean {
  return set.some((item) => compareValues(item, wanted) === 0);
}

function within(part: readonly Value[], whole: readonly Value[]): boolean {
  const sorted = distinct(whole);
  return part.every((item) => found(sorted, item));
}

function found(sorted: readonly Value[], wanted: Value): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const order = compareValues(sorted[middle], wanted);
    if (order === 0) return true;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return false;
}
