import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { RunDocument } from './run-document.js';

/** A commit in the making, or the store as it is. */
interface Reader {
  get(id: string): Document | undefined;
}

/**
 * The run as it is now, if the process that holds the lease `owner` still has it. Every commit
 * of a run begins here, so that a process that was stopped and given up cannot write for its
 * runs any more, though it knows nothing of that.
 *
 * @throws {JdbxError} RUN_LEASE_LOST
 */
export function fence(draft: Reader, run: string, owner: string): RunDocument {
  const document = draft.get(run) as RunDocument | undefined;
  const isOwn = document?.status === 'running' && document.owner === owner;
  if (isOwn && draft.get(owner)) return document;
  throw leaseLost(run, owner, isOwn ? 'the lease ended' : describe(document));
}

/** Another process has a run, or is about to have it. */
export function leaseLost(run: string, owner: string, found: string): JdbxError {
  return new JdbxError('RUN_LEASE_LOST', `expected ${run} to be held by ${owner}: ${found}`, {
    details: { run },
  });
}

function describe(document: RunDocument | undefined): string {
  if (!document) return 'it is missing';
  const { status, owner } = document;
  return `it is ${status}${owner === undefined ? '' : `, held by ${owner}`}`;
}
