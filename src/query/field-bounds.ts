import { compareValues } from '../base/order.js';
import type { Value } from '../base/values.js';
import { conjuncts, type FilterNode, type PathTest, type Test } from './filter-node.js';
import type { TextPattern } from './pattern.js';
import { patternPrefix, textAfter } from './pattern-prefix.js';

/** What a filter lets a field of an index be: some points, or one range within a type class. */
export type FieldBound = PointsBound | RangeBound;

interface Bound {
  /** The conditions of the filter that every document within the bound meets. */
  readonly proves: readonly FilterNode[];
}

export interface PointsBound extends Bound {
  readonly kind: 'points';
  readonly values: readonly (Value | undefined)[];
}

export interface RangeBound extends Bound {
  readonly kind: 'range';
  readonly lower?: BoundEnd;
  readonly upper?: BoundEnd;
}

export interface BoundEnd {
  readonly value: Value;
  readonly inclusive: boolean;
}

const POINTS_MAX = 1_000;

/**
 * The ways to bound `path`, best guess first; none when the filter says nothing
 * that an index could use. Each bound covers every document that matches.
 *
 * On a multikey field two conditions may be met by different elements, so one
 * bound never combines two conditions there, unless one `$elemMatch` holds both.
 */
export function fieldBounds(
  nodes: readonly FilterNode[],
  path: string,
  multikey: boolean,
): readonly FieldBound[] {
  const single: FieldBound[] = [];
  const groups: FieldBound[][] = [[]];
  for (const node of nodes) collect(node, path, groups);
  for (const [index, group] of groups.entries()) {
    const joined = group.length < 2 || (index === 0 && multikey) ? group : combine(group);
    single.push(...joined);
  }
  return single.length < 2 ? single : single.sort((left, right) => rank(left) - rank(right));
}

/** Whether a condition may bound `path`. */
export function boundsPath(node: FilterNode, path: string): boolean {
  if (node.kind !== 'test') return false;
  return node.path === path || (node.test.op === 'element' && path.startsWith(`${node.path}.`));
}

/** Group 0 holds the conditions on the field; each further group those of one `$elemMatch` element. */
function collect(node: FilterNode, path: string, groups: FieldBound[][]): void {
  if (node.kind !== 'test') return;
  if (node.test.op === 'element') {
    collectElement(node, node.test, path, groups);
  } else if (node.path === path) {
    const bound = testBound(node);
    if (bound) (groups[0] as FieldBound[]).push(bound);
  }
}

function collectElement(
  node: PathTest,
  test: Extract<Test, { op: 'element' }>,
  path: string,
  groups: FieldBound[][],
): void {
  if (test.objects && path.startsWith(`${node.path}.`)) {
    // Inside the element its field may hold an array again: each condition stands alone.
    const inner: FieldBound[][] = [[]];
    const rest = path.slice(node.path.length + 1);
    for (const child of conjuncts(test.node)) collect(child, rest, inner);
    groups.push(...(inner[0] as FieldBound[]).map((bound) => [bound]), ...inner.slice(1));
  } else if (!test.objects && node.path === path) {
    const inner: FieldBound[][] = [[]];
    for (const child of conjuncts(test.node)) if (child.kind === 'test') collect(child, '', inner);
    groups.push(inner[0] as FieldBound[]);
  }
}

function testBound(node: PathTest): FieldBound | undefined {
  const { test } = node;
  switch (test.op) {
    case 'eq':
      return pointsBound([test.value], node);
    case 'in':
      return test.patterns.length === 0 ? pointsBound(test.values, node) : undefined;
    case 'gt':
    case 'gte':
      return rangeBound(test.value, node, {
        lower: { value: test.value, inclusive: test.op === 'gte' },
      });
    case 'lt':
    case 'lte':
      return rangeBound(test.value, node, {
        upper: { value: test.value, inclusive: test.op === 'lte' },
      });
    case 'regex':
      return prefixBound(test.pattern);
    default:
      return undefined;
  }
}

/** Arrays are indexed by their elements, so an array to equal names no point. */
function pointsBound(values: readonly Value[], node: FilterNode): FieldBound | undefined {
  if (values.length > POINTS_MAX || values.some(Array.isArray)) return undefined;
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value)))
    return undefined;
  return { kind: 'points', values: distinct(values), proves: values.every(isExact) ? [node] : [] };
}

function distinct(values: readonly Value[]): readonly Value[] {
  if (values.length < 2) return values;
  const sorted = [...values].sort(compareValues);
  return sorted.filter((value, at) => at === 0 || compareValues(value, sorted[at - 1]) !== 0);
}

/**
 * Whether a key of this value stands for this value alone. Null stands for what is missing too,
 * and the fields of an object for any order of them.
 */
export function isExact(value: Value): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function rangeBound(
  value: Value,
  node: FilterNode,
  ends: { lower?: BoundEnd; upper?: BoundEnd },
): FieldBound | undefined {
  const end = ends.lower ?? ends.upper;
  if (value === null) return end?.inclusive ? pointsBound([null], node) : undefined;
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  if (typeof value === 'object' && !(value instanceof Date)) return undefined;
  return { kind: 'range', ...ends, proves: isExact(value) ? [node] : [] };
}

function prefixBound(pattern: TextPattern): FieldBound | undefined {
  const prefix = patternPrefix(pattern);
  if (!prefix) return undefined;
  const after = textAfter(prefix);
  const lower = { value: prefix, inclusive: true };
  const upper = after ? { upper: { value: after, inclusive: false } } : {};
  return { kind: 'range', lower, ...upper, proves: [] };
}

/** Conditions that one value must all meet: the fewest points, else the ranges of one type joined. */
function combine(bounds: readonly FieldBound[]): FieldBound[] {
  const points = bounds.filter((bound) => bound.kind === 'points');
  if (points.length > 0) return [points.reduce((a, b) => (rank(b) < rank(a) ? b : a))];
  const ranges = bounds.filter((bound) => bound.kind === 'range');
  const first = ranges[0];
  if (!first) return [];
  const type = typeof rangeSample(first);
  const same = ranges.filter((range) => typeof rangeSample(range) === type);
  return [same.reduce(intersect)];
}

function intersect(left: RangeBound, right: RangeBound): RangeBound {
  const lower = tighter(left.lower, right.lower, 1);
  const upper = tighter(left.upper, right.upper, -1);
  const proves = [...left.proves, ...right.proves];
  return { kind: 'range', ...(lower && { lower }), ...(upper && { upper }), proves };
}

function tighter(left: BoundEnd | undefined, right: BoundEnd | undefined, side: 1 | -1) {
  if (!left || !right) return left ?? right;
  const order = compareValues(left.value, right.value) * side;
  if (order === 0) return left.inclusive ? right : left;
  return order > 0 ? left : right;
}

/** A value of the range's type class. */
export function rangeSample(range: RangeBound): Value {
  return (range.lower ?? range.upper)?.value ?? null;
}

function rank(bound: FieldBound): number {
  return bound.kind === 'points' ? bound.values.length : POINTS_MAX + 1;
}

/** True when no document without the field can match: what a sparse index needs. */
export function excludesMissing(bound: FieldBound): boolean {
  return (
    bound.kind === 'range' || !bound.values.some((value) => value === null || value === undefined)
  );
}
