import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import type { Value, ValueObject } from '../base/values.js';
import type { Database } from '../documents/database.js';
import type { AuditEntry } from '../history/audit-chain.js';
import { realSleep } from '../llm/sleep.js';
import type { SessionUsage } from '../sessions/sessions.js';
import { auditAll, commitStage } from './commit-stage.js';
import type { Context } from './context.js';
import { type RunServices, type Stage, type StageOutcome, usageOf } from './contract.js';
import { withDeadline } from './deadline.js';
import { fence } from './fence.js';
import { mayRetry, retryDelayMs } from './retry.js';
import { rootCause } from './stage-failure.js';
import { kindOf } from './stage-kinds.js';

/** How often a stage runs again because someone else changed what it wrote. */
const CONFLICTS_MAX = 20;

export interface StageRun {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly run: RunServices;
  readonly pipeline: string;
  readonly owner: string;
  readonly database: Database;
  readonly random: () => number;
}

/** How a stage ended, once it is durable. */
export interface StageEnd {
  readonly status: 'done' | 'skipped' | 'continued';
  readonly output: Value;
  /** Its own calls and those of its child runs. */
  readonly usage: SessionUsage;
}

/**
 * Runs one stage to its commit: `when`, attempts with their waits and timeout, and
 * `on_error`. What a failed attempt did to the database is dropped; that it was made,
 * and every model call in it, is kept in the audit trail.
 *
 * @throws what the last attempt threw
 */
export async function runStage(work: StageRun): Promise<StageEnd> {
  const { stage, context } = work;
  if (stage.when !== undefined && !isTrue(context.evaluate(stage.when))) {
    return commit(work, 'skipped', { output: null }, [], { attempt: 0 });
  }
  for (let attempt = 1, conflicts = 0; ; ) {
    const entries: AuditEntry[] = [];
    const startedAt = work.run.now();
    try {
      const outcome = await attemptOnce(work, entries);
      return await commit(work, 'done', outcome, entries, { attempt, startedAt });
    } catch (thrown) {
      if (work.signal.aborted) throw work.signal.reason;
      const error = rootCause(thrown);
      if (isJdbxError(error, 'RUN_LEASE_LOST', 'STORE_CLOSED')) throw thrown;
      if (isJdbxError(error, 'CONFLICT') && ++conflicts <= CONFLICTS_MAX) continue;
      const again = mayRetry(stage.retry, attempt, error);
      const fallback = again ? undefined : continuation(stage);
      if (fallback) {
        const facts = { attempt, startedAt, error: errorFacts(error) };
        return commit(work, 'continued', { output: fallback.value }, entries, facts);
      }
      await noteFailure(work, entries, { attempt, startedAt, error: errorFacts(error) });
      if (!again || !stage.retry) throw thrown;
      await realSleep(retryDelayMs(stage.retry, attempt, work.random), work.signal);
      attempt++;
    }
  }
}

async function attemptOnce(work: StageRun, entries: AuditEntry[]): Promise<StageOutcome> {
  const { stage, path, context, run, signal } = work;
  const input = context.resolve(stage.inputs, `${path}.inputs`);
  const late = () =>
    new JdbxError('STAGE_TIMEOUT', `expected ${path} to end within ${stage.timeout} ms`, { path });
  return withDeadline(signal, stage.timeout, late, async (inner) => {
    const note = (entry: AuditEntry) => entries.push(entry);
    const outcome = await kindOf(stage).run({
      stage,
      path,
      input,
      context,
      run,
      signal: inner,
      note,
    });
    // Too late: nobody will commit it, so nobody else would close it.
    if (inner.aborted) outcome.workspace?.close();
    return outcome;
  });
}

interface AttemptFacts {
  readonly attempt: number;
  readonly startedAt?: number;
  readonly error?: ValueObject;
}

async function commit(
  work: StageRun,
  status: StageEnd['status'],
  outcome: StageOutcome,
  entries: readonly AuditEntry[],
  attempt: AttemptFacts,
): Promise<StageEnd> {
  const { stage, path, context, run, owner } = work;
  const facts = stageFacts(work, attempt);
  const common = { run: run.id, owner, session: run.session, stage, path, context };
  try {
    await work.database.submit((draft) =>
      commitStage(draft, { ...common, status, outcome, entries, facts }),
    );
  } finally {
    outcome.workspace?.close();
  }
  return { status, output: outcome.output, usage: usageOf(outcome) };
}

async function noteFailure(
  work: StageRun,
  entries: readonly AuditEntry[],
  attempt: AttemptFacts,
): Promise<void> {
  const facts = { kind: 'stage', status: 'failed', ...stageFacts(work, attempt) };
  await work.database.submit((draft) => {
    fence(draft, work.run.id, work.owner);
    auditAll(draft, [...entries, facts]);
  });
}

function stageFacts(
  { run, pipeline, stage, path }: StageRun,
  { attempt, startedAt, error }: AttemptFacts,
): ValueObject {
  const now = run.now();
  return {
    run: run.id,
    pipeline,
    path,
    stage: kindOf(stage).name,
    attempt,
    started_at: new Date(startedAt ?? now).toISOString(),
    duration_ms: now - (startedAt ?? now),
    definitions: run.definitions.pinsOf(stage),
    ...(error ? { error } : {}),
  };
}

function continuation({ on_error }: Stage): { readonly value: Value } | undefined {
  if (on_error === 'continue') return { value: null };
  return typeof on_error === 'object' ? { value: on_error.continue } : undefined;
}

function errorFacts(error: unknown): ValueObject {
  if (!(error instanceof JdbxError)) return { code: 'UNKNOWN', message: describeThrown(error) };
  return { code: error.code, message: error.message, ...(error.path ? { path: error.path } : {}) };
}

/** As in a `$cond`: null, false, 0 and a missing value are false. */
function isTrue(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0;
}
