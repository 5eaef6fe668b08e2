import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';

/** Where an expression is evaluated: a document and the variables in sight. */
export interface Scope {
  value(expression: unknown): unknown;
  /** The same document with more variables. */
  with(variables: Readonly<Record<string, unknown>>): Scope;
}

/** An operator: its operand as written, not evaluated, and where it stands. */
export interface Operator {
  /** Checks the operand as written. @throws {JdbxError} INVALID_EXPRESSION */
  readonly check: (operand: unknown) => void;
  readonly run: (operand: unknown, scope: Scope) => unknown;
}

export type Operators = Readonly<Record<string, Operator>>;

export function refuse(name: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_EXPRESSION', `expected ${expected}, got ${got}`, { path: name });
}

export function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Names a value for a message. */
export function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : describeType(value);
}

/**
 * An operator over a list of arguments, each evaluated; one argument may come without its list.
 *
 * @param count how many: one number, or the least and the most
 */
export function listed(
  name: string,
  count: number | readonly [number, number],
  apply: (args: readonly unknown[], name: string) => unknown,
): Operator {
  const [least, most] = typeof count === 'number' ? [count, count] : count;
  const check = (operand: unknown): void => {
    const length = Array.isArray(operand) ? operand.length : 1;
    if (length < least || length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      refuse(name, `${wanted} arguments`, String(length));
    }
  };
  return {
    check,
    run: (operand, scope) => {
      check(operand);
      const list = Array.isArray(operand) ? operand : [operand];
      return apply(
        list.map((item) => scope.value(item)),
        name,
      );
    },
  };
}

/** An operator that is a function of one value: missing and null give null. */
export function unary(name: string, apply: (value: unknown, name: string) => unknown): Operator {
  return listed(name, 1, ([value]) => (isNil(value) ? null : apply(value, name)));
}

export type Named = Readonly<Record<string, unknown>>;

/**
 * An operator over an object of named arguments, each evaluated.
 *
 * @param names the arguments, the required ones with a `!` behind them
 */
export function named(
  name: string,
  names: readonly string[],
  apply: (args: Named, given: (argument: string) => boolean) => unknown,
): Operator {
  const check = namesChecker(name, names);
  return {
    check,
    run: (operand, scope) => {
      const written = check(operand);
      const args: Record<string, unknown> = {};
      for (const key of Object.keys(written)) args[key] = scope.value(written[key]);
      return apply(args, (argument) => Object.hasOwn(args, argument));
    },
  };
}

/** Checks an object of named arguments; see `named`. */
export function namesChecker(name: string, names: readonly string[]): (operand: unknown) => Named {
  const known = new Set(names.map((each) => each.replace('!', '')));
  const required = names.filter((each) => each.endsWith('!')).map((each) => each.slice(0, -1));
  return (operand) => {
    if (!isPlainObject(operand)) refuse(name, 'an object of arguments', describe(operand));
    for (const key of Object.keys(operand)) {
      if (!known.has(key)) refuse(name, `one of ${[...known].join(', ')}`, key);
    }
    for (const key of required) {
      if (!Object.hasOwn(operand, key)) refuse(name, `the argument ${key}`, 'none');
    }
    return operand;
  };
}

/** An operator that evaluates its operand by itself. */
export function lazy(check: Operator['check'], run: Operator['run']): Operator {
  return {
    check,
    run: (operand, scope) => {
      check(operand);
      return run(operand, scope);
    },
  };
}
