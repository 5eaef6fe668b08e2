import type { Value, ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import type { AuditEntry } from '../history/audit-chain.js';
import { changeSession, type Turn } from '../sessions/sessions.js';
import { nothingHappened, withdrawCall } from './at-most-once.js';
import type { Attempt } from './attempt.js';
import type { Context } from './context.js';
import type { RunServices } from './contract.js';
import { fence } from './fence.js';
import type { Stage } from './pipeline-document.js';
import { checkpointId, eventId, type RunError } from './run-document.js';
import { isCompacting } from './session-compaction.js';
import { sessionUpdate } from './session-update.js';
import { addUsage, usageIn } from './spending.js';
import { type CacheSlot, keepOutput } from './stage-cache.js';
import { storeValue } from './stored-value.js';
import { type Emitted, insertEvent } from './waits/event-document.js';

/** What the first commit of a run has to write, when that is a stage's. */
export interface FirstCommit {
  write(draft: Draft): void;
  /** Called when such a commit is durable. */
  stored(): void;
}

/** A stage of a run, and what its attempt gathered. */
export interface Written {
  readonly birth?: FirstCommit | undefined;
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
  readonly run: RunServices;
  readonly owner: string;
  readonly attempt: Attempt;
  /** What the stage's audit document says. */
  readonly facts: ValueObject;
}

export interface Finished extends Written {
  readonly status: 'done' | 'skipped' | 'continued';
  readonly output: Value;
  readonly turns: readonly Turn[];
  readonly emitted?: Emitted | undefined;
  /** Why the stage failed that is `continued`, and where the run goes on. */
  readonly failure?: { readonly error: RunError; readonly goto?: string } | undefined;
  /** Where the output is kept to be used again. */
  readonly cache?: CacheSlot | undefined;
}

export interface Failed extends Written {
  readonly status: 'failed' | 'stopped';
  readonly error: unknown;
}

/**
 * Writes into one commit what a stage did to the database, its checkpoint, its change
 * to the session and its audit documents. All of it becomes durable, or none.
 *
 * @throws {JdbxError} RUN_LEASE_LOST, CONFLICT
 */
export function commitStage(draft: Draft, finished: Finished): void {
  const { run, owner, path, status, output, attempt, facts, stage } = finished;
  finished.birth?.write(draft);
  run.definitions.keepLate(draft, fence(draft, run.id, owner));
  // A stage that goes on after an error leaves nothing of what its attempt wrote.
  const workspace = status === 'done' ? attempt.opened : undefined;
  workspace?.commitInto(draft);
  changeSessionAfter(draft, finished);
  settleAll(draft, attempt);
  if (stage.at_most_once) withdrawCall(draft, run.id, path);
  const { emitted, failure, cache, turns } = finished;
  if (emitted) insertEvent(draft, eventId(run.id, path), emitted);
  if (cache && status === 'done' && !workspace?.isDirty) {
    keepOutput(draft, cache, { run: run.id, path, output, turns });
  }
  const usage = addUsage(run.spending.on(path), usageIn(attempt.entries));
  draft.insert(
    takeMade({
      _id: checkpointId(run.id, path),
      _type: 'checkpoint',
      run: run.id,
      path,
      status,
      ...failure,
      ...(stage.asked ? { asked: stage.asked } : {}),
      ...storeValue(draft, 'output', output),
      ...(usage.calls > 0 ? { usage } : {}),
    }),
  );
  const writes = workspace?.writes ?? [];
  const written = writes.length > 0 ? { writes } : {};
  // Not spread, which is slow for so many properties.
  const entry = Object.assign({ kind: 'stage', status }, facts, written, settledBy(attempt));
  auditAll(draft, [...attempt.entries, entry]);
}

/**
 * Remembers an attempt that left nothing else: that it was made, every model call in it,
 * and what they used.
 *
 * @throws {JdbxError} RUN_LEASE_LOST
 */
export function noteFailure(draft: Draft, failed: Failed): void {
  const { run, owner, path, status, attempt, facts, stage, error } = failed;
  failed.birth?.write(draft);
  fence(draft, run.id, owner);
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
  const entry = { kind: 'stage', status, ...facts, ...settledBy(attempt) };
  auditAll(draft, [...attempt.entries, entry]);
}

/** A process that finds the calls of a killed one asks the audit trail whether they are counted. */
function settledBy({ charges }: Attempt): { readonly reservations?: readonly string[] } {
  return charges.length === 0 ? {} : { reservations: charges.map((each) => each.reservation) };
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
  const { run, path, status, stage, context, output, attempt } = finished;
  const turns = isCompacting(run.id, path) ? [] : finished.turns;
  const { session } = run;
  if (session === undefined) return;
  const usage = usageIn(attempt.entries);
  // On what the commit finds: others may have changed the session since the stage began.
  const now = draft.get(session);
  if (!now && status !== 'done') return;
  const update = status === 'done' ? sessionUpdate(stage, context, output, now) : undefined;
  if (turns.length === 0 && usage.calls === 0 && !update && !stage.checkpoint) return;
  const checkpoint = checkpointId(run.id, path);
  changeSession(draft, { session, run: run.id, checkpoint, turns, usage, update });
}
