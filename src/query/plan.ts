import { JdbxError } from '../base/errors.js';
import { encodeKey } from '../base/key-bytes.js';
import type { KeyRange } from '../indexes/contract.js';
import type { PlannableIndex, Query, QuerySource } from './contract.js';
import { type CompiledFilter, readFilter } from './filter.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { indexCandidates } from './index-candidates.js';
import { startingWith } from './key-ranges.js';
import { type Project, readProjection } from './project.js';
import { readSort, type SortOrder } from './sort.js';
import { expandTypes } from './types.js';
import { unionCandidates } from './union.js';

/** One way to come by the documents of a query; each gives at least all that match. */
export type Access = IdsAccess | ScanAccess | IndexAccess | UnionAccess;

export interface IdsAccess {
  readonly kind: 'ids';
  readonly ids: readonly string[];
  readonly estimate: number;
  readonly ordered: false;
}

/** Reads `typeIndex`: one type, in the order of `_id`, or everything. */
export interface ScanAccess {
  readonly kind: 'type-scan' | 'full-scan';
  readonly ranges: readonly KeyRange[];
  readonly bounds: readonly string[];
  readonly reverse: boolean;
  readonly estimate: number;
  readonly ordered: boolean;
}

export interface IndexAccess {
  readonly kind: 'index';
  readonly index: PlannableIndex;
  /** Disjoint and ascending. */
  readonly ranges: readonly KeyRange[];
  readonly bounds: readonly string[];
  readonly reverse: boolean;
  /** Keys in the ranges, counted; Infinity for a walk through everything. */
  readonly estimate: number;
  /** True when the keys come in the order that the query asks for. */
  readonly ordered: boolean;
}

export interface UnionAccess {
  readonly kind: 'union';
  readonly branches: readonly IndexAccess[];
  readonly estimate: number;
  readonly ordered: false;
}

/** How a query will be answered. Immutable; good for the snapshot it was made from. */
export interface Plan {
  readonly filter: CompiledFilter;
  readonly accesses: readonly Access[];
  readonly order: SortOrder | undefined;
  /** True when each access gives the order by itself, save for ties. */
  readonly ordered: boolean;
  /** True when one document may come more than once. */
  readonly repeats: boolean;
  readonly skip: number;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly project: Project | undefined;
}

/**
 * Chooses how to answer a query: the bounded access with the fewest keys, counted
 * in the indexes themselves, for each type that the filter names; where nothing
 * is bounded, an index that gives the order, or a scan.
 *
 * @throws {JdbxError} INVALID_FILTER for the filter, `sort.…`, `skip`, `limit` or `projection.…`
 */
export function plan(query: Query, source: QuerySource): Plan {
  const typed = expandTypes(query.filter ?? {}, (type) => source.resolveTypes(type));
  const filter = readFilter(typed.filter);
  const order = readSort(query.sort);
  const accesses = chooseAccesses(conjuncts(filter.node), typed.types, order, source);
  return Object.freeze({
    filter,
    accesses,
    order,
    ordered: order !== undefined && accesses.every((access) => access.ordered),
    repeats: mayRepeat(accesses),
    skip: readCount(query.skip, 'skip'),
    limit: readCount(query.limit, 'limit') || Number.POSITIVE_INFINITY,
    project: readProjection(query.projection, query.filter ?? {}),
  });
}

function chooseAccesses(
  nodes: readonly FilterNode[],
  types: readonly string[] | undefined,
  order: SortOrder | undefined,
  source: QuerySource,
): readonly Access[] {
  const ids = namedIds(nodes);
  if (ids) return [{ kind: 'ids', ids, estimate: ids.length, ordered: false }];
  if (!types) return [FULL_SCAN];
  return withoutTwins(types.map((type) => chooseAccess(nodes, type, order, source)));
}

/** `_id` equal to a string, or in a list: the documents can be looked up. */
function namedIds(nodes: readonly FilterNode[]): readonly string[] | undefined {
  for (const node of nodes) {
    if (node.kind !== 'test' || node.path !== '_id') continue;
    if (node.test.op === 'eq') return [node.test.value].filter((id) => typeof id === 'string');
    if (node.test.op === 'in' && node.test.patterns.length === 0) {
      return [...new Set(node.test.values.filter((id) => typeof id === 'string'))];
    }
  }
  return undefined;
}

/** Below this many keys an index is taken without asking what a scan would cost. */
const FEW_KEYS = 1_000;

function chooseAccess(
  nodes: readonly FilterNode[],
  type: string,
  order: SortOrder | undefined,
  source: QuerySource,
): Access {
  const indexes = source.indexesOf(type);
  const found = indexCandidates(nodes, indexes, order, source.seq);
  const bounded = [
    ...found.filter((access) => access.bounds.length > 0),
    ...unionCandidates(nodes, indexes, source.seq),
  ];
  const best = bounded.reduce<Access | undefined>(better, undefined);
  if (best && best.estimate <= FEW_KEYS) return best;
  const walk = found.find((access) => access.bounds.length === 0) ?? typeScan(type, order);
  return best && isCheaper(best, walk, countType(type, source)) ? best : walk;
}

/** Fewer keys, then the order for free; candidates come in order of name. */
function better(best: Access | undefined, next: Access): Access {
  if (!best || next.estimate < best.estimate) return next;
  return next.estimate === best.estimate && next.ordered && !best.ordered ? next : best;
}

/** Reading everything is as good as an index that gives as much, and better if it comes in order. */
function isCheaper(best: Access, walk: Access, count: number): boolean {
  return best.estimate < count || (best.estimate === count && best.ordered >= walk.ordered);
}

function countType(type: string, source: QuerySource): number {
  return source.typeIndex.count(startingWith(encodeKey([type])), source.seq);
}

function typeScan(type: string, order: SortOrder | undefined): ScanAccess {
  const range = startingWith(encodeKey([type]));
  return {
    kind: 'type-scan',
    ranges: [range],
    bounds: [`_type: ${JSON.stringify(type)}`],
    reverse: order?.fields.length === 0 && order.idDirection === -1,
    estimate: Number.POSITIVE_INFINITY,
    ordered: order?.fields.length === 0,
  };
}

const FULL_SCAN: ScanAccess = {
  kind: 'full-scan',
  ranges: [{}],
  bounds: [],
  reverse: false,
  estimate: Number.POSITIVE_INFINITY,
  ordered: false,
};

/** Two types may share an index, which need be read only once. */
function withoutTwins(accesses: readonly Access[]): readonly Access[] {
  const seen = new Set<unknown>();
  return accesses.filter((access) => {
    if (access.kind !== 'index') return true;
    if (seen.has(access.index.index)) return false;
    seen.add(access.index.index);
    return true;
  });
}

function mayRepeat(accesses: readonly Access[]): boolean {
  return accesses.some(
    (access) =>
      access.kind === 'union' ||
      (access.kind === 'index' && (access.index.multikey || accesses.length > 1)),
  );
}

function readCount(count: unknown, path: string): number {
  if (count === undefined) return 0;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 63)
    return count;
  throw new JdbxError('INVALID_FILTER', `expected a whole number from 0, got ${String(count)}`, {
    path,
  });
}
