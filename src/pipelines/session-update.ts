import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../base/values.js';
import type { Update } from '../documents/contract.js';
import { checkExpression } from '../query/check-expression.js';
import type { Context } from './context.js';
import type { Stage } from './pipeline-document.js';

/** What `$push` and `$addToSet` may say around the values; each holds an expression of its own. */
const MODIFIERS = new Set(['$each', '$slice', '$position', '$sort']);

/**
 * Checks the update operators that a stage has for its session; their values are expressions.
 *
 * @throws {JdbxError} INVALID_PIPELINE, INVALID_EXPRESSION
 */
export function checkSessionUpdate(session: unknown, path: string): void {
  if (!isPlainObject(session))
    refuse(path, `expected update operators, got ${describeType(session)}`);
  for (const [operator, changes] of Object.entries(session)) {
    const at = `${path}.${operator}`;
    if (!operator.startsWith('$') || !isPlainObject(changes)) {
      refuse(at, 'expected an update operator with an object of changes');
    }
    for (const [field, value] of Object.entries(changes)) {
      for (const [name, expression] of expressionsIn(value)) {
        checkExpression(expression, [at, field, ...(name === '' ? [] : [name])].join('.'));
      }
    }
  }
}

/** The expressions of a stage's update, each with its path there. */
export function expressionsInUpdate(update: ValueObject): [path: string, expression: unknown][] {
  return Object.entries(update).flatMap(([operator, changes]) =>
    Object.entries(isPlainObject(changes) ? changes : {}).flatMap(([field, value]) =>
      expressionsIn(value).map(([name, expression]): [string, unknown] => [
        [operator, field, ...(name === '' ? [] : [name])].join('.'),
        expression,
      ]),
    ),
  );
}

/**
 * A stage's update with its expressions evaluated: its own output is there under its
 * name, and `session` is the session as the commit finds it.
 *
 * @throws {JdbxError} MISSING_INPUT, INVALID_EXPRESSION
 */
export function sessionUpdate(
  { name, session: update }: Stage,
  context: Context,
  output: Value,
  session: Document | undefined,
): Update | undefined {
  if (!update) return undefined;
  const after = context.child({ [name]: output, ...(session ? { session } : {}) }, output);
  return mapObject(update, (changes, operator) =>
    mapObject(changes as ValueObject, (value, field) =>
      evaluated(after, value, `${name}.session.${operator}.${field}`),
    ),
  );
}

function evaluated(context: Context, value: Value, path: string): Value {
  if (hasModifiers(value)) return mapObject(value, (each) => context.require(each, path));
  return context.require(value, path);
}

function expressionsIn(value: unknown): readonly (readonly [string, unknown])[] {
  return hasModifiers(value) ? Object.entries(value) : [['', value]];
}

function hasModifiers(value: unknown): value is ValueObject {
  return isPlainObject(value) && '$each' in value && Object.keys(value).every(isModifier);
}

function isModifier(name: string): boolean {
  return MODIFIERS.has(name);
}

function mapObject<T>(
  object: ValueObject,
  map: (value: Value, key: string) => T,
): { readonly [key: string]: T } {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_PIPELINE', text, { path });
}
