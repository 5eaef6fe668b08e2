import { isPlainObject } from '../../base/values.js';
import {
  describe,
  isNil,
  lazy,
  listed,
  type Named,
  namesChecker,
  type Operator,
  type Operators,
  refuse,
  type Scope,
} from './operator.js';

/** Truth as MongoDB has it: false, null, 0 and missing are false, all else is true. */
export function isTrue(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined && value !== 0;
}

const condCheck = namesChecker('$cond', ['if!', 'then!', 'else!']);

function listOf(operand: unknown): readonly unknown[] {
  return Array.isArray(operand) ? operand : [operand];
}

/** What is not chosen is not evaluated. */
export const CONDITION_OPERATORS: Operators = {
  $and: lazy(any, (operand, scope) => {
    const items = constantsFirst(operand);
    return items.every((item) => isTrue(scope.value(item)));
  }),
  $or: lazy(any, (operand, scope) => {
    const items = constantsFirst(operand);
    return items.some((item) => isTrue(scope.value(item)));
  }),
  $not: listed('$not', 1, ([value]) => !isTrue(value)),
  $cond: cond(),
  $ifNull: lazy(checkIfNull, ifNull),
  $switch: lazy(checkSwitch, runSwitch),
};

function any(): void {}

/** A constant that decides spares the others, as in MongoDB, which looks at constants first. */
function constantsFirst(operand: unknown): readonly unknown[] {
  const items = listOf(operand);
  const constants = items.filter(isPlainConstant);
  return constants.length === 0 || constants.length === items.length
    ? items
    : [...constants, ...items.filter((item) => !isPlainConstant(item))];
}

function isPlainConstant(item: unknown): boolean {
  return typeof item === 'boolean' || typeof item === 'number' || item === null;
}

function cond(): Operator {
  const parts = (operand: unknown): readonly unknown[] => {
    if (!Array.isArray(operand)) {
      const args = condCheck(operand);
      return [args.if, args.then, args.else];
    }
    if (operand.length !== 3) refuse('$cond', '3 arguments', String(operand.length));
    return operand;
  };
  return {
    check: (operand) => void parts(operand),
    run: (operand, scope) => {
      const [test, yes, no] = parts(operand);
      return scope.value(isTrue(scope.value(test)) ? yes : no);
    },
  };
}

function checkIfNull(operand: unknown): void {
  if (!Array.isArray(operand) || operand.length < 2)
    refuse(
      '$ifNull',
      'two arguments or more',
      Array.isArray(operand) ? String(operand.length) : '1',
    );
}

function ifNull(operand: unknown, scope: Scope): unknown {
  const list = operand as readonly unknown[];
  for (const item of list.slice(0, -1)) {
    const value = scope.value(item);
    if (!isNil(value)) return value;
  }
  return scope.value(list.at(-1));
}

const switchCheck = namesChecker('$switch', ['branches!', 'default']);
const branchCheck = namesChecker('$switch', ['case!', 'then!']);

function checkSwitch(operand: unknown): void {
  const { branches } = switchCheck(operand);
  if (!Array.isArray(branches) || branches.length === 0)
    refuse('$switch', 'an array of branches', describe(branches));
  for (const branch of branches) {
    if (!isPlainObject(branch)) refuse('$switch', 'branches that are objects', describe(branch));
    branchCheck(branch);
  }
}

function runSwitch(operand: unknown, scope: Scope): unknown {
  const { branches, ...rest } = operand as { branches: readonly Named[]; default?: unknown };
  const chosen = branches.find((branch) => isTrue(scope.value(branch.case)));
  if (chosen) return scope.value(chosen.then);
  if (!Object.hasOwn(rest, 'default'))
    refuse('$switch', 'a branch that holds or a default', 'none');
  return scope.value(rest.default);
}
