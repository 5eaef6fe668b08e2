import { isPlainObject } from '../base/values.js';
import { DocumentScope } from './expressions/scope.js';
import { EXPRESSION_OPERATORS } from './mingo-operators.js';

/** What gives another value each time. */
const CHANGING = new Set(['$rand', '$sampleRate']);

/**
 * Evaluates an operator whose operand names neither fields nor variables, so that what
 * must always fail fails when the expression is written, as in MongoDB.
 *
 * @throws {JdbxError} INVALID_EXPRESSION
 */
export function foldConstant(operator: string, operand: unknown): void {
  if (CHANGING.has(operator) || !isConstant(operand)) return;
  const setting = { operators: EXPRESSION_OPERATORS, now: 0 };
  EXPRESSION_OPERATORS[operator]?.run(operand, new DocumentScope({}, {}, setting));
}

function isConstant(expression: unknown): boolean {
  if (typeof expression === 'string') return !expression.startsWith('$');
  if (Array.isArray(expression)) return expression.every(isConstant);
  if (!isPlainObject(expression)) return true;
  return Object.entries(expression).every(
    ([key, value]) => key === '$literal' || (!CHANGING.has(key) && isConstant(value)),
  );
}
