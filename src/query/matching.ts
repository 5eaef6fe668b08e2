import type { DocumentRef } from '../indexes/contract.js';
import type { Access } from './access.js';
import type { DocumentBody, QuickSource } from './contract.js';
import type { Covering } from './covering.js';
import { allOf, type FilterNode } from './filter-node.js';
import type { KeyTies } from './key-ties.js';
import { compileMany, compileNode, type Predicate, type Sieve } from './match.js';
import { type ReadSetting, type RefBatch, readRefs } from './read-refs.js';
import { giveRefs, takeRefs } from './ref-buffers.js';

/** Documents in the order of an access, some at a time. */
export type Chunk = DocumentBody[];

export interface MatchSetting extends ReadSetting {
  /** Documents that came already; undefined where none can come twice. */
  readonly seen: Set<DocumentRef> | undefined;
  readonly covering: Covering | undefined;
  /** Where the keys of what is given are noted. */
  readonly ties: KeyTies | undefined;
  /** Documents in the second; from then on they grow. */
  readonly chunkNext: number;
}

export const CHUNK_MAX = 2_048;

/** The documents of an access that match, in chunks, so that one who stops early has read little. */
export function* matching(access: Access, setting: MatchSetting): Generator<Chunk, void> {
  const residue = residueOf(access);
  let room = setting.chunkFirst;
  let next = setting.chunkNext;
  for (const batch of readRefs(access, setting)) {
    for (let from = 0; from < batch.count; ) {
      const chunk: DocumentBody[] = [];
      from = fillChunk(chunk, room, batch, from, residue, setting);
      if (chunk.length === 0) continue;
      if (chunk.length >= room) [room, next] = [next, Math.min(next * 2, CHUNK_MAX)];
      yield chunk;
    }
  }
}

/** The first `wanted` documents of an access that match, in one go. */
export function firstMatching(access: Access, setting: MatchSetting, wanted: number): Chunk {
  const residue = residueOf(access);
  const found: DocumentBody[] = [];
  for (const batch of readRefs(access, setting)) {
    fillChunk(found, wanted, batch, 0, residue, setting);
    if (found.length >= wanted) break;
  }
  return found;
}

/** What is still to be tested of documents: the access proves the rest. */
interface Residue {
  readonly nodes: readonly FilterNode[];
  readonly test: Predicate | undefined;
  sieve: Sieve | undefined;
}

function residueOf({ residue: nodes }: Access): Residue {
  const test = nodes.length === 0 ? undefined : compileNode(allOf(nodes));
  return { nodes, test, sieve: undefined };
}

/** Whether all documents of a batch may be had at a stroke, which a scan of many is much faster by. */
function takesWhole(setting: MatchSetting, batch: RefBatch, room: number): boolean {
  const { source, seen, stats, covering, ties } = setting;
  return 'loadAll' in source && !seen && !stats && !covering && !ties && room >= batch.count;
}

function fillWhole(
  chunk: DocumentBody[],
  { refs, count }: RefBatch,
  residue: Residue,
  { source }: MatchSetting,
): number {
  residue.sieve ??= compileMany(residue.nodes);
  residue.sieve((source as QuickSource).loadAll(refs, count), chunk);
  return count;
}

/** Whether documents may be had some at a time: cold ones come faster so. */
function takesTogether({ source, covering, ties }: MatchSetting): boolean {
  return 'loadAll' in source && !covering && !ties;
}

/** As many at a time as are still wanted, so that no more is read. */
function fillTogether(
  chunk: DocumentBody[],
  room: number,
  batch: RefBatch,
  from: number,
  { test }: Residue,
  { source, seen, stats }: MatchSetting,
): number {
  const refs = takeRefs(CHUNK_MAX);
  let at = from;
  while (at < batch.count && chunk.length < room) {
    let count = 0;
    const wanted = Math.min(room - chunk.length, CHUNK_MAX);
    for (; at < batch.count && count < wanted; at++) {
      const ref = batch.refs[at] as DocumentRef;
      if (seen?.has(ref)) continue;
      seen?.add(ref);
      refs[count++] = ref;
    }
    const documents = (source as QuickSource).loadAll(refs, count);
    if (stats) stats.documentsExamined += documents.length;
    for (const document of documents) if (!test || test(document)) chunk.push(document);
  }
  giveRefs(refs);
  return at;
}

/** @returns where in the batch the next chunk begins */
function fillChunk(
  chunk: DocumentBody[],
  room: number,
  batch: RefBatch,
  from: number,
  residue: Residue,
  setting: MatchSetting,
): number {
  if (from === 0 && takesWhole(setting, batch, room - chunk.length))
    return fillWhole(chunk, batch, residue, setting);
  if (takesTogether(setting)) return fillTogether(chunk, room, batch, from, residue, setting);
  const { seen, source, stats } = setting;
  const { test } = residue;
  let at = from;
  for (; at < batch.count && chunk.length < room; at++) {
    const ref = batch.refs[at] as DocumentRef;
    if (seen) {
      if (seen.has(ref)) continue;
      seen.add(ref);
    }
    const told = setting.covering?.((batch.keys as Uint8Array[])[at] as Uint8Array);
    const document = told ?? source.load(ref);
    if (document === undefined) continue;
    if (stats && !told) stats.documentsExamined++;
    if (test && !test(document)) continue;
    chunk.push(document);
    setting.ties?.note((batch.keys as Uint8Array[])[at] as Uint8Array);
  }
  return at;
}
