import { isPlainObject } from '../../base/values.js';
import { isTrue } from './conditions.js';
import {
  describe,
  isNil,
  lazy,
  type Named,
  namesChecker,
  type Operator,
  type Operators,
  refuse,
  type Scope,
} from './operator.js';

const SYSTEM = ['CURRENT'];

/** Operators that bind variables. */
export const VARIABLE_OPERATORS: Operators = {
  $let: lazy(checkLet, (operand, scope) => {
    const { vars, in: body } = operand as { vars: Named; in: unknown };
    const values = Object.entries(vars).map(([key, value]) => [key, scope.value(value)]);
    return scope.with(Object.fromEntries(values)).value(body);
  }),
  $map: over('$map', ['input!', 'as', 'in!'], (items, args, each) =>
    items.map((item) => each(item, args.in) ?? null),
  ),
  $filter: over('$filter', ['input!', 'as', 'cond!', 'limit'], (items, args, each, scope) => {
    const limit = filterLimit(args, scope);
    const kept: unknown[] = [];
    for (const item of items) {
      if (kept.length >= limit) break;
      if (isTrue(each(item, args.cond))) kept.push(item);
    }
    return kept;
  }),
  $reduce: reduce(),
};

/** Names of variables begin with a small letter; only `CURRENT` may be bound anew. */
export function checkVariable(name: unknown, operator: string): asserts name is string {
  const fits =
    typeof name === 'string' &&
    (/^[a-z\u0080-\uffff][\w\u0080-\uffff]*$/.test(name) || SYSTEM.includes(name));
  if (!fits)
    refuse(
      operator,
      'a name such as item',
      typeof name === 'string' ? JSON.stringify(name) : describe(name),
    );
}

const letCheck = namesChecker('$let', ['vars!', 'in!']);

function checkLet(operand: unknown): void {
  const { vars } = letCheck(operand);
  if (!isPlainObject(vars)) refuse('$let', 'an object of vars', describe(vars));
  for (const name of Object.keys(vars)) checkVariable(name, '$let');
}

type Each = (item: unknown, body: unknown) => unknown;

/** An operator that binds each element of its input in turn. */
function over(
  name: string,
  names: readonly string[],
  apply: (items: readonly unknown[], args: Named, each: Each, scope: Scope) => unknown,
): Operator {
  const checkNames = namesChecker(name, names);
  const check = (operand: unknown) => {
    const args = checkNames(operand);
    if (Object.hasOwn(args, 'as')) checkVariable(args.as, name);
  };
  return lazy(check, (operand, scope) => {
    const args = operand as Named;
    const input = scope.value(args.input);
    if (isNil(input)) return null;
    if (!Array.isArray(input)) refuse(name, 'an array as input', describe(input));
    const variable = (args.as as string | undefined) ?? 'this';
    const each: Each = (item, body) => scope.with({ [variable]: item }).value(body);
    return apply(input, args, each, scope);
  });
}

function filterLimit(args: Named, scope: Scope): number {
  if (!Object.hasOwn(args, 'limit')) return Number.POSITIVE_INFINITY;
  const limit = scope.value(args.limit);
  if (isNil(limit)) return Number.POSITIVE_INFINITY;
  if (!Number.isInteger(limit) || (limit as number) < 1 || (limit as number) > 0x7fffffff)
    refuse('$filter', 'a positive whole number as limit', describe(limit));
  return limit as number;
}

function reduce(): Operator {
  return lazy(namesChecker('$reduce', ['input!', 'initialValue!', 'in!']), (operand, scope) => {
    const args = operand as Named;
    const input = scope.value(args.input);
    const start = scope.value(args.initialValue);
    if (isNil(input)) return null;
    if (!Array.isArray(input)) refuse('$reduce', 'an array as input', describe(input));
    return input.reduce(
      (value: unknown, item) => scope.with({ value, this: item }).value(args.in),
      start,
    );
  });
}
