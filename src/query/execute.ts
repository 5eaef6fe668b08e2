import type { ValueObject } from '../base/values.js';
import type { DocumentRef } from '../indexes/contract.js';
import type { DocumentBody, QuerySource } from './contract.js';
import { mergeOrdered } from './merge.js';
import type { Access, Plan } from './plan.js';
import { readRefs } from './read-refs.js';
import {
  compareFields,
  compareSortables,
  type Sortable,
  type SortOrder,
  sortableMaker,
} from './sort.js';
import { newStats, type RunStats } from './stats.js';
import { takeLeast } from './top.js';

/**
 * Runs a plan lazily against the snapshot it was made from. What it yields is
 * the stored, frozen document, or a projection of it.
 *
 * Whatever the plan, the whole filter is applied to every document.
 */
export function* run(
  plan: Plan,
  source: QuerySource,
  stats: RunStats = newStats(),
): Generator<ValueObject, void> {
  let left = plan.limit;
  let skip = plan.skip;
  for (const document of inOrder(plan, source, stats)) {
    if (skip-- > 0) continue;
    stats.returned++;
    yield plan.project ? plan.project(document) : document;
    if (--left <= 0) return;
  }
}

/** How many documents a plan finds, after `skip` and `limit`. */
export function count(plan: Plan, source: QuerySource): number {
  const stats = newStats();
  const { order: _, project: __, ...rest } = plan;
  for (const _document of run({ ...rest, order: undefined, project: undefined }, source, stats));
  return stats.returned;
}

function inOrder(plan: Plan, source: QuerySource, stats: RunStats): Iterable<DocumentBody> {
  const seen = plan.repeats ? new Set<DocumentRef>() : undefined;
  const streams = plan.accesses.map((access) => matching(plan, access, source, stats, seen));
  if (!plan.order) return concat(streams);
  const wanted = plan.skip + plan.limit;
  return plan.ordered
    ? orderedStreams(streams, plan.order, wanted)
    : sortInMemory(streams, plan.order, wanted, stats);
}

function* matching(
  plan: Plan,
  access: Access,
  source: QuerySource,
  stats: RunStats,
  seen: Set<DocumentRef> | undefined,
): Generator<DocumentBody, void> {
  const test = plan.filter.test;
  for (const ref of readRefs(access, source, stats)) {
    if (seen?.has(ref)) continue;
    seen?.add(ref);
    const document = source.load(ref);
    if (!document) continue;
    stats.documentsExamined++;
    if (test(document)) yield document;
  }
}

function* concat<T>(streams: readonly Iterable<T>[]): Generator<T, void> {
  for (const stream of streams) yield* stream;
}

function* sortInMemory(
  streams: readonly Iterable<DocumentBody>[],
  order: SortOrder,
  wanted: number,
  stats: RunStats,
): Generator<DocumentBody, void> {
  stats.sortedInMemory = true;
  const sortables = sortable(concat(streams), order);
  for (const item of takeLeast(sortables, wanted, compareSortables(order))) yield item.document;
}

/** The streams come in the order of the fields already; only documents that tie there are sorted, by `_id`. */
function* orderedStreams(
  streams: readonly Iterable<DocumentBody>[],
  order: SortOrder,
  wanted: number,
): Generator<DocumentBody, void> {
  const total = compareSortables(order);
  const sorted = streams.map((stream) => {
    const items = sortable(stream, order);
    return order.fields.length === 0 ? items : sortTies(items, order, wanted);
  });
  for (const item of mergeOrdered(sorted, total)) yield item.document;
}

type Item = Sortable<DocumentBody>;

function* sortable(documents: Iterable<DocumentBody>, order: SortOrder): Generator<Item, void> {
  const make = sortableMaker(order);
  for (const document of documents) yield make(document);
}

function* sortTies(items: Iterable<Item>, order: SortOrder, wanted: number): Generator<Item, void> {
  const compare = compareFields(order);
  const total = compareSortables(order);
  let ties: Item[] = [];
  for (const item of items) {
    if (ties.length > 0 && compare(ties[0] as Item, item) !== 0) {
      yield* ties.sort(total);
      ties = [];
    }
    ties.push(item);
    // A long tie is cut back now and then to what can still be asked for.
    if (ties.length > 1_000 && ties.length > wanted * 2) ties = takeLeast(ties, wanted, total);
  }
  yield* ties.sort(total);
}
