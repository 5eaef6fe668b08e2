import { JdbxError } from '../base/errors.js';
import { compareValues } from '../base/order.js';
import type { Commit, StoredDocument } from '../storage/contract.js';
import type { View } from './view.js';

/** The last that the log says of a document; no revision where it was removed. */
export interface LoggedChange {
  readonly seq: number;
  readonly rev: number | undefined;
}

/** Reads the whole log: each commit once and in order, up to the newest. */
export function readLog(view: View, tell: (problem: string) => void) {
  const newest = new Map<string, LoggedChange>();
  let next = view.engine.logStart();
  let records = 0;
  for (const commit of readableCommits(view, next, tell)) {
    records++;
    if (!commit) next++;
    else {
      if (commit.seq !== next) tell(`the change log goes from ${next - 1} to ${commit.seq}`);
      noteChanges(commit, newest);
      next = commit.seq + 1;
    }
  }
  if (next !== view.seq + 1) tell(`the change log ends at ${next - 1}, not at ${view.seq}`);
  return { records, newest };
}

/** Undefined for one that cannot be read: what it put is not what stands there. */
function* readableCommits(view: View, first: number, tell: (problem: string) => void) {
  for (let next = first; next <= view.seq; ) {
    try {
      for (const commit of view.engine.log(next - 1)) {
        next = commit.seq + 1;
        yield commit;
      }
      return;
    } catch (error) {
      if (!(error instanceof JdbxError) || error.code !== 'STORE_CORRUPT') throw error;
      tell(error.message);
      next++;
      yield undefined;
    }
  }
}

function noteChanges({ seq, changes }: Commit, newest: Map<string, LoggedChange>): void {
  for (const change of changes) {
    if (change.kind === 'remove') newest.set(change.id, { seq, rev: undefined });
    else if (change.kind === 'put') {
      newest.set(change.document._id, { seq, rev: change.document._rev });
    }
  }
}

/** One stored document against its ref, the log and its kept revisions. */
export function checkDocument(
  view: View,
  { ref, seq, document }: StoredDocument,
  logged: LoggedChange | undefined,
  tell: (problem: string) => void,
): void {
  const { _id: id, _rev: rev } = document;
  const fault = (text: string) => tell(`${id}: ${text}`);
  if (seq > view.seq) fault(`written by commit ${seq}, after ${view.seq}`);
  if (view.idOf(ref) !== id) fault(`ref ${ref} stands for ${view.idOf(ref)}`);
  if (ref >= ((view.engine.named('nextRef') as number | undefined) ?? Infinity)) {
    fault(`ref ${ref} was not given out yet`);
  }
  if (logged && (logged.seq !== seq || logged.rev !== rev)) {
    fault(`revision ${rev} of commit ${seq}, the change log says otherwise`);
  }
  const kept = view.engine.revision(id, rev);
  if (kept && kept.seq === seq && compareValues(kept.document, document) !== 0) {
    fault(`revision ${rev} differs from the one in its history`);
  }
  const last = view.engine.revision(id, view.engine.lastRevision(id));
  if (last && last.seq > seq) fault(`written by commit ${seq}, its history goes on after it`);
}

/** The kept revisions of one id: each its own, rising in number, commit and time. */
export function checkRevisions(view: View, id: string, tell: (problem: string) => void): number {
  let count = 0;
  let before: { readonly rev: number; readonly seq: number; readonly at: number } | undefined;
  for (const { seq, at, document } of view.engine.revisions(id)) {
    const rev = document._rev;
    if (document._id !== id) tell(`${id}: its history holds a revision of ${document._id}`);
    if (seq > view.seq) tell(`${id}: revision ${rev} is of commit ${seq}, after ${view.seq}`);
    if (before && (rev <= before.rev || seq <= before.seq || at < before.at)) {
      tell(`${id}: revision ${rev} does not follow on revision ${before.rev}`);
    }
    before = { rev, seq, at };
    count++;
  }
  return count;
}
