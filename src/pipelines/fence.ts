import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { RunDocument } from './run-document.js';

/** A commit in the making, or the store as it is. */
interface Reader {
  get(id: string): Document | undefined;
}

/**
 * The run as it is now, if this process still owns it. Every commit of a run begins
 * here, so that a process that lost its run cannot write for it any more.
 *
 * @throws {JdbxError} RUN_LEASE_LOST
 */
export function fence(draft: Reader, run: string, owner: string): RunDocument {
  const document = draft.get(run) as RunDocument | undefined;
  if (document?.status === 'running' && document.owner === owner) return document;
  const found = document ? `${document.status}, owned by ${document.owner}` : 'missing';
  throw new JdbxError('RUN_LEASE_LOST', `expected to own ${run}, found it ${found}`, {
    details: { run },
  });
}
