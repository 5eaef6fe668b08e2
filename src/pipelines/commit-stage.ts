import type { Value, ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import type { AuditEntry } from '../history/audit-chain.js';
import { changeSession, type SessionUsage, type Turn } from '../sessions/sessions.js';
import { nothingHappened, withdrawCall } from './at-most-once.js';
import type { Attempt } from './attempt.js';
import { fence } from './fence.js';
import { checkpointId, eventId } from './run-document.js';
import { isCompacting } from './session-compaction.js';
import { sessionUpdate } from './session-update.js';
import { addUsage, usageIn } from './spending.js';
import { type CacheSlot, keepOutput } from './stage-cache.js';
import type { StageEnd, StageRun } from './stage-run.js';
import { storeValue } from './stored-value.js';
import { type Emitted, insertEvent } from './waits/event-document.js';

/** What the first commit of a run has to write, when that is a stage's. */
export interface FirstCommit {
  write(draft: Draft): void;
  /** Called when such a commit is durable. */
  stored(): void;
}

/** A stage of a run, and what its attempt gathered. */
interface Written {
  readonly work: StageRun;
  readonly attempt: Attempt;
  /** What the stage's audit document says. */
  readonly entry: Record<string, Value> & AuditEntry;
}

export interface Finished extends Written {
  /** What its attempt's calls used. */
  readonly usage: SessionUsage;
  readonly status: StageEnd['status'];
  readonly output: Value;
  readonly turns: readonly Turn[];
  readonly emitted?: Emitted | undefined;
  readonly failure?: StageEnd['failure'];
  /** Where the output is kept to be used again. */
  readonly cache?: CacheSlot | undefined;
}

export interface Failed extends Written {
  readonly error: unknown;
}

/**
 * Writes into one commit what a stage did to the database, its checkpoint, its change
 * to the session and its audit documents. All of it becomes durable, or none.
 *
 * @throws {JdbxError} RUN_LEASE_LOST, CONFLICT
 */
export function commitStage(draft: Draft, finished: Finished): void {
  const { work, attempt, usage, status, output, turns, emitted, failure, cache } = finished;
  const { run, path, stage, atWork } = work;
  atWork.birth?.write(draft);
  run.definitions.keepLate(draft, fence(draft, run.id, atWork.owner));
  // A stage that goes on after an error leaves nothing of what its attempt wrote.
  const workspace = status === 'done' ? attempt.opened : undefined;
  workspace?.commitInto(draft);
  changeSessionAfter(draft, finished);
  settleAll(draft, attempt);
  if (stage.at_most_once) withdrawCall(draft, run.id, path);
  if (emitted) insertEvent(draft, eventId(run.id, path), emitted);
  if (cache && status === 'done' && !workspace?.isDirty) {
    keepOutput(draft, cache, { run: run.id, path, output, turns });
  }
  const total = addUsage(run.spending.on(path), usage);
  const stored = storeValue(draft, 'output', output);
  draft.insert(takeMade(checkpointOf(work, { status, failure, stored, total })));
  const writes = workspace?.writes ?? [];
  auditAttempt(draft, finished, writes.length > 0 ? { writes } : undefined);
}

interface Left {
  readonly status: StageEnd['status'];
  readonly failure: StageEnd['failure'];
  /** The output, or where it is. */
  readonly stored: ValueObject;
  readonly total: SessionUsage;
}

function checkpointOf({ run, path, stage }: StageRun, left: Left): object {
  const { status, failure, stored, total } = left;
  const own = { _id: checkpointId(run.id, path), _type: 'checkpoint', run: run.id, path, status };
  const asked = stage.asked && { asked: stage.asked };
  return Object.assign(own, failure, asked, stored, total.calls > 0 ? { usage: total } : undefined);
}

/**
 * Remembers an attempt that left nothing else: that it was made, every model call in it,
 * and what they used.
 *
 * @throws {JdbxError} RUN_LEASE_LOST
 */
export function noteFailure(draft: Draft, failed: Failed): void {
  const { work, attempt, error } = failed;
  const { run, path, stage, atWork } = work;
  atWork.birth?.write(draft);
  fence(draft, run.id, atWork.owner);
  settleAll(draft, attempt);
  if (stage.at_most_once && nothingHappened(error)) withdrawCall(draft, run.id, path);
  const usage = usageIn(attempt.entries);
  if (run.session !== undefined && usage.calls > 0 && draft.get(run.session)) {
    changeSession(draft, {
      session: run.session,
      run: run.id,
      turns: [],
      usage,
      update: undefined,
    });
  }
  auditAttempt(draft, failed);
}

/** Writes every call of an attempt into the audit trail, and the attempt itself. */
function auditAttempt(draft: Draft, { attempt, entry }: Written, more?: ValueObject): void {
  auditAll(draft, attempt.entries);
  draft.audit(Object.assign(entry, more, settledBy(attempt)));
}

/** A process that finds the calls of a killed one asks the audit trail whether they are counted. */
function settledBy({ charges }: Attempt): ValueObject | undefined {
  if (charges.length === 0) return undefined;
  return { reservations: charges.map((each) => each.reservation) };
}

/** What the calls came to is counted in the commit that says what became of them. */
function settleAll(draft: Draft, { charges, leavings }: Attempt): void {
  for (const leave of leavings) leave(draft);
  for (const charge of charges) charge.settle(draft);
}

/** Adds entries to the audit trail, as values. */
export function auditAll(draft: Draft, entries: readonly object[]): void {
  for (const entry of entries) draft.audit(entry as AuditEntry);
}

function changeSessionAfter(draft: Draft, finished: Finished): void {
  const { work, usage, status, output } = finished;
  const { run, path, stage, context } = work;
  const { session } = run;
  if (session === undefined) return;
  const turns = isCompacting(run.id, path) ? [] : finished.turns;
  // On what the commit finds: others may have changed the session since the stage began.
  const now = draft.get(session);
  if (!now && status !== 'done') return;
  const update = status === 'done' ? sessionUpdate(stage, context, output, now) : undefined;
  if (turns.length === 0 && usage.calls === 0 && !update && !stage.checkpoint) return;
  const checkpoint = checkpointId(run.id, path);
  changeSession(draft, { session, run: run.id, checkpoint, turns, usage, update });
}
