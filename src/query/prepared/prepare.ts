import { type IndexAccess, mayRepeat } from '../access.js';
import type { PlannableIndex, Query, QuerySource } from '../contract.js';
import type { FieldBound } from '../field-bounds.js';
import { conjuncts, type FilterNode, type PathTest } from '../filter-node.js';
import { indexCandidates } from '../index-candidates.js';
import { indexFacts } from '../index-facts.js';
import { keysTellTies } from '../key-ties.js';
import { parseFilter } from '../parse-filter.js';
import { readSort, type SortOrder } from '../sort.js';
import { expandTypes } from '../types.js';
import type {
  Prepared,
  PreparedAccess,
  PreparedBound,
  PreparedCondition,
  PreparedEnd,
  Slot,
} from './prepared.js';

const COMPARISONS = new Set(['eq', 'gt', 'gte', 'lt', 'lte', 'in']);

/**
 * Plans a query whose conditions all compare a field with scalars, so that others of its shape need not
 * be. Undefined where the choice depends on the operands: several indexes whose keys must be counted, no
 * index, partial indexes, an order that comes of itself but not by keys alone.
 *
 * @throws {JdbxError} INVALID_FILTER
 */
export function prepare(query: Query, source: QuerySource, operands: number): Prepared | undefined {
  const { types, filter } = expandTypes(query.filter, (type) => source.resolveTypes(type));
  const [type] = types ?? [];
  if (type === undefined || types?.length !== 1) return undefined;
  const nodes = conjuncts(parseFilter(filter));
  const tests = nodes.filter((node) => node.kind === 'test').filter(({ path }) => path !== '_type');
  if (tests.length !== operands || nodes.length !== operands + 1) return undefined;
  const indexes = source.indexesOf(type);
  const order = readSort(query.sort);
  if (!tests.every(isComparison) || !eachEndOnce(tests)) return undefined;
  const access = onlyAccess(nodes, indexes, order);
  if (!access) return undefined;
  const prepared = prepareAccess(access, tests);
  const lists = prepared?.bounds
    .filter(({ kind }) => kind === 'points')
    .map((bound) => listIn(bound, tests));
  const listed = lists?.filter((slot) => slot !== undefined) ?? [];
  if (!prepared || listed.length > 1) return undefined;
  return {
    access: prepared,
    listed: listed[0],
    reverse: access.reverse,
    ordered: order !== undefined && access.ordered,
    sorts: access.ordered ? undefined : order,
    repeats: mayRepeat(access),
    conditions: tests.map(({ path, test }) => ({ path, op: test.op }) as PreparedCondition),
  };
}

function isComparison({ path, test }: PathTest): boolean {
  return path !== '_id' && COMPARISONS.has(test.op);
}

/** Of two ends on one side of a field, the values tell which one binds. */
function eachEndOnce(tests: readonly PathTest[]): boolean {
  const ends = tests.filter(({ test }) => test.op !== 'eq' && test.op !== 'in');
  return new Set(ends.map(({ path, test }) => test.op[0] + path)).size === ends.length;
}

/** The access that is taken without counting keys. */
function onlyAccess(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  order: SortOrder | undefined,
): IndexAccess | undefined {
  // Whether a partial index serves depends on the operands; a wildcard one is several.
  if (indexes.some(({ definition }) => definition.partial || definition.wildcard)) return undefined;
  const bounded = indexCandidates(nodes, indexes, order).filter(({ bounds }) => bounds.length > 0);
  const [only] = bounded;
  if (!only || bounded.length > 1 || only.merged || !only.index.index.first) return undefined;
  // Where few are found they are put in order, as a plan in full would have it too.
  return !order || !only.ordered || keysTellTies(only, order) ? only : undefined;
}

function prepareAccess(
  access: IndexAccess,
  tests: readonly FilterNode[],
): PreparedAccess | undefined {
  const { bounds, index, residue } = access;
  const { directions } = indexFacts(index.definition);
  const made = bounds.map((bound, at) => prepareBound(bound, tests, directions[at] ?? 1));
  if (!made.every((bound) => bound !== undefined)) return undefined;
  return {
    sample: access,
    bounds: made,
    whole: made.length === index.definition.fields.length,
    residue: residue.map((node) => tests.indexOf(node)),
  };
}

/** By the conditions that a bound proves, which are those that it was made of. */
function prepareBound(
  bound: FieldBound,
  tests: readonly FilterNode[],
  direction: 1 | -1,
): PreparedBound | undefined {
  const slots = bound.proves.map((node) => tests.indexOf(node));
  if (slots.length === 0 || slots.includes(-1)) return undefined;
  if (bound.kind === 'points') return { kind: 'points', slot: slots[0] as Slot, direction };
  const lower = endAmong(slots, tests, 'g');
  const upper = endAmong(slots, tests, 'l');
  return { kind: 'range', lower, upper, direction };
}

function endAmong(
  slots: readonly Slot[],
  tests: readonly FilterNode[],
  side: 'g' | 'l',
): PreparedEnd | undefined {
  const slot = slots.find((at) => (tests[at] as PathTest).test.op.startsWith(side));
  if (slot === undefined) return undefined;
  return { slot, inclusive: (tests[slot] as PathTest).test.op.endsWith('e') };
}

function listIn(bound: PreparedBound, tests: readonly PathTest[]): Slot | undefined {
  if (bound.kind !== 'points') return undefined;
  return tests[bound.slot]?.test.op === 'in' ? bound.slot : undefined;
}
