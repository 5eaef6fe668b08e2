import { compareValues } from '../base/order.js';
import { isPlainObject, type Value } from '../base/values.js';
import { compileFilter } from './filter.js';
import { sortItems } from './sort-items.js';

type Values = readonly Value[];
// Each takes what checks before it have let through, so the argument is as wide as its operator.
// biome-ignore lint/suspicious/noExplicitAny: see above
type ArrayUpdate = (current: any, operand: Value) => Value | undefined;

/**
 * Operators on arrays, and comparisons, as functions from the value that is there, if any,
 * to the one that replaces it; undefined where nothing is there and nothing comes.
 */
export const ARRAY_UPDATES: Readonly<Record<string, ArrayUpdate>> = {
  $min: (current, operand) => (isLess(operand, current, 1) ? operand : current),
  $max: (current, operand) => (isLess(operand, current, -1) ? operand : current),
  $push: (current = [], operand) => push(current, operand),
  $addToSet: (current = [], operand) => addToSet(current, operand),
  $pull: (current: Values | undefined, operand) => current?.filter(negate(pullTest(operand))),
  $pullAll: (current: Values | undefined, operand) =>
    current?.filter((item) => !holds(operand as Values, item)),
  $pop: (current: Values | undefined, operand) =>
    operand === 1 ? current?.slice(0, -1) : current?.slice(1),
};

/** What is missing is neither below nor above: anything takes its place. */
function isLess(value: Value, current: Value | undefined, sign: 1 | -1): boolean {
  return current === undefined || compareValues(value, current) * sign < 0;
}

function push(current: Values, operand: Value): Values {
  if (!isPlainObject(operand) || !Array.isArray(operand.$each)) return [...current, operand];
  const { $each, $position, $sort, $slice } = operand as Record<string, Value>;
  const items = current.toSpliced(
    ($position as number | undefined) ?? current.length,
    0,
    ...($each as Values),
  );
  const sorted = $sort === undefined ? items : sortItems(items, $sort);
  return $slice === undefined ? sorted : slice(sorted, $slice as number);
}

function slice(items: Values, count: number): Values {
  return count < 0 ? items.slice(count) : items.slice(0, count);
}

function addToSet(current: Values, operand: Value): Values {
  const each = isPlainObject(operand) && '$each' in operand ? (operand.$each as Values) : [operand];
  const out = [...current];
  for (const item of each) if (!holds(out, item)) out.push(item);
  return out;
}

/** A value is pulled when it equals; an object of conditions pulls what meets them. */
function pullTest(operand: Value): (item: Value) => boolean {
  if (!isPlainObject(operand) && !((operand as unknown) instanceof RegExp)) {
    return (item) => compareValues(item, operand) === 0;
  }
  if (isPlainObject(operand) && !Object.keys(operand)[0]?.match(/^\$(?!and$|or$|nor$)/)) {
    const test = compileFilter(operand);
    return (item) => isPlainObject(item) && test(item);
  }
  const test = compileFilter({ list: { $elemMatch: elementConditions(operand) } });
  return (item) => test({ list: [item] });
}

function elementConditions(operand: unknown): unknown {
  return operand instanceof RegExp ? { $regex: operand } : operand;
}

function holds(values: Values, item: Value): boolean {
  return values.some((value) => compareValues(value, item) === 0);
}

function negate(test: (item: Value) => boolean): (item: Value) => boolean {
  return (item) => !test(item);
}
