import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { isoTime } from '../../base/iso-time.js';
import type { Value } from '../../base/values.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';
import { auditAll } from '../commit-stage.js';
import { type RunDocument, waitId } from '../run-document.js';
import { loadValue, storeValue } from '../stored-value.js';
import type { EventDocument } from './event-document.js';
import type { WaitDocument, WaitPlan, WaitStatus } from './wait-document.js';

/** Writes down that a run waits; `deadlineAt` is the run's own, in milliseconds since the epoch. */
export function openWait(
  draft: Draft,
  run: string,
  path: string,
  { dueAt, expiresAt, ...plan }: WaitPlan,
  deadlineAt: number | undefined,
): WaitDocument {
  const times = [dueAt, expiresAt, deadlineAt].filter((each) => each !== undefined);
  const wake = times.length > 0 ? { wake_at: isoTime(Math.min(...times)) } : {};
  auditAll(draft, [{ kind: 'wait-open', run, path, wait: plan.kind, ...named(plan.name) }]);
  return draft.put(
    takeMade({
      _id: waitId(run, path),
      _type: 'wait',
      run,
      path,
      status: 'open',
      ...plan,
      opened_at: isoTime(draft.at),
      ...(dueAt === undefined ? {} : { due_at: isoTime(dueAt) }),
      ...(expiresAt === undefined ? {} : { expires_at: isoTime(expiresAt) }),
      ...wake,
    }),
  ) as WaitDocument;
}

export interface WaitEnd {
  readonly status: Exclude<WaitStatus, 'open'>;
  readonly value?: Value;
  readonly event?: string;
}

/** Ends an open wait, and lets its run go on. The root of the run is what has to be woken. */
export function endWait(draft: Draft, wait: WaitDocument, end: WaitEnd): string {
  const { _rev, topic, wake_at, ...rest } = wait;
  const { value, ...facts } = end;
  const stored = value === undefined ? {} : storeValue(draft, 'value', value);
  const { run, path, kind, name } = wait;
  auditAll(draft, [{ kind: 'wait-end', run, path, wait: kind, ...named(name), ...facts }]);
  draft.put(takeMade({ ...rest, ...facts, ...stored, ended_at: isoTime(draft.at) }));
  return wakeRuns(draft, run);
}

/** Its run has ended without it. */
export function closeWait(draft: Draft, id: string): void {
  const wait = draft.get(id) as WaitDocument | undefined;
  if (wait?.status !== 'open') return;
  const { _rev, topic, wake_at, ...rest } = wait;
  draft.put(takeMade({ ...rest, status: 'closed', ended_at: isoTime(draft.at) }));
}

/** The wait, when it is still open. @throws {JdbxError} WAIT_MISSING, WAIT_ANSWERED, RUN_ENDED */
export function openOne(draft: Draft, id: string): WaitDocument {
  const wait = draft.get(id) as WaitDocument | undefined;
  if (wait?._type !== 'wait') {
    throw new JdbxError('WAIT_MISSING', `expected a wait, there is no ${id}`, { details: { id } });
  }
  if (wait.status === 'open') return wait;
  const code = wait.status === 'closed' ? 'RUN_ENDED' : 'WAIT_ANSWERED';
  throw new JdbxError(code, `expected ${id} to be open, it is ${wait.status}`, { details: { id } });
}

/**
 * Hands an event to a wait, if both are still there for each other.
 *
 * @returns the root of the run that goes on; undefined when nothing was done
 */
export function deliver(draft: Draft, waitDocument: string, eventId: string): string | undefined {
  const wait = draft.get(waitDocument) as WaitDocument | undefined;
  const event = draft.get(eventId) as EventDocument | undefined;
  if (wait?.status !== 'open' || event?.topic === undefined) return undefined;
  const value = loadValue(event, 'value', (id) => draft.get(id));
  if (event.once) {
    const { _rev, topic, ...rest } = event;
    draft.put(takeMade({ ...rest, taken_by: wait._id }));
  }
  return endWait(draft, wait, { status: 'answered', value, event: eventId });
}

/** What a wait's time brings: it is over, or given up, or its run's deadline has come. */
export function wakeWait(draft: Draft, id: string): string | undefined {
  const wait = draft.get(id) as WaitDocument | undefined;
  if (wait?.status !== 'open' || wait.wake_at === undefined) return undefined;
  const now = isoTime(draft.at);
  if (wait.wake_at > now) return undefined;
  if (wait.due_at !== undefined && wait.due_at <= now) {
    return endWait(draft, wait, { status: 'answered', value: null });
  }
  if (wait.expires_at !== undefined && wait.expires_at <= now) {
    return endWait(draft, wait, { status: 'expired' });
  }
  const { _rev, wake_at, ...rest } = wait;
  draft.put(takeMade(rest));
  return wakeRuns(draft, wait.run);
}

/** A run that waits, and those around it that wait for it, are to go on. */
export function wakeRuns(draft: Draft, run: string): string {
  let id = run;
  for (let found = draft.get(id) as RunDocument | undefined; found; ) {
    const { _rev, ...document } = found;
    if (found.status === 'waiting') draft.put(takeMade({ ...document, status: 'running' }));
    id = found._id;
    found = found.parent === undefined ? undefined : (draft.get(found.parent) as RunDocument);
  }
  return id;
}

/** True while nothing that a suspended run waits for has come. */
export function stillWaits(draft: Draft, on: readonly string[]): boolean {
  return on.every((id) => {
    const document = draft.get(id) as Document | undefined;
    return document?.status === 'open' || document?.status === 'waiting';
  });
}

function named(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name };
}
