import { compareValues } from '../base/order.js';
import { isPlainObject, type Value } from '../base/values.js';
import { testBits } from './bits.js';
import { evaluate, isTrue } from './expression.js';
import type { FilterNode, PathTest, RangeOperator, Test } from './filter-node.js';
import { fieldReader, type Segments, someAtPath, splitPath } from './paths.js';
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

function compilePathTest({ path, test }: PathTest, compile: Compile): Predicate {
  const accept = compileTest(test, compile);
  if (path === '') return accept;
  const leaves = test.op !== 'exists' && test.op !== 'size' && test.op !== 'element';
  const segments = splitPath(path);
  return segments.length === 1
    ? atField(segments, leaves, accept)
    : atPath(segments, leaves, accept);
}

/** The common case, a path through objects alone, without the walk. */
function atPath(segments: Segments, leaves: boolean, accept: Predicate): Predicate {
  const readers = segments.map(fieldReader);
  return (document) => {
    let value = document;
    for (let at = 0; at < readers.length; at++) {
      if (Array.isArray(value)) return someAtPath(document, segments, leaves, accept);
      value = (readers[at] as (node: unknown) => unknown)(value);
    }
    return Array.isArray(value) && leaves
      ? someAtPath(document, segments, true, accept)
      : accept(value);
  };
}

/** The common case, a top-level field that holds no array, without the walk. */
function atField(segments: Segments, leaves: boolean, accept: Predicate): Predicate {
  const read = fieldReader(segments[0] as string);
  return (document) => {
    const value = Array.isArray(document) ? undefined : read(document);
    return Array.isArray(value) && leaves
      ? someAtPath(document, segments, true, accept)
      : accept(value);
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
