import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import { roomyObject } from '../base/roomy-object.js';
import type { Value, ValueObject } from '../base/values.js';
import type { Database } from '../documents/database.js';
import { realSleep } from '../llm/sleep.js';
import { isTrue } from '../query/expression.js';
import type { SessionUsage } from '../sessions/sessions.js';
import { Attempt, nothingGathered } from './attempt.js';
import { commitStage, type Finished, type FirstCommit, noteFailure } from './commit-stage.js';
import type { Context } from './context.js';
import type { RunServices, StageOutcome, StageWork } from './contract.js';
import { withDeadline } from './deadline.js';
import type { Stage } from './pipeline-document.js';
import { mayRetry, rerunDelayMs, retryDelayMs } from './retry.js';
import { eventId, type RunDocument, type RunError } from './run-document.js';
import { failureFacts } from './run-errors.js';
import { endRun, type RunEnd } from './run-writes.js';
import { usageIn } from './spending.js';
import { type CacheSlot, cacheSlot, keptOutput } from './stage-cache.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { kindOf } from './stage-kinds.js';
import { Suspended } from './suspended.js';

/** How often a stage runs again because someone else changed what it wrote. */
const CONFLICTS_MAX = 20;
/** How long work that has to end may take to notice, in milliseconds. */
const GRACE_MS = 2_000;

export interface StageRun {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly run: RunServices;
  /** Called before stages within this one may be gone through again. */
  readonly revisit: () => void;
  /** Called when a commit has left an event. */
  readonly emitted: (event: string) => Promise<void>;
  /** Of a run that is not stored yet. */
  readonly birth?: FirstCommit | undefined;
  /** Of a run's last stage: how the run ends in this stage's commit, if it can. */
  readonly ending?: ((end: StageEnd, usage: SessionUsage) => RunEnd | undefined) | undefined;
  /** Called when it has. */
  readonly ended?: ((run: RunDocument) => void) | undefined;
  readonly pipeline: string;
  readonly owner: string;
  readonly database: Database;
  readonly random: () => number;
}

/** How a stage ended, once it is durable. */
export interface StageEnd {
  readonly status: 'done' | 'skipped' | 'continued';
  readonly output: Value;
  /** Of a stage that is `continued`: why, and where the run goes on. */
  readonly failure?: { readonly error: RunError; readonly goto?: string } | undefined;
}

/**
 * Runs one stage to its commit: `when`, attempts with their waits and timeout, and
 * `on_error`. What a failed attempt did to the database is dropped; that it was made,
 * and every model call in it, is kept in the audit trail.
 *
 * @throws what the last attempt threw, or the reason of `signal`
 */
export async function runStage(work: StageRun): Promise<StageEnd> {
  for (let number = 1; ; number++) {
    const end = await attemptAndJudge(work, number);
    if (end) return end;
    const { retry } = work.stage;
    if (retry) await realSleep(retryDelayMs(retry, number, work.random), work.signal);
  }
}

/** One numbered attempt, to its commit; undefined when another one is due. */
async function attemptAndJudge(work: StageRun, number: number): Promise<StageEnd | undefined> {
  const { run, signal, random } = work;
  const gathered = nothingGathered();
  for (let conflicts = 0, again = false; ; again = true) {
    const attempt = new Attempt(number, run.now(), () => run.workspace(), gathered);
    try {
      if (again) await realSleep(rerunDelayMs(conflicts, random), signal);
      return await attemptOnce(work, attempt);
    } catch (thrown) {
      if (thrown instanceof Suspended) throw thrown;
      if (kindOf(work.stage).holdsStages) work.revisit();
      if (isJdbxError(thrown, 'CONFLICT')) conflicts++;
      if (!signal.aborted && mayRerun(work.stage, thrown, conflicts)) continue;
      return await judge(work, attempt, thrown);
    } finally {
      attempt.close();
    }
  }
}

/** Not a failure of the stage's own: it runs again for the same attempt, on a fresh snapshot. */
function mayRerun({ at_most_once }: Stage, thrown: unknown, conflicts: number): boolean {
  if (isJdbxError(thrown, 'GUEST_QUEUE_FULL')) return true;
  return isJdbxError(thrown, 'CONFLICT') && conflicts <= CONFLICTS_MAX && !at_most_once;
}

async function attemptOnce(work: StageRun, attempt: Attempt): Promise<StageEnd> {
  const { stage, path, context, run, signal } = work;
  if (stage.when !== undefined && !isTrue(context.evaluate(stage.when))) {
    return commit(work, attempt, 'skipped', { output: null });
  }
  const input = context.resolve(stage.inputs, `${path}.inputs`);
  const cache = cacheSlot(work, input);
  const kept = cache && keptOutput(cache, attempt.startedAt, (id) => run.document(id));
  if (kept) return commit(work, attempt, 'done', kept);
  const kind = kindOf(stage);
  const late = () =>
    new JdbxError('STAGE_TIMEOUT', `expected ${path} to end within ${stage.timeout} ms`, { path });
  const graceMs = kind.holdsStages ? undefined : GRACE_MS;
  const ms = kind.waits ? undefined : stage.timeout;
  const outcome = await withDeadline(signal, { ms, late, graceMs }, (inner) =>
    kind.run(stageWork(work, attempt, input, inner)),
  );
  return commit(work, attempt, 'done', outcome, { cache });
}

/** Written out, as every object of every stage's road is: to spread so many is slow. */
function stageWork(
  { stage, path, context, run }: StageRun,
  attempt: Attempt,
  input: Value,
  signal: AbortSignal,
): StageWork {
  return {
    stage,
    path,
    input,
    context,
    run,
    signal,
    attempt: attempt.number,
    startedAt: attempt.startedAt,
    workspace: attempt.workspace,
    nextCall: attempt.nextCall,
    nextCharge: attempt.nextCharge,
    note: attempt.note,
    charge: attempt.charge,
    leave: attempt.leave,
  };
}

/** What becomes of a failed attempt: undefined when the stage is to be tried again. */
async function judge(
  work: StageRun,
  attempt: Attempt,
  thrown: unknown,
): Promise<StageEnd | undefined> {
  const { stage, signal } = work;
  const error = rootCause(thrown);
  // Another process has the run now: nothing may be written for it from here.
  if (isJdbxError(error, 'RUN_LEASE_LOST')) throw thrown;
  const stopped = signal.aborted;
  const again = !stopped && mayRetry(stage.retry, attempt.number, error);
  const fallback = stopped || again ? undefined : continuation(stage);
  if (fallback) {
    const stageOf = thrown instanceof StageFailure ? thrown.path : work.path;
    const failure = { error: failureFacts(error, stageOf), ...fallback.goto };
    return commit(work, attempt, 'continued', { output: fallback.value }, { error, failure });
  }
  await remember(work, attempt, stopped ? 'stopped' : 'failed', error);
  if (again) return undefined;
  throw stopped ? signal.reason : thrown;
}

async function commit(
  work: StageRun,
  attempt: Attempt,
  status: StageEnd['status'],
  { output, turns = [], facts: own, emitted }: StageOutcome,
  { error, failure, cache }: CommitFacts = {},
): Promise<StageEnd> {
  const { path, run, database } = work;
  const facts = Object.assign(roomyObject<Value>(FACTS), stageFacts(work, attempt, error), own);
  const { stage, context, owner, birth } = work;
  // What the commit goes by, and no more: it is held until the commit is durable.
  const finished: Finished = {
    stage,
    path,
    context,
    run,
    owner,
    birth,
    attempt,
    facts,
    status,
    output,
    turns,
    emitted,
    failure,
    cache,
  };
  const usage = usageIn(attempt.entries);
  const end = { status, output, failure };
  // What an event wakes is looked for after the commit, by a run that is under way.
  const last = emitted ? undefined : work.ending?.(end, usage);
  const ended = await attempt.through(
    database.submit((draft) => {
      commitStage(draft, finished);
      return last && endRun(draft, run.id, work.owner, last);
    }),
  );
  work.birth?.stored();
  run.spending.add(path, usage);
  if (ended) work.ended?.(ended);
  if (emitted) await work.emitted(eventId(run.id, path));
  return end;
}

/** What a commit goes by, and no more: it is held until the commit is durable. */
function writtenBy(
  { stage, path, context, run, owner, birth }: StageRun,
  attempt: Attempt,
  facts: ValueObject,
) {
  return { stage, path, context, run, owner, birth, attempt, facts };
}

/** As many facts as a stage's audit document has, or more. */
const FACTS = 20;

interface CommitFacts {
  readonly error?: unknown;
  readonly failure?: StageEnd['failure'];
  readonly cache?: CacheSlot | undefined;
}

async function remember(
  work: StageRun,
  attempt: Attempt,
  status: 'failed' | 'stopped',
  error: unknown,
): Promise<void> {
  const facts = stageFacts(work, attempt, error);
  // What was used before is found out before there is more of it.
  const { spending } = work.run;
  try {
    const failed = { ...writtenBy(work, attempt, facts), status, error };
    await attempt.through(work.database.submit((draft) => noteFailure(draft, failed)));
    work.birth?.stored();
  } catch (failure) {
    // The store's own failure comes out, and says what it came on top of.
    if (failure instanceof Error) failure.cause ??= error;
    throw failure;
  }
  spending.add(work.path, usageIn(attempt.entries));
}

function stageFacts(
  { run, pipeline, stage, path }: StageRun,
  { number, startedAt }: Attempt,
  error: unknown,
): ValueObject {
  return {
    run: run.id,
    pipeline,
    path,
    stage: kindOf(stage).name,
    attempt: number,
    started_at: new Date(startedAt).toISOString(),
    duration_ms: Math.max(0, run.now() - startedAt),
    definitions: run.definitions.pinsOf(stage),
    ...(error === undefined ? {} : { error: errorFacts(error) }),
  };
}

interface Continuation {
  readonly value: Value;
  readonly goto?: { readonly goto: string };
}

/** What a stage that failed leaves, where the run goes on after it. */
export function continuation({ on_error }: Stage): Continuation | undefined {
  if (on_error === 'continue') return { value: null };
  if (typeof on_error !== 'object') return undefined;
  return 'goto' in on_error ? { value: null, goto: on_error } : { value: on_error.continue };
}

/** What the audit trail says of an error; of a guest's also where it was and what it printed. */
function errorFacts(error: unknown): ValueObject {
  if (!(error instanceof JdbxError)) return { code: 'UNKNOWN', message: describeThrown(error) };
  const { code, message, path, details } = error;
  const { guestCode, module, line, column, console } = (details ?? {}) as ValueObject;
  const facts = { code, guest_code: guestCode, message, path, module, line, column, console };
  return Object.fromEntries(
    Object.entries(facts).filter(([, fact]) => fact !== undefined),
  ) as ValueObject;
}
