import type { Document } from '../../base/document.js';
import { takeValue, type Value } from '../../base/values.js';
import { isShareable } from '../codec.js';
import type { Change, Commit, EngineBatch, StoredDocument, StoredRevision } from '../contract.js';

/**
 * Dates and bytes cannot be frozen. A document that holds some is copied on its way
 * into the journal's memory and on its way out, so that nobody outside can change what
 * the engine behind will be given.
 */
export function ownBatch(batch: EngineBatch): EngineBatch {
  return { ...batch, commits: batch.commits.map(ownCommit), names: ownValue(batch.names) };
}

export function ownCommit(commit: Commit): Commit {
  return commit.changes.every(isFrozen)
    ? commit
    : { ...commit, changes: commit.changes.map(ownChange) };
}

export function ownStored(stored: StoredDocument): StoredDocument {
  return stored.shareable ? stored : { ...stored, document: ownValue(stored.document) };
}

export function ownRevision(revision: StoredRevision): StoredRevision {
  const document = ownValue(revision.document);
  return document === revision.document ? revision : { ...revision, document };
}

function isFrozen(change: Change): boolean {
  return change.kind !== 'put' || change.shareable === true || isShareable(change.document);
}

function ownChange(change: Change): Change {
  if (change.kind !== 'put' || isFrozen(change)) return change;
  return { ...change, document: ownValue(change.document) };
}

export function ownValue<V extends Value | Document>(value: V): V {
  return isShareable(value) ? value : (takeValue(value) as V);
}
