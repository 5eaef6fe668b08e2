import { JdbxError } from '../../base/errors.js';
import type { Database } from '../../documents/database.js';
import type { RunDocument } from '../run-document.js';
import type { Leases } from './leases.js';

/**
 * Waits while another process has a run under way. What is left then: a run that has ended,
 * that stands, or that nobody has; undefined when there is none.
 *
 * @throws what `signal` was aborted with; {JdbxError} STORE_CLOSED
 */
export async function leftElsewhere(
  { database, leases }: { readonly database: Database; readonly leases: Leases },
  id: string,
  signal: AbortSignal,
): Promise<RunDocument | undefined> {
  const isLeft = (run: RunDocument | undefined) =>
    run?.status !== 'running' || !leases.isElsewhere(run.owner);
  const found = await database.get<RunDocument>(id);
  if (isLeft(found)) return found;
  const filter = { $or: [{ _type: 'run', _id: id }, { _type: 'executor' }] };
  const changes = database.watch(filter, { signal });
  try {
    await leases.attend();
    for (;;) {
      const run = await database.get<RunDocument>(id);
      if (isLeft(run)) return run;
      const { done } = await changes.next();
      signal.throwIfAborted();
      if (done) throw new JdbxError('STORE_CLOSED', `the store was closed before ${id} ended`);
    }
  } finally {
    await changes.return();
  }
}
