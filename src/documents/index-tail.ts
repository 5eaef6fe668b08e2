import { createHash } from 'node:crypto';
import type { Document } from '../base/document.js';
import type { Change, Commit, EngineSnapshot } from '../storage/contract.js';

/** A document that changed after some commit, as it is now; no `document` where it was removed. */
export interface TailChange {
  readonly ref: number;
  readonly id: string;
  readonly document: Document | undefined;
}

/** Names what a commit did, so that equal marks mean the same history up to it. */
export function commitMark({ seq, at, changes }: Commit): string {
  const hash = createHash('sha256').update(`${seq} ${at}`);
  for (const change of changes) hash.update(`\n${lineOf(change)}`);
  return hash.digest('hex').slice(0, 32);
}

function lineOf(change: Change): string {
  if (change.kind === 'forget') return `forget ${change.below} ${JSON.stringify(change.id)}`;
  const { id, rev } =
    change.kind === 'put' ? { id: change.document._id, rev: change.document._rev } : change;
  return `${change.kind} ${change.ref} ${rev} ${JSON.stringify(id)}`;
}

/** The mark of one commit, while its log record is kept. */
export function markOf(snapshot: EngineSnapshot, seq: number): string | undefined {
  for (const commit of snapshot.log(seq - 1)) {
    return commit.seq === seq ? commitMark(commit) : undefined;
  }
  return undefined;
}

/**
 * What changed after the commit `seq`, one change a document, from the change log.
 *
 * @returns `undefined` when the log does not hold all of it, when that commit was another
 * one than `mark` names, or when more than `max` documents changed
 */
export function readTail(
  snapshot: EngineSnapshot,
  { seq, mark }: { readonly seq: number; readonly mark: string },
  max: number,
): TailChange[] | undefined {
  const newest = new Map<number, TailChange>();
  let next = seq;
  for (const commit of snapshot.log(seq - 1)) {
    if (commit.seq !== next++) return undefined;
    if (commit.seq === seq) {
      if (commitMark(commit) !== mark) return undefined;
      continue;
    }
    for (const change of commit.changes) {
      // What is forgotten of a document's past is in no index.
      if (change.kind === 'forget') continue;
      const { ref } = change;
      if (change.kind === 'remove') newest.set(ref, { ref, id: change.id, document: undefined });
      else newest.set(ref, { ref, id: change.document._id, document: change.document });
    }
    if (newest.size > max) return undefined;
  }
  return next === snapshot.seq + 1 ? [...newest.values()] : undefined;
}
