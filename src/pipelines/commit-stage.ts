import type { NewDocument } from '../base/document.js';
import { isPlainObject, takeValue, type Value, type ValueObject } from '../base/values.js';
import type { Update } from '../documents/contract.js';
import type { Draft } from '../documents/draft.js';
import { takeDocument } from '../documents/take-document.js';
import type { AuditEntry } from '../history/audit-chain.js';
import { changeSession } from '../sessions/sessions.js';
import type { Context } from './context.js';
import { type Stage, type StageOutcome, usageOf } from './contract.js';
import { fence } from './fence.js';
import { checkpointId } from './run-document.js';
import { storeValue } from './stored-value.js';

/** One finished stage, ready to become durable. */
export interface FinishedStage {
  readonly run: string;
  readonly owner: string;
  readonly session: string | undefined;
  readonly stage: Stage;
  readonly path: string;
  readonly status: 'done' | 'skipped' | 'continued';
  readonly outcome: StageOutcome;
  readonly context: Context;
  /** What happened on the way: model calls, refusals. */
  readonly entries: readonly AuditEntry[];
  /** Facts of the stage's own audit document. */
  readonly facts: ValueObject;
}

/**
 * Writes into one commit what a stage did to the database, its checkpoint, its change
 * to the session and its audit documents. All of it becomes durable, or none.
 *
 * @throws {JdbxError} RUN_LEASE_LOST, CONFLICT
 */
export function commitStage(draft: Draft, finished: FinishedStage): void {
  const { run, owner, path, status, outcome, entries, facts } = finished;
  const usage = usageOf(outcome);
  fence(draft, run, owner);
  outcome.workspace?.commitInto(draft);
  changeSessionOf(draft, finished);
  draft.insert(
    takeDocument({
      _id: checkpointId(run, path),
      _type: 'checkpoint',
      run,
      path,
      status,
      ...storeValue(draft, 'output', outcome.output),
      ...(usage.calls > 0 ? { usage } : {}),
    } as unknown as NewDocument),
  );
  const writes = outcome.workspace?.writes ?? [];
  auditAll(draft, [
    ...entries,
    { kind: 'stage', status, ...facts, ...outcome.facts, ...(writes.length > 0 ? { writes } : {}) },
  ]);
}

/** Adds entries to the audit trail, as values. */
export function auditAll(draft: Draft, entries: readonly object[]): void {
  for (const entry of entries) draft.audit(takeValue(entry) as AuditEntry);
}

function changeSessionOf(draft: Draft, finished: FinishedStage): void {
  const { run, session, path, outcome, status } = finished;
  const turns = outcome.turns ?? [];
  const update = status === 'done' ? sessionUpdate(finished) : undefined;
  if (session === undefined || (turns.length === 0 && !update)) return;
  changeSession(draft, {
    session,
    run,
    checkpoint: checkpointId(run, path),
    turns,
    usage: outcome.usage,
    update,
  });
}

/** The stage's update operators with their expressions evaluated, its own output included. */
function sessionUpdate({ stage, context, outcome }: FinishedStage): Update | undefined {
  if (!stage.session) return undefined;
  const after = context.child({ [stage.name]: outcome.output }, outcome.output);
  const evaluated = Object.entries(stage.session).map(([operator, changes]) => [
    operator,
    Object.fromEntries(
      Object.entries(isPlainObject(changes) ? changes : {}).map(([field, expression]) => [
        field,
        after.evaluate(expression as Value),
      ]),
    ),
  ]);
  return Object.fromEntries(evaluated) as Update;
}
