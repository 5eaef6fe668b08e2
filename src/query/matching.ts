import type { DocumentRef } from '../indexes/contract.js';
import type { Access } from './access.js';
import type { DocumentBody } from './contract.js';
import type { Covering } from './covering.js';
import { allOf, type FilterNode } from './filter-node.js';
import type { KeyTies } from './key-ties.js';
import { compileNode, type Predicate } from './match.js';
import { type ReadSetting, type RefBatch, readRefs } from './read-refs.js';

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
  const test = residueTest(access.residue);
  let room = setting.chunkFirst;
  let next = setting.chunkNext;
  for (const batch of readRefs(access, setting)) {
    for (let from = 0; from < batch.count; ) {
      const chunk: DocumentBody[] = [];
      from = fillChunk(chunk, room, batch, from, test, setting);
      if (chunk.length === 0) continue;
      if (chunk.length >= room) [room, next] = [next, Math.min(next * 2, CHUNK_MAX)];
      yield chunk;
    }
  }
}

/** The first `wanted` documents of an access that match, in one go. */
export function firstMatching(access: Access, setting: MatchSetting, wanted: number): Chunk {
  const test = residueTest(access.residue);
  const found: DocumentBody[] = [];
  for (const batch of readRefs(access, setting)) {
    fillChunk(found, wanted, batch, 0, test, setting);
    if (found.length >= wanted) break;
  }
  return found;
}

/** What the access proves is not tested again. */
function residueTest(residue: readonly FilterNode[]): Predicate | undefined {
  return residue.length === 0 ? undefined : compileNode(allOf(residue));
}

/** @returns where in the batch the next chunk begins */
function fillChunk(
  chunk: DocumentBody[],
  room: number,
  batch: RefBatch,
  from: number,
  test: Predicate | undefined,
  setting: MatchSetting,
): number {
  const { seen, source, stats } = setting;
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
