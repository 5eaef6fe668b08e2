import { compareValues } from '../../base/order.js';
import type { Value } from '../../base/values.js';
import { describe, isNil, listed, type Operator, type Operators } from './operator.js';

/** Accumulators over the values of one document: a list of arguments, or one array. */
export const TOTAL_OPERATORS: Operators = {
  $sum: total('$sum', sum),
  $avg: total('$avg', average),
  $min: total('$min', (values) => extreme(values, -1)),
  $max: total('$max', (values) => extreme(values, 1)),
  $stdDevPop: total('$stdDevPop', (values) => deviation(values, 0)),
  $stdDevSamp: total('$stdDevSamp', (values) => deviation(values, 1)),
};

function total(name: string, apply: (values: readonly unknown[]) => unknown): Operator {
  return listed(name, [0, Number.POSITIVE_INFINITY], (args) =>
    apply(args.length === 1 && Array.isArray(args[0]) ? args[0] : args),
  );
}

const numbers = (values: readonly unknown[]) => values.filter((value) => typeof value === 'number');

/** Compensated, so that small parts are not lost. https://en.wikipedia.org/wiki/Kahan_summation_algorithm */
export function sum(values: readonly unknown[]): number {
  let [total, rest] = [0, 0];
  for (const value of numbers(values)) {
    const next = total + value;
    rest += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return Number.isFinite(rest) ? total + rest : total;
}

export function average(values: readonly unknown[]): number | null {
  const found = numbers(values);
  return found.length === 0 ? null : sum(found) / found.length;
}

export function extreme(values: readonly unknown[], sign: 1 | -1): unknown {
  const found = values.filter((value) => !isNil(value)) as Value[];
  if (found.length === 0) return null;
  return found.reduce((best, value) => (compareValues(value, best) * sign > 0 ? value : best));
}

/**
 * Welford's way, which needs no sum that could pass what a number holds.
 * https://en.wikipedia.org/wiki/Algorithms_for_calculating_variance
 *
 * @param less 1 for a sample, 0 for all there is
 */
export function deviation(values: readonly unknown[], less: 0 | 1): number | null {
  const found = numbers(values);
  if (found.length <= less) return null;
  let [mean, squares] = [0, 0];
  for (const [at, value] of found.entries()) {
    const delta = value - mean;
    mean += delta / (at + 1);
    squares += delta * (value - mean);
  }
  return Math.sqrt(squares / (found.length - less));
}

export function kind(value: unknown): string {
  return describe(value);
}
