import type { Document } from '../../base/document.js';
import { isoTime } from '../../base/iso-time.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';

/**
 * The lease of one process for all the runs that it has under way: they name it as their
 * `owner`. While the document is there, the lease holds; whoever takes it away takes the runs.
 */
export interface ExecutorDocument extends Document {
  readonly _type: 'executor';
  /** The fencing token: the number of the commit that made it, so a later one is higher. */
  readonly token: number;
  /** Tells processes apart. */
  readonly process: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** Writes a lease into the commit in the making. */
export function insertExecutor(draft: Draft, process: string, pid: number): ExecutorDocument {
  const token = draft.seq;
  const since = isoTime(draft.at);
  const _id = `executor:${token}`;
  return draft.put(
    takeMade({ _id, _type: 'executor', token, process, pid, since }),
  ) as ExecutorDocument;
}
