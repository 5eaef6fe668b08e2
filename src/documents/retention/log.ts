import { newestBefore } from './commit-times.js';
import type { Bounds } from './definition.js';
import type { Work } from './work.js';

/** Drops records from the start of the change log. The newest always stays. */
export async function trimLog(work: Work, { newest, ageMs }: Bounds): Promise<void> {
  const cutoff = ageMs === undefined ? Number.NEGATIVE_INFINITY : work.now - ageMs;
  const { seq, old } = work.look((view) => ({
    seq: view.seq,
    old: newestBefore(view.engine, work.host.marks, cutoff),
  }));
  const from = Math.min(seq, Math.max(old + 1, newest === undefined ? 0 : seq - newest + 1));
  // What trims leaves a record itself, so it is not worth it for one.
  while (from - work.host.logStart >= 2) {
    const start = work.host.logStart;
    if (work.isDry) return work.count('logRecords', from - start);
    await work.host.submit((draft) => {
      draft.trimLogTo = from;
    });
    work.count('logRecords', work.host.logStart - start);
    await work.yield();
  }
}
