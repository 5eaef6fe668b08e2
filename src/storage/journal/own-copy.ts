import type { Document } from '../../base/document.js';
import { takeValue, type Value } from '../../base/values.js';
import { isShareable } from '../codec.js';
import type { Change, Commit, EngineBatch } from '../contract.js';

/**
 * What is held in memory must be what is on disk. A date or bytes can be changed by
 * whoever holds them, so a value with these is copied on its way in and on its way out;
 * every other one is frozen and shared.
 */
export function ownCopy<V extends Value | Document>(value: V): V {
  return isShareable(value) ? value : (takeValue(value) as V);
}

export function ownBatch(batch: EngineBatch): EngineBatch {
  return { ...batch, commits: batch.commits.map(ownCommit), names: ownCopy(batch.names) };
}

export function ownCommit(commit: Commit): Commit {
  return { ...commit, changes: commit.changes.map(ownChange) };
}

function ownChange(change: Change): Change {
  return change.kind === 'remove' ? change : { ...change, document: ownCopy(change.document) };
}
