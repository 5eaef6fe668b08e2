import type { Document } from '../../base/document.js';
import { takeValue, type Value } from '../../base/values.js';
import { isShareable } from '../codec.js';
import type { Change, Commit } from '../contract.js';

/** Dates and bytes cannot be frozen: what holds some is copied for each who asks. */
export function ownValue<V extends Value | Document>(value: V): V {
  return isShareable(value) ? value : (takeValue(value) as V);
}

export function ownCommit(commit: Commit): Commit {
  return commit.changes.every(isFrozen)
    ? commit
    : { ...commit, changes: commit.changes.map(ownChange) };
}

function isFrozen(change: Change): boolean {
  return change.kind !== 'put' || change.shareable === true || isShareable(change.document);
}

function ownChange(change: Change): Change {
  if (change.kind !== 'put' || isFrozen(change)) return change;
  return { ...change, document: ownValue(change.document) };
}
