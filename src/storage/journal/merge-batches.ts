import type { Commit, EngineBatch } from '../contract.js';

/** Changes in one commit of the engine behind; LMDB's free list stays short. */
const APPLY_CHANGES = 5_000;

/** Batches put together up to a number of changes; the last one's names and log bound count. */
export function* mergeBatches(batches: readonly EngineBatch[]): Generator<EngineBatch> {
  let commits: Commit[] = [];
  let changes = 0;
  let last: EngineBatch | undefined;
  for (const batch of batches) {
    commits.push(...batch.commits);
    changes += batch.commits.reduce((sum, commit) => sum + commit.changes.length, 0);
    last = { ...batch, names: { ...last?.names, ...batch.names } };
    if (changes < APPLY_CHANGES) continue;
    yield { ...last, commits };
    commits = [];
    changes = 0;
    last = undefined;
  }
  if (last) yield { ...last, commits };
}
