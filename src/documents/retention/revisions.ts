import type { EngineSnapshot, StoredRevision } from '../../storage/contract.js';
import type { Forgetting } from '../draft.js';
import type { View } from '../view.js';
import type { Bounds } from './definition.js';
import { type Work, WRITES_MAX } from './work.js';

/** Revisions of one document that go with one commit. */
const FORGET_MAX = 1_000;

/**
 * Forgets kept revisions beyond the newest so many, and those that were replaced, or removed,
 * longer ago than the age. So whatever was current within that age stays readable by `asOf`.
 * The newest revision of a document that exists always stays.
 */
export async function forgetRevisions(work: Work, type: string, bounds: Bounds): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    // Anew at each step: a run that began meanwhile has pins of its own.
    const pinned = work.host.pinned();
    const { found, last } = work.look((view, isLate) =>
      findSome(view, isLate, after ?? '', (engine, id) =>
        forgettingOf(engine, id, type, bounds, work.now, pinned.get(id)),
      ),
    );
    after = last;
    const count = found.reduce((sum, { revisions }) => sum + revisions, 0);
    await work.write('revisions', count, (draft) => {
      for (const { forgetting } of found) draft.forget(forgetting);
      return count;
    });
    await work.yield();
  }
}

interface Found {
  readonly forgetting: Forgetting;
  readonly revisions: number;
}

function findSome(
  view: View,
  isLate: () => boolean,
  after: string,
  find: (engine: EngineSnapshot, id: string) => Found | undefined,
) {
  const found: Found[] = [];
  let revisions = 0;
  for (const id of view.engine.revisedIds(after)) {
    const each = find(view.engine, id);
    if (each) found.push(each);
    revisions += each?.revisions ?? 0;
    if (revisions >= WRITES_MAX || isLate()) return { found, last: id };
  }
  return { found, last: undefined };
}

function forgettingOf(
  engine: EngineSnapshot,
  id: string,
  type: string,
  bounds: Bounds,
  now: number,
  pinned: number | undefined,
): Found | undefined {
  const kept = take(engine.revisions(id), FORGET_MAX + (bounds.newest ?? 1));
  const [first] = kept;
  if (!first || kept.at(-1)?.document._type !== type) return undefined;
  const ends = kept.map((revision, at) => endOf(engine, revision, kept[at + 1]));
  let count = Math.max(0, kept.length - (bounds.newest ?? kept.length));
  if (bounds.ageMs !== undefined) {
    const cutoff = now - bounds.ageMs;
    const stays = ends.findIndex((end) => !end || end.at > cutoff);
    count = Math.max(count, stays === -1 ? kept.length : stays);
  }
  const firstPinned = kept.findIndex(({ document }) => document._rev >= (pinned ?? Infinity));
  if (firstPinned !== -1) count = Math.min(count, firstPinned);
  count = Math.min(count, FORGET_MAX);
  const until = ends[count - 1];
  if (!until) return undefined;
  const below = kept[count]?.document._rev ?? (kept.at(-1) as StoredRevision).document._rev + 1;
  const change = { kind: 'forget', id, from: first.document._rev, below } as const;
  return { forgetting: { change, type, until }, revisions: count };
}

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/** When a revision stopped being the newest: the next one, or a removal. */
function endOf(engine: EngineSnapshot, revision: StoredRevision, next: StoredRevision | undefined) {
  const { _id: id, _rev: rev } = revision.document;
  for (const removal of engine.removals(id)) {
    if (removal.rev === rev && removal.seq > revision.seq) return removal;
  }
  if (next) return { seq: next.seq, at: next.at };
  return undefined;
}
