import { ERROR_CODES, JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from '../query/check-expression.js';
import { HISTORY_TURNS_MAX } from '../sessions/sessions.js';
import { checkSessionUpdate } from './session-update.js';

/** Checks the value of one field of a stage, which stands at `path` of its document. */
export type FieldCheck = (value: unknown, path: string) => void;

const MS_MAX = 30 * 24 * 3_600_000;
const RETRY_MS_MAX = 3_600_000;

export const whole =
  (min: number, max: number): FieldCheck =>
  (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
    refuse(path, `expected a whole number from ${min} to ${max}, got ${String(value)}`);
  };

export const checkMs = whole(1, MS_MAX);

const expression: FieldCheck = (value, path) => checkExpression(value, path);

const text: FieldCheck = (value, path) => {
  if (typeof value !== 'string' || value === '') {
    refuse(path, `expected text, got ${describeType(value)}`);
  }
};

const flag: FieldCheck = (value, path) => {
  if (typeof value !== 'boolean')
    refuse(path, `expected true or false, got ${describeType(value)}`);
};

const settings: FieldCheck = (value, path) => {
  if (!isPlainObject(value)) refuse(path, `expected an object, got ${describeType(value)}`);
};

const inputs: FieldCheck = (value, path) => {
  if (!Array.isArray(value)) return checkExpression(value, path);
  const wrong = value.findIndex((name) => typeof name !== 'string' || name === '');
  if (wrong !== -1) refuse(`${path}.${wrong}`, 'expected a name');
};

const onError: FieldCheck = (rule, path) => {
  if (rule === 'fail' || rule === 'continue') return;
  if (isPlainObject(rule) && Object.keys(rule).join() === 'continue') return;
  refuse(path, 'expected fail, continue or { continue: value }');
};

/** An object whose every field is known; `required` must be there. */
export const shape =
  (
    fields: Readonly<Record<string, FieldCheck>>,
    required: readonly string[],
  ): ((value: unknown, path: string) => asserts value is Record<string, unknown>) =>
  (value, path) => {
    const names = Object.keys(fields);
    if (!isPlainObject(value)) {
      refuse(path, `expected { ${names.join(', ')} }, got ${describeType(value)}`);
    }
    checkKnown(value, names, path);
    for (const [name, check] of Object.entries(fields)) {
      if (value[name] !== undefined) check(value[name], `${path}.${name}`);
      else if (required.includes(name)) refuse(`${path}.${name}`, 'expected a value, got nothing');
    }
  };

/** Refuses a field that would be ignored: it is misspelt, or means nothing here. */
export function checkKnown(
  object: Record<string, unknown>,
  names: readonly string[],
  path: string,
): void {
  const unknown = Object.keys(object).find(
    (name) => object[name] !== undefined && !names.includes(name),
  );
  if (unknown === undefined) return;
  refuse(`${path}.${unknown}`, `expected one of ${names.join(', ')}`);
}

const backoff: FieldCheck = (value, path) => {
  if (value !== 'exponential' && value !== 'constant') {
    refuse(path, 'expected exponential or constant');
  }
};

const codes: FieldCheck = (list, path) => {
  if (!Array.isArray(list)) refuse(path, `expected a list of codes, got ${describeType(list)}`);
  const wrong = list.findIndex((code) => !Object.hasOwn(ERROR_CODES, String(code)));
  if (wrong !== -1) refuse(`${path}.${wrong}`, `expected an error code, got ${list[wrong]}`);
};

const retry: FieldCheck = shape(
  {
    attempts: whole(1, 100),
    backoff,
    delay_ms: whole(0, RETRY_MS_MAX),
    max_delay_ms: whole(0, RETRY_MS_MAX),
    codes,
  },
  ['attempts'],
);

/** What every stage may say. */
export const COMMON_FIELDS: Readonly<Record<string, FieldCheck>> = {
  name: text,
  description: text,
  when: expression,
  inputs,
  retry,
  timeout: checkMs,
  on_error: onError,
  session: checkSessionUpdate,
};

/** What only a stage that calls a model may say. */
export const INTEGRATION_FIELDS: Readonly<Record<string, FieldCheck>> = {
  model: text,
  params: settings,
  key: expression,
  context: expression,
  history: whole(0, HISTORY_TURNS_MAX),
  at_most_once: flag,
};

export function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_PIPELINE', text, { path });
}
