import { JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';
import { ACCUMULATORS } from './accumulators/accumulators.js';
import { foldConstant } from './constant-folding.js';
import { isFieldName } from './field-paths.js';
import { EXPRESSION_OPERATORS } from './mingo-operators.js';

const DEPTH_MAX = 200;

/**
 * Checks an expression without running it: every operator is known and stands
 * alone in its object, every path names something.
 *
 * @throws {JdbxError} INVALID_EXPRESSION, naming the path
 */
export function checkExpression(expression: unknown, path = '', depth = 0): void {
  if (depth > DEPTH_MAX) refuse(path, `expected at most ${DEPTH_MAX} levels of nesting`);
  if (typeof expression === 'string') checkText(expression, path);
  else if (typeof expression === 'function' || typeof expression === 'symbol') {
    refuse(path, `expected data, got a ${typeof expression}`);
  } else if (Array.isArray(expression)) {
    for (const [at, item] of expression.entries()) checkExpression(item, join(path, at), depth + 1);
  } else if (isPlainObject(expression)) checkObject(expression, path, depth);
}

function checkText(text: string, path: string): void {
  if (!text.startsWith('$') || text === '$$NOW') return;
  const parts = text.slice(text.startsWith('$$') ? 2 : 1).split('.');
  if (parts.includes('') || !parts.slice(1).every(isFieldName) || text.includes('\0'))
    refuse(path, `expected a path after $, got ${JSON.stringify(text)}`);
}

function checkObject(object: Record<string, unknown>, path: string, depth: number): void {
  const keys = Object.keys(object);
  const operator = keys.find((key) => key.startsWith('$'));
  if (operator !== undefined) {
    if (keys.length > 1) refuse(path, `expected ${operator} alone, got ${keys.join(', ')}`);
    const known = Object.hasOwn(EXPRESSION_OPERATORS, operator);
    if (!known && !Object.hasOwn(ACCUMULATORS, operator))
      refuse(path, `unknown operator ${operator}`);
    if (known) checkOperand(operator, object[operator], path);
    if (operator === '$literal' || operator === '$const') return;
  } else if (keys.some((key) => key === '' || key === '__proto__' || key.includes('.')))
    refuse(path, 'expected names without dots in an object');
  for (const key of keys) {
    if (key !== 'sortBy') checkExpression(object[key], join(path, key), depth + 1);
  }
  if (operator !== undefined) foldConstant(operator, object[operator]);
}

function checkOperand(operator: string, operand: unknown, path: string): void {
  try {
    EXPRESSION_OPERATORS[operator]?.check(operand);
  } catch (cause) {
    const { message } = cause as Error;
    throw new JdbxError('INVALID_EXPRESSION', message.replace(/^INVALID_EXPRESSION at /, ''), {
      path: join(path, operator),
      cause,
    });
  }
}

function join(path: string, part: string | number): string {
  return path === '' ? String(part) : `${path}.${part}`;
}

/** An expression's error at its place. */
export function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_EXPRESSION', text, { path });
}
