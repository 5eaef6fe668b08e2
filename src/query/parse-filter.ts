import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from './check-expression.js';
import { allOf, type FilterNode } from './filter-node.js';
import { parseTest, refuseFilter } from './parse-test.js';
import { EMPTY_NAME } from './paths.js';

const DEPTH_MAX = 100;
const COMBINERS = { $and: 'and', $or: 'or', $nor: 'nor' } as const;

/**
 * Parses a filter of MongoDB's language. Nothing of the caller's object is kept.
 *
 * @throws {JdbxError} INVALID_FILTER, naming the operator and the path
 */
export function parseFilter(filter: unknown, path = '', depth = 0): FilterNode {
  if (depth > DEPTH_MAX) refuseFilter(path, `at most ${DEPTH_MAX} levels of nesting`, 'more');
  if (!isPlainObject(filter)) refuseFilter(path, 'a filter object', describeType(filter));
  const keys = Object.keys(filter).filter((key) => key !== '$comment');
  return allOf(keys.map((key) => parseEntry(key, filter[key], joinPath(path, key), depth)));
}

function parseEntry(key: string, value: unknown, path: string, depth: number): FilterNode {
  if (Object.hasOwn(COMBINERS, key)) {
    const kind = COMBINERS[key as keyof typeof COMBINERS];
    return { kind, nodes: parseBranches(value, path, depth) };
  }
  if (key === '$expr') return parseExpression(value, path);
  if (key.startsWith('$')) refuseOperator(key, path);
  return parseField(key === '' ? EMPTY_NAME : key, value, path, depth);
}

function parseBranches(value: unknown, path: string, depth: number): readonly FilterNode[] {
  if (!Array.isArray(value) || value.length === 0) {
    refuseFilter(path, 'a non-empty array of filters', describeType(value));
  }
  return value.map((branch, index) => parseFilter(branch, `${path}.${index}`, depth + 1));
}

function parseExpression(expression: unknown, path: string): FilterNode {
  try {
    checkExpression(expression);
  } catch (cause) {
    throw new JdbxError('INVALID_FILTER', (cause as Error).message, { path, cause });
  }
  return { kind: 'expression', expression: structuredClone(expression) };
}

const UNSUPPORTED: Readonly<Record<string, string>> = {
  $where: 'code does not run in filters; use $expr',
  $text: 'text search is not a filter here',
  $jsonSchema: 'schemas are checked by schema documents',
};

function refuseOperator(key: string, path: string): never {
  const text = UNSUPPORTED[key] ?? `unknown top-level operator ${key}`;
  throw new JdbxError('INVALID_FILTER', text, { path });
}

/** One field: an operator object such as `{ $gt: 1, $lt: 5 }`, a pattern, or a value to equal. */
function parseField(field: string, value: unknown, path: string, depth: number): FilterNode {
  if (!isOperatorObject(value)) {
    const operator = value instanceof RegExp ? '$regex' : '$eq';
    return parseTest(field, operator, value, {}, context(path, depth));
  }
  return parseOperators(field, value, path, depth);
}

function parseOperators(
  field: string,
  operators: Record<string, unknown>,
  path: string,
  depth: number,
): FilterNode {
  const keys = Object.keys(operators).filter((key) => key !== '$comment');
  return allOf(
    keys.map((key) => {
      const place = joinPath(path, key);
      if (key === '$not') return parseNot(field, operators[key], place, depth);
      return parseTest(field, key, operators[key], operators, context(place, depth));
    }),
  );
}

function parseNot(field: string, value: unknown, path: string, depth: number): FilterNode {
  const empty = isPlainObject(value) && Object.keys(value).length === 0;
  if (!(value instanceof RegExp) && (!isOperatorObject(value) || empty)) {
    refuseFilter(path, 'an operator object or a regular expression', describeType(value));
  }
  return { kind: 'not', node: parseField(field, value, path, depth + 1) };
}

/** What a test needs to parse what is inside it (`$elemMatch`). */
function context(path: string, depth: number) {
  return {
    path,
    filter: (inner: unknown) => parseFilter(inner, path, depth + 1),
    operators: (inner: Record<string, unknown>) => parseOperators('', inner, path, depth + 1),
  };
}

/** An object whose first key is an operator; a later mix is then refused by name. */
function isOperatorObject(value: unknown): value is Record<string, unknown> {
  if (!isPlainObject(value)) return false;
  const first = Object.keys(value)[0];
  return first?.startsWith('$') === true;
}

function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
