import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, takeValue, type Value } from '../base/values.js';
import { bitPositions } from './bits.js';
import { describe } from './expressions/operator.js';
import type { BitsWanted, FilterNode, RangeOperator, Test } from './filter-node.js';
import { readPattern } from './pattern.js';
import { readTypes } from './type-names.js';

/** How a test's operand is parsed where it holds filters itself. */
export interface TestContext {
  readonly path: string;
  filter(inner: unknown): FilterNode;
  operators(inner: Record<string, unknown>): FilterNode;
}

type Parser = (
  field: string,
  operand: unknown,
  siblings: Record<string, unknown>,
  context: TestContext,
) => FilterNode;

/** Parses one operator on one field. @throws {JdbxError} INVALID_FILTER */
export function parseTest(
  field: string,
  operator: string,
  operand: unknown,
  siblings: Record<string, unknown>,
  context: TestContext,
): FilterNode {
  const parser = Object.hasOwn(PARSERS, operator) ? PARSERS[operator] : undefined;
  if (!parser) {
    throw new JdbxError('INVALID_FILTER', `unknown operator ${operator}`, { path: context.path });
  }
  return parser(field, operand, siblings, context);
}

const NEVER: FilterNode = { kind: 'constant', value: false };
const ALWAYS: FilterNode = { kind: 'constant', value: true };

const parseEquality: Parser = (path, operand, _siblings, context) =>
  operand instanceof RegExp
    ? NEVER // No document holds a regular expression.
    : { kind: 'test', path, test: { op: 'eq', value: takeOperand(operand, context.path) } };

const parseInequality: Parser = (path, operand, siblings, context) => {
  if (operand instanceof RegExp) refuseFilter(context.path, 'a value', 'a regular expression');
  return { kind: 'not', node: parseEquality(path, operand, siblings, context) };
};

const parseIn: Parser = (path, operand, _siblings, context) => {
  if (!Array.isArray(operand)) refuseFilter(context.path, 'an array', describeType(operand));
  const patterns = operand.filter((item) => item instanceof RegExp);
  const values = operand
    .filter((item) => !(item instanceof RegExp))
    .map((item, index) => takeListed(item, `${context.path}.${index}`));
  const test = { op: 'in', values, patterns: patterns.map((item) => readPattern(item)) } as const;
  return { kind: 'test', path, test };
};

const parseExists: Parser = (path, operand) => {
  const test: FilterNode = { kind: 'test', path, test: { op: 'exists' } };
  return operand === false || operand === null || operand === 0
    ? { kind: 'not', node: test }
    : test;
};

const parseRegex: Parser = (path, operand, siblings, context) => {
  const pattern = readPattern(operand, siblings.$options, context.path);
  return { kind: 'test', path, test: { op: 'regex', pattern } };
};

const parseOptions: Parser = (_field, _operand, siblings, context) => {
  if (!Object.hasOwn(siblings, '$regex')) refuseFilter(context.path, '$regex beside it', 'none');
  return ALWAYS;
};

const parseSize: Parser = (path, size, _siblings, context) => {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
    refuseFilter(context.path, 'a whole number from 0', describe(size));
  }
  return { kind: 'test', path, test: { op: 'size', size } };
};

const parseMod: Parser = (path, operand, _siblings, context) => {
  if (!Array.isArray(operand) || operand.length !== 2 || !operand.every(Number.isFinite)) {
    refuseFilter(context.path, '[divisor, remainder]', describeType(operand));
  }
  const [divisor, remainder] = operand.map(Math.trunc) as [number, number];
  if (Math.abs(divisor) > 2 ** 63)
    refuseFilter(context.path, 'a divisor of 64 bits', describe(divisor));
  if (divisor === 0) refuseFilter(context.path, 'a divisor other than 0', '0');
  return { kind: 'test', path, test: { op: 'mod', divisor, remainder } };
};

const parseType: Parser = (path, operand, _siblings, context) => ({
  kind: 'test',
  path,
  test: { op: 'type', types: readTypes(operand, context.path) },
});

const parseElement: Parser = (path, operand, _siblings, context) => {
  if (!isPlainObject(operand)) refuseFilter(context.path, 'an object', describeType(operand));
  if ('$expr' in operand) refuseFilter(context.path, 'a filter of elements', '$expr');
  const first = Object.keys(operand)[0];
  const objects = !first?.startsWith('$') || ['$and', '$or', '$nor'].includes(first);
  const node = objects ? context.filter(operand) : context.operators(operand);
  return { kind: 'test', path, test: { op: 'element', node, objects } };
};

const parseAll: Parser = (path, operand, siblings, context) => {
  if (!Array.isArray(operand)) refuseFilter(context.path, 'an array', describeType(operand));
  if (operand.length === 0) return NEVER;
  const elements = operand.filter(isElementMatch).length;
  if (elements > 0 && elements < operand.length) {
    refuseFilter(context.path, 'only $elemMatch or none', 'a mix');
  }
  return { kind: 'and', nodes: operand.map((item) => parseMember(path, item, siblings, context)) };
};

const parseMember: Parser = (path, item, siblings, context) => {
  if (item instanceof RegExp) return parseRegex(path, item, {}, context);
  if (isElementMatch(item)) return parseElement(path, item.$elemMatch, siblings, context);
  takeListed(item, context.path);
  return parseEquality(path, item, siblings, context);
};

function isElementMatch(item: unknown): item is { $elemMatch: unknown } {
  return isPlainObject(item) && Object.keys(item)[0] === '$elemMatch';
}

function rangeParser(op: RangeOperator): Parser {
  return (path, operand, _siblings, context) => {
    if (operand instanceof RegExp) refuseFilter(context.path, 'a value', 'a regular expression');
    const test: Test = { op, value: takeOperand(operand, context.path) };
    return { kind: 'test', path, test };
  };
}

function bitsParser(want: BitsWanted): Parser {
  return (path, operand, _siblings, context) => {
    const positions = bitPositions(operand);
    if (!positions) refuseFilter(context.path, 'a bit mask or bit positions', describe(operand));
    return { kind: 'test', path, test: { op: 'bits', want, positions } };
  };
}

const PARSERS: Readonly<Record<string, Parser>> = {
  $eq: parseEquality,
  $ne: parseInequality,
  $gt: rangeParser('gt'),
  $gte: rangeParser('gte'),
  $lt: rangeParser('lt'),
  $lte: rangeParser('lte'),
  $in: parseIn,
  $nin: (...parts) => ({ kind: 'not', node: parseIn(...parts) }),
  $exists: parseExists,
  $regex: parseRegex,
  $options: parseOptions,
  $size: parseSize,
  $mod: parseMod,
  $type: parseType,
  $elemMatch: parseElement,
  $all: parseAll,
  $bitsAllSet: bitsParser('allSet'),
  $bitsAllClear: bitsParser('allClear'),
  $bitsAnySet: bitsParser('anySet'),
  $bitsAnyClear: bitsParser('anyClear'),
};

/** A copy of an operand. Infinity and NaN may be compared with, though no document holds them. */
function takeOperand(operand: unknown, path: string): Value {
  if (typeof operand === 'number') return operand;
  if (operand === undefined) refuseFilter(path, 'a value', 'undefined');
  try {
    return takeValue(operand);
  } catch (cause) {
    const text =
      cause instanceof JdbxError ? cause.message.replace(/^[A-Z_]+( at [^:]*)?: /, '') : '';
    throw new JdbxError('INVALID_FILTER', text || 'expected a value', { path, cause });
  }
}

/** A value in a list; an operator object there is a mistake. */
function takeListed(item: unknown, path: string): Value {
  if (isPlainObject(item) && Object.keys(item)[0]?.startsWith('$')) {
    refuseFilter(path, 'a value', `the operator ${Object.keys(item)[0]}`);
  }
  return takeOperand(item, path);
}

export function refuseFilter(path: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_FILTER', `expected ${expected}, got ${got}`, { path });
}
