import type { DocumentRef, KeyRange, OrderedIndex } from '../indexes/contract.js';
import type { QuerySource } from './contract.js';
import type { Access, IndexAccess, ScanAccess } from './plan.js';
import type { RunStats } from './stats.js';

const BATCH_FIRST = 32;
const BATCH_MAX = 2_048;

/** The refs that an access gives, lazily; index accesses may repeat one. */
export function* readRefs(
  access: Access,
  source: QuerySource,
  stats: RunStats,
): Generator<DocumentRef, void> {
  switch (access.kind) {
    case 'ids':
      yield* readIds(access.ids, source);
      return;
    case 'union':
      for (const branch of access.branches) yield* readRefs(branch, source, stats);
      return;
    case 'index':
      yield* readRanges(access, access.index.index, source.seq, stats);
      return;
    default:
      yield* readRanges(access, source.typeIndex, source.seq, stats);
  }
}

function* readIds(ids: readonly string[], source: QuerySource): Generator<DocumentRef, void> {
  for (const id of ids) {
    const ref = source.refOf(id);
    if (ref !== undefined) yield ref;
  }
}

function* readRanges(
  access: IndexAccess | ScanAccess,
  index: OrderedIndex,
  seq: number,
  stats: RunStats,
): Generator<DocumentRef, void> {
  const ranges = access.reverse ? access.ranges.toReversed() : access.ranges;
  stats.keysExamined.set(access, stats.keysExamined.get(access) ?? 0);
  for (const range of ranges) {
    for (const refs of readBatches(index, { ...range, reverse: access.reverse }, seq)) {
      stats.keysExamined.set(access, (stats.keysExamined.get(access) ?? 0) + refs.length);
      yield* refs;
    }
  }
}

/** Batches grow, so that a query that stops early has read little. */
function* readBatches(index: OrderedIndex, range: KeyRange, seq: number): Generator<Uint32Array> {
  const cursor = index.scan(range, seq);
  let refs = new Uint32Array(BATCH_FIRST);
  try {
    for (let count = cursor.next({ refs }); count > 0; count = cursor.next({ refs })) {
      yield refs.subarray(0, count);
      refs = new Uint32Array(Math.min(refs.length * 2, BATCH_MAX));
    }
  } finally {
    cursor.close();
  }
}
