import type { EngineBatch } from './contract.js';

/** @throws {RangeError} when the commits of a batch do not follow on `seq` */
export function checkBatch({ commits }: EngineBatch, seq: number): void {
  commits.forEach((commit, at) => {
    if (commit.seq === seq + 1 + at) return;
    throw new RangeError(`commit: expected seq ${seq + 1 + at}, got ${commit.seq}`);
  });
}
