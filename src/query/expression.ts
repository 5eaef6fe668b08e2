import { JdbxError } from '../base/errors.js';
import { DocumentScope } from './expressions/scope.js';
import { EXPRESSION_OPERATORS } from './mingo-operators.js';

export { isTrue } from './expressions/conditions.js';

export interface EvaluateOptions {
  /** What `$$NOW` is, in milliseconds since the epoch. Default the system's clock. */
  readonly now?: number | undefined;
  /** Values of `$$name` variables. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
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
  const setting = { operators: EXPRESSION_OPERATORS, now: now ?? Date.now() };
  try {
    return new DocumentScope(context, variables ?? {}, setting).value(expression);
  } catch (error) {
    throw expressionError(error);
  }
}

/** Whatever mingo threw, as a coded error; coded ones stay as they are. */
export function expressionError(error: unknown, path?: string): JdbxError {
  if (error instanceof JdbxError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new JdbxError('INVALID_EXPRESSION', text.replace(/^mingo: /i, ''), { path, cause: error });
}
