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
  /** Keys in the ranges, counted. */
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
 * Chooses how to answer a query: the access with the fewest keys, counted in
 * the indexes themselves, for each type that the filter names.
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
  if (!types) return [fullScan(source)];
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

function chooseAccess(
  nodes: readonly FilterNode[],
  type: string,
  order: SortOrder | undefined,
  source: QuerySource,
): Access {
  const indexes = source.indexesOf(type);
  const candidates: Access[] = [
    ...indexCandidates(nodes, indexes, order, source.seq),
    ...unionCandidates(nodes, indexes, source.seq),
    typeScan(type, order, source),
  ];
  return candidates.reduce((best, next) => (isBetter(next, best) ? next : best));
}

/** Fewer keys, then the order for free, then an index before a scan; candidates come in order of name. */
function isBetter(next: Access, best: Access): boolean {
  if (next.estimate !== best.estimate) return next.estimate < best.estimate;
  return next.ordered && !best.ordered;
}

function typeScan(type: string, order: SortOrder | undefined, source: QuerySource): ScanAccess {
  const range = startingWith(encodeKey([type]));
  return {
    kind: 'type-scan',
    ranges: [range],
    bounds: [`_type: ${JSON.stringify(type)}`],
    reverse: order?.fields.length === 0 && order.idDirection === -1,
    estimate: source.typeIndex.count(range, source.seq),
    ordered: order?.fields.length === 0,
  };
}

function fullScan(source: QuerySource): ScanAccess {
  const estimate = source.typeIndex.count({}, source.seq);
  return { kind: 'full-scan', ranges: [{}], bounds: [], reverse: false, estimate, ordered: false };
}

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
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw new JdbxError('INVALID_FILTER', `expected a whole number from 0, got ${String(count)}`, {
    path,
  });
}
