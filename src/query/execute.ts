import type { ValueObject } from '../base/values.js';
import type { DocumentRef } from '../indexes/contract.js';
import type { Access, IndexAccess } from './access.js';
import type { QuerySource } from './contract.js';
import { countByKeys } from './count-by-keys.js';
import { KeyTies, keysTellTies } from './key-ties.js';
import { CHUNK_MAX, type Chunk, firstMatching, type MatchSetting, matching } from './matching.js';
import { inFieldOrder, sortInMemory } from './ordered.js';
import type { Plan } from './plan.js';
import type { RunStats } from './stats.js';

/** Documents in the first chunk of a query that may want them all. */
const CHUNK_FIRST = 32;

/**
 * Runs a plan lazily against the snapshot it was made from. What it yields is
 * the stored, frozen document, or a projection of it.
 */
export function* run(
  plan: Plan,
  source: QuerySource,
  stats?: RunStats,
): Generator<ValueObject, void> {
  for (const chunk of runChunks(plan, source, { stats })) yield* chunk;
}

/** Runs a plan to its end. The array is the caller's. */
export function find(plan: Plan, source: QuerySource): ValueObject[] {
  const [only] = plan.accesses;
  if (only && !plan.order && plan.accesses.length === 1) return findIn(only, plan, source);
  let all: ValueObject[] | undefined;
  for (const chunk of runChunks(plan, source, { toEnd: true })) {
    if (!all) all = chunk;
    else for (let at = 0; at < chunk.length; at++) all.push(chunk[at] as ValueObject);
  }
  return all ?? [];
}

/** The common case, one access in whatever order, without the steps of a lazy read. */
function findIn(access: Access, plan: Plan, source: QuerySource): ValueObject[] {
  const { skip, limit, project } = plan;
  const found = firstMatching(access, settingOf(plan, source, 1, { toEnd: true }), skip + limit);
  const part = skip === 0 ? found : found.slice(skip);
  return project ? part.map(project) : part;
}

/** How many documents a plan finds, after `skip` and `limit`. */
export function count(plan: Plan, source: QuerySource): number {
  const found = countByKeys(plan, source);
  if (found !== undefined) return Math.min(Math.max(found - plan.skip, 0), plan.limit);
  const unsorted = { ...plan, order: undefined, project: undefined, covering: undefined };
  let counted = 0;
  for (const chunk of runChunks(unsorted, source, { toEnd: true })) counted += chunk.length;
  return counted;
}

interface RunOptions {
  readonly stats?: RunStats | undefined;
  /** True when all that is wanted will be taken. */
  readonly toEnd?: boolean;
}

function* runChunks(
  plan: Plan,
  source: QuerySource,
  options: RunOptions,
): Generator<ValueObject[], void> {
  let skip = plan.skip;
  let left = plan.limit;
  for (const chunk of inOrder(plan, source, options)) {
    const isWhole = skip === 0 && chunk.length <= left;
    const part = isWhole ? chunk : chunk.slice(skip, skip + left);
    skip = Math.max(0, skip - chunk.length);
    left -= part.length;
    if (options.stats) options.stats.returned += part.length;
    if (part.length > 0) yield plan.project ? part.map(plan.project) : part;
    if (left <= 0) return;
  }
}

function inOrder(plan: Plan, source: QuerySource, options: RunOptions): Iterable<Chunk> {
  const wanted = plan.skip + plan.limit;
  const parts = plan.ordered ? plan.accesses.flatMap(rangesApart) : plan.accesses;
  const ties = tiesOf(plan, parts);
  const setting = settingOf(plan, source, parts.length, options, ties);
  const streams = parts.map((access) => matching(access, setting));
  if (!plan.order) return streams.length === 1 ? (streams[0] as Iterable<Chunk>) : concat(streams);
  if (plan.ordered) return inFieldOrder(streams, plan.order, wanted, ties);
  if (options.stats) options.stats.sortedInMemory = true;
  return [sortInMemory(streams, plan.order, wanted)];
}

/** Keys are copied out one by one, so they are asked for only where few are read. */
function tiesOf(
  { order, ordered, skip, limit }: Plan,
  parts: readonly Access[],
): KeyTies | undefined {
  const [only] = parts;
  if (!order || !ordered || !only || parts.length !== 1) return undefined;
  if (skip + limit > CHUNK_MAX) return undefined;
  return keysTellTies(only, order) ? new KeyTies() : undefined;
}

function settingOf(
  plan: Plan,
  source: QuerySource,
  streams: number,
  { stats, toEnd }: RunOptions,
  ties?: KeyTies,
): MatchSetting {
  const { chunkFirst, chunkNext } = chunkSizes(plan, streams, toEnd ? CHUNK_MAX : CHUNK_FIRST);
  const { covering } = plan;
  const seen = plan.repeats ? new Set<DocumentRef>() : undefined;
  const wantsKeys = covering !== undefined || ties !== undefined;
  return { source, stats, covering, ties, wantsKeys, seen, chunkFirst, chunkNext };
}

/**
 * No more is read than is wanted. One more tells in an ordered read whether the last one ties;
 * merged reads go step by step.
 */
function chunkSizes({ skip, limit, order, ordered }: Plan, streams: number, most: number) {
  const wanted = skip + limit;
  if (order && !ordered) return { chunkFirst: CHUNK_MAX, chunkNext: CHUNK_MAX };
  if (order && streams > 1) return { chunkFirst: 1, chunkNext: 2 };
  if (!order) return { chunkFirst: Math.min(wanted, most), chunkNext: most };
  const ties = order.fields.length > 0 ? 1 : 0;
  return { chunkFirst: Math.min(wanted + ties, most), chunkNext: 2 };
}

/** An access whose every range is in order becomes one for each range. */
function rangesApart(access: Access): readonly Access[] {
  if (access.kind !== 'index' || !access.merged) return [access];
  return access.ranges.map((range): IndexAccess => ({ ...access, ranges: [range], merged: false }));
}

function* concat<T>(streams: readonly Iterable<T>[]): Generator<T, void> {
  for (const stream of streams) yield* stream;
}
