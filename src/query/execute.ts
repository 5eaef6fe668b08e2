import type { ValueObject } from '../base/values.js';
import type { DocumentRef } from '../indexes/contract.js';
import type { Access, IndexAccess } from './access.js';
import type { QuerySource } from './contract.js';
import { countByKeys } from './count-by-keys.js';
import { type Chunk, matching } from './matching.js';
import { inFieldOrder, sortInMemory } from './ordered.js';
import type { Plan } from './plan.js';
import { newStats, type RunStats } from './stats.js';

/** Documents in the first chunk of a query that may want them all. */
const CHUNK_FIRST = 32;

/**
 * Runs a plan lazily against the snapshot it was made from. What it yields is
 * the stored, frozen document, or a projection of it.
 */
export function* run(
  plan: Plan,
  source: QuerySource,
  stats: RunStats = newStats(),
): Generator<ValueObject, void> {
  for (const chunk of runChunks(plan, source, stats)) yield* chunk;
}

/** Runs a plan to its end. */
export function find(plan: Plan, source: QuerySource, stats: RunStats = newStats()): ValueObject[] {
  const all: ValueObject[] = [];
  for (const chunk of runChunks(plan, source, stats)) {
    for (let at = 0; at < chunk.length; at++) all.push(chunk[at] as ValueObject);
  }
  return all;
}

/** How many documents a plan finds, after `skip` and `limit`. */
export function count(plan: Plan, source: QuerySource): number {
  const found = countByKeys(plan, source);
  if (found !== undefined) return Math.min(Math.max(found - plan.skip, 0), plan.limit);
  const stats = newStats();
  const unsorted = { ...plan, order: undefined, project: undefined, covering: undefined };
  for (const _chunk of runChunks(unsorted, source, stats));
  return stats.returned;
}

function* runChunks(
  plan: Plan,
  source: QuerySource,
  stats: RunStats,
): Generator<readonly ValueObject[], void> {
  let skip = plan.skip;
  let left = plan.limit;
  for (const chunk of inOrder(plan, source, stats)) {
    const isWhole = skip === 0 && chunk.length <= left;
    const part = isWhole ? chunk : chunk.slice(skip, skip + left);
    skip = Math.max(0, skip - chunk.length);
    left -= part.length;
    stats.returned += part.length;
    if (part.length > 0) yield plan.project ? part.map(plan.project) : part;
    if (left <= 0) return;
  }
}

function inOrder(plan: Plan, source: QuerySource, stats: RunStats): Iterable<Chunk> {
  const wanted = plan.skip + plan.limit;
  const parts = plan.ordered ? plan.accesses.flatMap(rangesApart) : plan.accesses;
  const { covering } = plan;
  const setting = {
    source,
    stats,
    covering,
    wantsKeys: covering !== undefined,
    seen: plan.repeats ? new Set<DocumentRef>() : undefined,
    ...chunkSizes(plan, parts.length),
  };
  const streams = parts.map((access) => matching(access, setting));
  if (!plan.order) return streams.length === 1 ? (streams[0] as Iterable<Chunk>) : concat(streams);
  if (plan.ordered) return inFieldOrder(streams, plan.order, wanted);
  stats.sortedInMemory = true;
  return [sortInMemory(streams, plan.order, wanted)];
}

/**
 * No more is read than is wanted. One more tells in an ordered read whether the last one ties;
 * merged reads go step by step.
 */
function chunkSizes({ skip, limit, order, ordered }: Plan, streams: number) {
  const wanted = skip + limit;
  if (order && !ordered) return { chunkFirst: CHUNK_FIRST, chunkNext: CHUNK_FIRST * 2 };
  if (order && streams > 1) return { chunkFirst: 1, chunkNext: 2 };
  if (!order) return { chunkFirst: Math.min(wanted, CHUNK_FIRST), chunkNext: CHUNK_FIRST };
  const ties = order.fields.length > 0 ? 1 : 0;
  return { chunkFirst: Math.min(wanted + ties, CHUNK_FIRST), chunkNext: 2 };
}

/** An access whose every range is in order becomes one for each range. */
function rangesApart(access: Access): readonly Access[] {
  if (access.kind !== 'index' || !access.merged) return [access];
  return access.ranges.map((range): IndexAccess => ({ ...access, ranges: [range], merged: false }));
}

function* concat<T>(streams: readonly Iterable<T>[]): Generator<T, void> {
  for (const stream of streams) yield* stream;
}
