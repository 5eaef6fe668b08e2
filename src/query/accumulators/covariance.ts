import { sum } from '../expressions/totals.js';
import type { Accumulator } from './accumulator.js';

/** Of two expressions, over the documents where both are numbers. @param less 1 for a sample */
export function covariance(less: 0 | 1): Accumulator {
  return {
    check: () => {},
    begin: (operand) => {
      const [xs, ys]: [number[], number[]] = [[], []];
      return {
        add: (scope) => {
          const pair = Array.isArray(operand) ? operand.map((item) => scope.value(item)) : [];
          const [x, y] = pair;
          if (pair.length !== 2 || typeof x !== 'number' || typeof y !== 'number') return;
          xs.push(x);
          ys.push(y);
        },
        result: () => (xs.length <= less ? null : spread(xs, ys) / (xs.length - less)),
      };
    },
  };
}

function spread(xs: readonly number[], ys: readonly number[]): number {
  const meanX = sum(xs) / xs.length;
  const meanY = sum(ys) / ys.length;
  return sum(xs.map((x, at) => (x - meanX) * ((ys[at] as number) - meanY)));
}
