import { evalExpr } from 'mingo/core';
import type { AnyObject, Options } from 'mingo/types';
import { JdbxError } from '../base/errors.js';
import { bindNow, makeContext, makeOptions } from './mingo-operators.js';

const OPTIONS: Options = makeOptions(makeContext());

export interface EvaluateOptions {
  /** What `$$NOW` is, in milliseconds since the epoch. Default the system's clock. */
  readonly now?: number | undefined;
  /** Values of `$$name` variables. */
  readonly variables?: AnyObject | undefined;
}

/**
 * The value of a MongoDB expression over any context object, e.g.
 * `evaluate({ $gt: ['$check.score', 0.8] }, { check: { score: 0.9 } })`.
 * What has no `$` is itself; a path that leads nowhere is undefined.
 *
 * @throws {JdbxError} INVALID_EXPRESSION
 */
export function evaluate(
  expression: unknown,
  context: unknown,
  { now, variables }: EvaluateOptions = {},
): unknown {
  const options = variables ? { ...OPTIONS, variables } : OPTIONS;
  try {
    return evalExpr(context, bindNow(expression, now), options);
  } catch (error) {
    throw expressionError(error);
  }
}

/** Truth as MongoDB has it: false, null, 0 and missing are false, all else is true. */
export function isTrue(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined && value !== 0;
}

/** Whatever mingo threw, as a coded error; coded ones stay as they are. */
export function expressionError(error: unknown, path?: string): JdbxError {
  if (error instanceof JdbxError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new JdbxError('INVALID_EXPRESSION', text.replace(/^mingo: /i, ''), { path, cause: error });
}
