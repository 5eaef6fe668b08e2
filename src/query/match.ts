import { compareValues } from '../base/order.js';
import { isPlainObject, type Value } from '../base/values.js';
import { testBits } from './bits.js';
import { evaluate, isTrue } from './expression.js';
import {
  allOf,
  type FilterNode,
  type PathTest,
  type RangeOperator,
  type Test,
} from './filter-node.js';
import { type PathReader, pathReader, THROUGH_ARRAY } from './path-reader.js';
import { someAtPath, splitPath } from './paths.js';
import type { TextPattern } from './pattern.js';
import { isOfType } from './type-names.js';

export type Predicate = (value: unknown) => boolean;
type Compile = (node: FilterNode) => Predicate;

/** How `$expr` is evaluated for a document. */
export type Evaluator = (expression: unknown, document: unknown) => unknown;

/** Turns a parsed filter into one closure. Nothing is looked up again while it runs. */
export function compileNode(node: FilterNode, evaluator: Evaluator = evaluate): Predicate {
  const compile = (child: FilterNode) => compileNode(child, evaluator);
  switch (node.kind) {
    case 'constant':
      return () => node.value;
    case 'not':
      return negate(compile(node.node));
    case 'and':
      return every(node.nodes.map(compile));
    case 'or':
      return some(node.nodes.map(compile));
    case 'nor':
      return negate(some(node.nodes.map(compile)));
    case 'expression':
      return (value) => isTrue(evaluator(node.expression, value));
    case 'test':
      return compilePathTest(node, compile);
  }
}

function compilePathTest(node: PathTest, compile: Compile): Predicate {
  const accept = compileTest(node.test, compile);
  return node.path === '' ? accept : atPath(node, accept).one;
}

/** Whether what a path reaches in a document is accepted. */
interface PathMatcher {
  readonly one: Predicate;
  /** Whether a document is, whose value at the path was read. */
  readonly told: (document: unknown, value: unknown) => boolean;
  readonly read: PathReader;
}

/** The common case, a path through objects alone, goes without the walk. */
function atPath({ path, test }: PathTest, accept: Predicate): PathMatcher {
  const leaves = test.op !== 'exists' && test.op !== 'size' && test.op !== 'element';
  const segments = splitPath(path);
  const read = pathReader(path, segments);
  const isName = segments.length === 1;
  const told = (document: unknown, value: unknown) => {
    if (isName && value === THROUGH_ARRAY) return accept(undefined);
    return value === THROUGH_ARRAY || (leaves && Array.isArray(value))
      ? someAtPath(document, segments, leaves, accept)
      : accept(value);
  };
  const { one } = read;
  return { one: (document) => told(document, one(document)), told, read };
}

/** Adds those of many documents that match to others. */
export type Sieve = <T>(documents: readonly T[], into: T[]) => void;

/** As `compileNode` of conditions that must all hold, for many documents at a stroke. */
export function compileMany(nodes: readonly FilterNode[]): Sieve {
  const first = nodes.find((node) => node.kind === 'test' && node.path !== '') as PathTest;
  const others = nodes.filter((node) => node !== first);
  const rest = others.length === 0 ? undefined : compileNode(allOf(others));
  if (!first) return sieveBy(rest);
  const { told, read } = atPath(first, compileTest(first.test, compileNode));
  const values: unknown[] = [];
  return (documents, into) => {
    read.many(documents, values);
    for (let at = 0; at < documents.length; at++) {
      const document = documents[at] as (typeof documents)[number];
      if (told(document, values[at]) && (!rest || rest(document))) into.push(document);
    }
  };
}

function sieveBy(test: Predicate | undefined): Sieve {
  return (documents, into) => {
    for (const document of documents) if (!test || test(document)) into.push(document);
  };
}

function compileTest(test: Test, compile: Compile): Predicate {
  switch (test.op) {
    case 'eq':
      return equals(test.value);
    case 'in':
      return isOneOf(test.values, test.patterns);
    case 'exists':
      return (value) => value !== undefined;
    case 'regex':
      return matches(test.pattern);
    case 'size':
      return (value) => Array.isArray(value) && value.length === test.size;
    case 'mod':
      return (value) => hasRemainder(value, test.divisor, test.remainder);
    case 'type':
      return (value) => isOfType(value, test.types);
    case 'bits':
      return (value) => testBits(value, test.want, test.positions);
    case 'element':
      return hasElement(compile(test.node), test.objects);
    default:
      return isWithin(test.op, test.value);
  }
}

/** Null equals a missing field too. */
function equals(wanted: Value): Predicate {
  if (wanted === null) return (value) => value === null || value === undefined;
  if (typeof wanted !== 'object') return (value) => value === wanted;
  const sameKind = kindTest(wanted);
  return (value) => sameKind(value) && compareValues(value as Value, wanted) === 0;
}

function isOneOf(values: readonly Value[], patterns: readonly TextPattern[]): Predicate {
  const scalars = new Set<unknown>(values.filter((value) => typeof value !== 'object'));
  const tests = values.filter((value) => typeof value === 'object').map(equals);
  tests.push(...patterns.map(matches));
  return (value) => scalars.has(value) || tests.some((test) => test(value));
}

function matches(pattern: TextPattern): Predicate {
  return (value) => typeof value === 'string' && pattern.test(value);
}

const ORDERED: Readonly<Record<RangeOperator, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
};

/** Values of another kind are neither above nor below: MongoDB's type bracketing. */
function isWithin(op: RangeOperator, bound: Value): Predicate {
  const holds = ORDERED[op];
  if (typeof bound === 'number') return isNumberWithin(op, bound);
  if (bound === null) return holds(0) ? equals(null) : () => false;
  const sameKind = kindTest(bound);
  return (value) => sameKind(value) && holds(compareValues(value as Value, bound));
}

function isNumberWithin(op: RangeOperator, bound: number): Predicate {
  switch (op) {
    case 'gt':
      return (value) => typeof value === 'number' && value > bound;
    case 'gte':
      return (value) => typeof value === 'number' && value >= bound;
    case 'lt':
      return (value) => typeof value === 'number' && value < bound;
    case 'lte':
      return (value) => typeof value === 'number' && value <= bound;
  }
}

function kindTest(sample: Value): Predicate {
  if (sample instanceof Date) return (value) => value instanceof Date;
  if (sample instanceof Uint8Array) return (value) => value instanceof Uint8Array;
  if (Array.isArray(sample)) return Array.isArray;
  if (typeof sample === 'object') return isPlainObject;
  return (value) => typeof value === typeof sample;
}

function hasRemainder(value: unknown, divisor: number, remainder: number): boolean {
  return typeof value === 'number' && Math.trunc(value) % divisor === remainder;
}

/** `$elemMatch`: one element satisfies everything. An array inside counts as an object of its positions. */
function hasElement(test: Predicate, objects: boolean): Predicate {
  const accept: Predicate = !objects
    ? test
    : (item) => (Array.isArray(item) ? test({ ...item }) : isPlainObject(item) && test(item));
  return (value) => Array.isArray(value) && value.some(accept);
}

function negate(test: Predicate): Predicate {
  return (value) => !test(value);
}

function every(tests: readonly Predicate[]): Predicate {
  const [first, second] = tests;
  if (!first) return () => true;
  if (!second) return first;
  if (tests.length === 2) return (value) => first(value) && second(value);
  return (value) => tests.every((test) => test(value));
}

function some(tests: readonly Predicate[]): Predicate {
  return (value) => tests.some((test) => test(value));
}
