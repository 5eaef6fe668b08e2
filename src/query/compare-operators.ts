import { JdbxError } from '../base/errors.js';
import { compareValues } from '../base/order.js';
import type { Value } from '../base/values.js';

/** Evaluates an operator's operand against a document, as mingo hands it to an operator. */
export type Evaluate = (document: unknown, operand: unknown, options: never) => unknown;

const TESTS: Readonly<Record<string, (order: number) => boolean | number>> = {
  $eq: (order) => order === 0,
  $ne: (order) => order !== 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $cmp: Math.sign,
};

/**
 * The comparisons of expressions by the total order of values: whole values of
 * any types, a missing one below null. (mingo's look inside arrays, as filters do.)
 */
export function compareOperators(evaluate: Evaluate) {
  return Object.fromEntries(
    Object.entries(TESTS).map(([name, test]) => [
      name,
      (document: unknown, operand: unknown, options: never) => {
        const pair = evaluate(document, operand, options);
        if (!Array.isArray(operand) || !Array.isArray(pair) || pair.length !== 2) refuse(name);
        return test(compareInExpression(pair[0], pair[1]));
      },
    ]),
  );
}

function compareInExpression(left: unknown, right: unknown): number {
  const missing = Number(left !== undefined) - Number(right !== undefined);
  return missing !== 0 && (left ?? right ?? null) === null
    ? missing
    : compareValues(left as Value, right as Value);
}

function refuse(name: string): never {
  throw new JdbxError('INVALID_EXPRESSION', 'expected an array of two expressions', { path: name });
}
