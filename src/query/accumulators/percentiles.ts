import {
  describe,
  type Named,
  named,
  namesChecker,
  type Operators,
  refuse,
} from '../expressions/operator.js';
import type { Accumulator, Accumulators } from './accumulator.js';

const METHODS = ['approximate', 'discrete', 'continuous'];

function checkPoints(p: unknown, name: string): readonly number[] {
  const fits = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  if (!Array.isArray(p) || p.length === 0 || !p.every(fits))
    refuse(name, 'numbers from 0 to 1 as p', describe(p));
  return p;
}

function checkMethod(method: unknown, name: string): void {
  if (!METHODS.includes(method as string))
    refuse(name, `one of ${METHODS.join(', ')}`, describe(method));
}

/** The value at a rank of the sorted numbers; between two of them only when asked for. */
function percentile(sorted: readonly number[], p: number, method: unknown): number | null {
  if (sorted.length === 0) return null;
  if (method !== 'continuous')
    return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] as number;
  const rank = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(rank)] as number, sorted[Math.ceil(rank)] as number];
  return low + (high - low) * (rank - Math.floor(rank));
}

function sortedNumbers(values: readonly unknown[]): number[] {
  return values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
}

function accumulator(
  name: string,
  names: readonly string[],
  finish: (sorted: readonly number[], args: Named) => unknown,
): Accumulator {
  const check = namesChecker(name, names);
  return {
    check: (operand) => {
      const { method } = check(operand);
      checkMethod(method, name);
    },
    begin: (operand) => {
      const args = operand as Named;
      const values: unknown[] = [];
      let points: unknown;
      return {
        add: (scope) => {
          points ??= scope.value(args.p);
          values.push(scope.value(args.input));
        },
        result: () => finish(sortedNumbers(values), { ...args, p: points ?? args.p }),
      };
    },
  };
}

const medianOf = (sorted: readonly number[], { method }: Named) => percentile(sorted, 0.5, method);
const pointsOf = (sorted: readonly number[], { p, method }: Named) =>
  checkPoints(p, '$percentile').map((point) => percentile(sorted, point, method));

export const PERCENTILE_ACCUMULATORS: Accumulators = {
  $median: accumulator('$median', ['input!', 'method!'], medianOf),
  $percentile: accumulator('$percentile', ['input!', 'p!', 'method!'], pointsOf),
};

const inputOf = (input: unknown) => sortedNumbers(Array.isArray(input) ? input : [input]);

/** The same over one document's array. */
export const PERCENTILE_OPERATORS: Operators = {
  $median: named('$median', ['input!', 'method!'], (args) => {
    checkMethod(args.method, '$median');
    return medianOf(inputOf(args.input), args);
  }),
  $percentile: named('$percentile', ['input!', 'p!', 'method!'], (args) => {
    checkMethod(args.method, '$percentile');
    return pointsOf(inputOf(args.input), args);
  }),
};
