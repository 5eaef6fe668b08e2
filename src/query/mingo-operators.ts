import { Context, evalExpr } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import type { Options } from 'mingo/types';
import { compareOperators } from './compare-operators.js';
import { findAllMatches, rangeOf } from './guarded-operators.js';

/** An operator of mingo's, by its most general shape: what it takes differs from kind to kind. */
export type MingoOperator = (...args: never[]) => unknown;
export type MingoOperators = Readonly<Record<string, MingoOperator>>;

/** Operators that would run code handed in as data. */
const SCRIPTS = new Set(['$function', '$accumulator', '$where']);

/** The operators of a mingo module that may be used here, by name. */
export function operatorsOf(module: object): MingoOperators {
  return Object.fromEntries(
    Object.entries(module).filter(([name]) => name.startsWith('$') && !SCRIPTS.has(name)),
  );
}

export const EXPRESSION_OPERATORS: MingoOperators = {
  ...operatorsOf(expressions),
  ...(compareOperators(evalExpr) as MingoOperators),
  // mingo's own run without bound on a pattern that matches nothing, and at the edges of int32.
  $regexFindAll: (document: unknown, operand: unknown, options: Options) =>
    findAllMatches(evalExpr(document, operand, options)),
  $range: (document: unknown, operand: unknown, options: Options) =>
    rangeOf(evalExpr(document, operand, options)),
};

export const ACCUMULATOR_OPERATORS: MingoOperators = operatorsOf(accumulators);

/** Operators are a value here, not a registry that imports fill. */
export function makeContext(more: Readonly<Record<string, MingoOperators>> = {}): Context {
  const kinds = { expression: EXPRESSION_OPERATORS, accumulator: ACCUMULATOR_OPERATORS, ...more };
  return Context.init(kinds as Parameters<typeof Context.init>[0]);
}

/** Options for every call into mingo: code never runs, inputs are never cloned nor changed. */
export function makeOptions(context: Context, more: Partial<Options> = {}): Options {
  return {
    idKey: '_id',
    processingMode: 0,
    useStrictMode: true,
    scriptEnabled: false,
    failOnError: true,
    ...more,
    context,
  };
}

/** Puts `now` in place of `$$NOW`, so that an expression's clock is its caller's. */
export function bindNow<T>(expression: T, now: number | undefined): T {
  return now === undefined ? expression : (replaceNow(expression, new Date(now)) as T);
}

function replaceNow(expression: unknown, now: Date): unknown {
  if (expression === '$$NOW') return now;
  if (Array.isArray(expression)) return expression.map((item) => replaceNow(item, now));
  if (typeof expression !== 'object' || expression === null) return expression;
  const prototype = Object.getPrototypeOf(expression);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return expression;
  return Object.fromEntries(
    Object.entries(expression).map(([key, item]) => [
      key,
      key === '$literal' ? item : replaceNow(item, now),
    ]),
  );
}
