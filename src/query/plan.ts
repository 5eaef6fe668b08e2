import { JdbxError } from '../base/errors.js';
import { type Access, mayRepeat, type ScanAccess } from './access.js';
import { chooseAccess } from './choose-access.js';
import type { Project, Query, QuerySource } from './contract.js';
import { type Covering, coveringOf } from './covering.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { parseFilter } from './parse-filter.js';
import { readProjection } from './project.js';
import { readSort, type SortOrder } from './sort.js';
import { expandTypes } from './types.js';

/** How a query will be answered. Immutable; good for the snapshot it was made from. */
export interface Plan {
  readonly accesses: readonly Access[];
  /** The bounded accesses that were compared, those chosen among them. */
  readonly considered: readonly Access[];
  readonly order: SortOrder | undefined;
  /** True when each access gives the order by itself, save for ties. */
  readonly ordered: boolean;
  /** True when one document may come more than once. */
  readonly repeats: boolean;
  readonly skip: number;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly project: Project | undefined;
  /** When given, index keys alone answer. */
  readonly covering: Covering | undefined;
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
  const order = readSort(query.sort);
  const considered: Access[] = [];
  const nodes = conjuncts(parseFilter(typed.filter));
  const accesses = chooseAccesses(nodes, typed.types, order, source, considered);
  return {
    accesses,
    considered,
    order,
    ordered: order !== undefined && accesses.every((access) => access.ordered),
    repeats: accesses.some(mayRepeat),
    skip: readCount(query.skip, 'skip'),
    limit: readCount(query.limit, 'limit') || Number.POSITIVE_INFINITY,
    project: readProjection(query.projection, query.filter ?? {}),
    covering: coveringOf(query.projection, accesses, order, source),
  };
}

function chooseAccesses(
  nodes: readonly FilterNode[],
  types: readonly string[] | undefined,
  order: SortOrder | undefined,
  source: QuerySource,
  considered: Access[],
): readonly Access[] {
  const ids = namedIds(nodes);
  if (ids) return [{ kind: 'ids', ids, residue: nodes, ordered: false }];
  if (!types) return [fullScan(nodes)];
  const chosen = types.map((type) => chooseAccess(nodes, type, order, source, considered));
  return chosen.length === 1 ? chosen : withoutTwins(chosen);
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

function fullScan(nodes: readonly FilterNode[]): ScanAccess {
  return { kind: 'full-scan', ranges: [{}], residue: nodes, reverse: false, ordered: false };
}

/** Two types may share an index, which need be read only once; else they share no document. */
function withoutTwins(accesses: readonly Access[]): readonly Access[] {
  const seen = new Set<unknown>();
  return accesses.filter((access) => {
    if (access.kind !== 'index') return true;
    if (seen.has(access.index.index)) return false;
    seen.add(access.index.index);
    return true;
  });
}

function readCount(count: unknown, path: string): number {
  if (count === undefined) return 0;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 63)
    return count;
  throw new JdbxError('INVALID_FILTER', `expected a whole number from 0, got ${String(count)}`, {
    path,
  });
}
