import type { DocumentRef, IndexCursor, KeyRange, OrderedIndex } from '../indexes/contract.js';
import type { Access, IndexAccess, IntersectionAccess, ScanAccess, UnionAccess } from './access.js';
import type { QuerySource } from './contract.js';
import { giveRefs, takeRefs } from './ref-buffers.js';
import { noteKeys, type RunStats } from './stats.js';

const BATCH_FIRST = 32;
/** Of documents wanted, so many keys are read at first, and not some more. */
const EXACT_MIN = 8;
const EXACT_MAX = 64;
const BATCH_MAX = 2_048;
const BATCH_GROWTH = 8;

/** Some refs of an access. It is filled anew for the next batch. */
export interface RefBatch {
  refs: Uint32Array;
  count: number;
  /** The key of each, when they are asked for. */
  readonly keys: Uint8Array[] | undefined;
}

export interface ReadSetting {
  readonly source: QuerySource;
  readonly stats: RunStats | undefined;
  readonly wantsKeys: boolean;
  /** Documents in the first chunk. */
  readonly chunkFirst: number;
}

/** The refs that an access gives, lazily; index accesses may repeat one. */
export function readRefs(access: Access, setting: ReadSetting): Iterable<RefBatch> {
  switch (access.kind) {
    case 'ids':
      return [readIds(access.ids, setting.source)];
    case 'union':
      return readBranches(access, setting);
    case 'intersection':
      return readBoth(access, setting);
    case 'index':
      return readRanges(access, access.index.index, setting);
    default:
      return readRanges(access, setting.source.typeIndex, setting);
  }
}

function* readBranches({ branches }: UnionAccess, setting: ReadSetting): Generator<RefBatch, void> {
  for (const branch of branches) yield* readRefs(branch, setting);
}

function readIds(ids: readonly string[], source: QuerySource): RefBatch {
  const found = ids.map((id) => source.refOf(id)).filter((ref) => ref !== undefined);
  return { refs: Uint32Array.from(found), count: found.length, keys: undefined };
}

/** The refs of `stream` that `filter` gives too. */
function* readBoth(
  { stream, filter }: IntersectionAccess,
  setting: ReadSetting,
): Generator<RefBatch, void> {
  const members = new Set<DocumentRef>();
  for (const { refs, count } of readRefs(filter, setting)) {
    for (let at = 0; at < count; at++) members.add(refs[at] as DocumentRef);
  }
  for (const batch of readRefs(stream, setting)) {
    keepMembers(batch, members);
    yield batch;
  }
}

function keepMembers(batch: RefBatch, members: ReadonlySet<DocumentRef>): void {
  const { refs, count } = batch;
  batch.count = 0;
  for (let at = 0; at < count; at++) {
    const ref = refs[at] as DocumentRef;
    if (members.has(ref)) refs[batch.count++] = ref;
  }
}

/** Batches grow, so that a query that stops early has read little. */
function* readRanges(
  access: IndexAccess | ScanAccess,
  index: OrderedIndex,
  { source, stats, wantsKeys, chunkFirst: wanted }: ReadSetting,
): Generator<RefBatch, void> {
  const { ranges, reverse } = access;
  // Ranges that are read apart for a merge are counted together.
  const counted = access.kind === 'index' ? access.bounds : access;
  const first = wanted > EXACT_MAX ? BATCH_FIRST : Math.max(wanted, EXACT_MIN);
  const batch = { refs: takeRefs(first), count: 0, keys: wantsKeys ? [] : undefined };
  try {
    for (let at = 0; at < ranges.length; at++) {
      const range = ranges[reverse ? ranges.length - 1 - at : at] as KeyRange;
      const cursor = index.scan(reverse ? { ...range, reverse } : range, source.seq);
      try {
        while (readBatch(cursor, batch) > 0) {
          noteKeys(stats, counted, batch.count);
          yield batch;
          if (batch.refs.length < BATCH_MAX) growRefs(batch);
        }
      } finally {
        cursor.close();
      }
    }
  } finally {
    giveRefs(batch.refs);
  }
}

function readBatch(cursor: IndexCursor, batch: RefBatch): number {
  const { refs, keys } = batch;
  batch.count = cursor.next(keys ? { refs, keys } : { refs });
  return batch.count;
}

function growRefs(batch: RefBatch): void {
  const { refs } = batch;
  batch.refs = takeRefs(Math.min(refs.length * BATCH_GROWTH, BATCH_MAX));
  giveRefs(refs);
}
