import { createHash } from 'node:crypto';
import type { Document } from '../base/document.js';
import type { EngineSnapshot, LoggedChange, LoggedCommit } from '../storage/contract.js';

/** A document that changed after some commit, as it is now; no `document` where it was removed. */
export interface TailChange {
  readonly ref: number;
  readonly id: string;
  readonly document: Document | undefined;
}

/** Names what a commit did, so that equal marks mean the same history up to it. */
export function commitMark({ seq, at, changes }: LoggedCommit): string {
  const hash = createHash('sha256').update(`${seq} ${at}`);
  for (const change of changes) hash.update(`\n${lineOf(change)}`);
  return hash.digest('hex').slice(0, 32);
}

function lineOf(change: LoggedChange): string {
  if (change.kind === 'forget') return `forget ${change.below} ${JSON.stringify(change.id)}`;
  return `${change.kind} ${change.ref} ${change.rev} ${JSON.stringify(change.id)}`;
}

/** The mark of one commit, while its log record is kept. */
export function markOf(snapshot: EngineSnapshot, seq: number): string | undefined {
  const commit = snapshot.logged(seq);
  return commit && commitMark(commit);
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
  if (markOf(snapshot, seq) !== mark) return undefined;
  const newest = new Map<number, TailChange>();
  let next = seq + 1;
  for (const commit of snapshot.log(seq)) {
    if (commit.seq !== next++) return undefined;
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
