import type { EngineBatch } from './contract.js';

/** @throws {RangeError} when the commits of a batch do not follow on `seq` */
export function checkBatch({ commits }: EngineBatch, seq: number): void {
  commits.forEach((commit, at) => {
    if (commit.seq === seq + 1 + at) return;
    throw new RangeError(`commit: expected seq ${seq + 1 + at}, got ${commit.seq}`);
  });
}

/** Commits that only remove documents make room, so a full store lets them through. */
export function addsDocuments({ commits }: EngineBatch): boolean {
  return commits.some(({ changes }) => changes.some(({ kind }) => kind === 'put'));
}
