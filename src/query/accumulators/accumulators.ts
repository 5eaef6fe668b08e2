import { isPlainObject, type Value } from '../../base/values.js';
import { describe, isNil, refuse } from '../expressions/operator.js';
import { firstOfEach } from '../expressions/sets.js';
import { average, deviation, extreme, sum } from '../expressions/totals.js';
import { type Accumulator, type Accumulators, folding, overValues } from './accumulator.js';
import { CHOOSING_ACCUMULATORS } from './choosing.js';
import { covariance } from './covariance.js';
import { PERCENTILE_ACCUMULATORS } from './percentiles.js';

const present = (value: unknown) => value !== undefined;
const isNumber = (value: unknown) => typeof value === 'number';

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/#accumulator-operator */
export const ACCUMULATORS: Accumulators = {
  $sum: overValues('$sum', sum, isNumber),
  $avg: overValues('$avg', average, isNumber),
  $min: folding<unknown>(
    () => null,
    (best, value) => extreme([best, value], -1),
    (best) => best,
  ),
  $max: folding<unknown>(
    () => null,
    (best, value) => extreme([best, value], 1),
    (best) => best,
  ),
  $first: folding<readonly unknown[]>(
    () => [],
    (kept, value) => (kept.length > 0 ? kept : [value]),
    (kept) => kept[0] ?? null,
  ),
  $last: folding<unknown>(
    () => null,
    (_last, value) => value,
    (last) => last ?? null,
  ),
  $push: overValues('$push', (values) => values, present),
  $addToSet: overValues('$addToSet', (values) => firstOfEach(values as Value[]), present),
  $stdDevPop: overValues('$stdDevPop', (values) => deviation(values, 0), isNumber),
  $stdDevSamp: overValues('$stdDevSamp', (values) => deviation(values, 1), isNumber),
  $mergeObjects: overValues('$mergeObjects', mergeAll),
  $setUnion: overValues('$setUnion', (values, name) => firstOfEach(flat(values, name)), present),
  $concatArrays: overValues('$concatArrays', flat, present),
  $count: count(),
  $covariancePop: covariance(0),
  $covarianceSamp: covariance(1),
  ...CHOOSING_ACCUMULATORS,
  ...PERCENTILE_ACCUMULATORS,
};

function flat(values: readonly unknown[], name: string): Value[] {
  return values.flatMap((value) => {
    if (!Array.isArray(value)) refuse(name, 'arrays', describe(value));
    return value as Value[];
  });
}

function mergeAll(values: readonly unknown[], name: string): object {
  const objects = values.filter((value) => !isNil(value));
  for (const value of objects) if (!isPlainObject(value)) refuse(name, 'objects', describe(value));
  return Object.assign({}, ...objects);
}

function count(): Accumulator {
  return {
    check: (operand) => {
      if (!isPlainObject(operand) || Object.keys(operand).length > 0)
        refuse('$count', 'an empty object', describe(operand));
    },
    begin: () => {
      let documents = 0;
      return { add: () => void documents++, result: () => documents };
    },
  };
}
