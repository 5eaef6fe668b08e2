import { isJdbxError, JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import { realSleep } from '../llm/sleep.js';
import { isTrue } from '../query/expression.js';
import type { Turn } from '../sessions/sessions.js';
import { Attempt, nothingGathered } from './attempt.js';
import { commitStage, noteFailure } from './commit-stage.js';
import type { StageOutcome, StageWork } from './contract.js';
import { withDeadline } from './deadline.js';
import type { Stage } from './pipeline-document.js';
import { mayRetry, rerunDelayMs, retryDelayMs } from './retry.js';
import { eventId } from './run-document.js';
import { failureFacts } from './run-errors.js';
import { endRun } from './run-writes.js';
import { usageIn } from './spending.js';
import { type CacheSlot, cacheSlot, keptOutput } from './stage-cache.js';
import { stageEntry } from './stage-entry.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { kindOf } from './stage-kinds.js';
import type { StageEnd, StageRun } from './stage-run.js';
import { Suspended } from './suspended.js';

/** How often a stage runs again because someone else changed what it wrote. */
const CONFLICTS_MAX = 20;
/** How long work that has to end may take to notice, in milliseconds. */
const GRACE_MS = 2_000;

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
    if (retry) await realSleep(retryDelayMs(retry, number, work.atWork.random), work.signal);
  }
}

/** One numbered attempt, to its commit; undefined when another one is due. */
async function attemptAndJudge(work: StageRun, number: number): Promise<StageEnd | undefined> {
  const { run, signal, atWork } = work;
  const gathered = nothingGathered();
  for (let conflicts = 0, again = false; ; again = true) {
    const attempt = new Attempt(number, run.now(), () => run.workspace(), gathered);
    try {
      if (again) await realSleep(rerunDelayMs(conflicts, atWork.random), signal);
      return await attemptOnce(work, attempt);
    } catch (thrown) {
      if (thrown instanceof Suspended) throw thrown;
      if (kindOf(work.stage).holdsStages) run.revisit();
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

/** @throws also at once */
function attemptOnce(work: StageRun, attempt: Attempt): Promise<StageEnd> {
  const { stage, path, context, run } = work;
  if (stage.when !== undefined && !isTrue(context.evaluate(stage.when))) {
    return commit(work, attempt, 'skipped', SKIPPED);
  }
  const input = context.resolve(stage.inputs, `${path}.inputs`);
  const cache = cacheSlot(work, input);
  const kept = cache && keptOutput(cache, attempt.startedAt, (id) => run.document(id));
  if (kept) return commit(work, attempt, 'done', kept);
  return workAndCommit(work, attempt, input, cache);
}

const SKIPPED: StageOutcome = { output: null };

async function workAndCommit(
  work: StageRun,
  attempt: Attempt,
  input: Value,
  cache: CacheSlot | undefined,
): Promise<StageEnd> {
  const { stage, path, signal } = work;
  const kind = kindOf(stage);
  const late = () =>
    new JdbxError('STAGE_TIMEOUT', `expected ${path} to end within ${stage.timeout} ms`, { path });
  const graceMs = kind.holdsStages ? undefined : GRACE_MS;
  const ms = kind.waits ? undefined : stage.timeout;
  const outcome = await withDeadline(signal, { ms, late, graceMs }, (inner) =>
    kind.run(stageWork(work, attempt, input, inner)),
  );
  return await commit(work, attempt, 'done', outcome, { cache });
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
  { output, turns = NO_TURNS, facts: own, emitted }: StageOutcome,
  { error, failure, cache }: CommitFacts = {},
): Promise<StageEnd> {
  const { run, stage, path, atWork, last } = work;
  const entry = stageEntry({ run, stage, path, attempt }, status, { own, error });
  const usage = usageIn(attempt.entries);
  const made = { work, attempt, entry, usage, status, output, turns, emitted, failure, cache };
  const end = { status, output, failure };
  // What an event wakes is looked for after the commit, by a run that is under way.
  const runEnd = emitted ? undefined : last?.ending(end, usage);
  const ended = await attempt.through(
    atWork.database.submit((draft) => {
      commitStage(draft, made);
      return runEnd && endRun(draft, run.id, atWork.owner, runEnd);
    }),
  );
  atWork.birth?.stored();
  run.spending.add(path, usage);
  if (ended) last?.ended(ended);
  if (emitted) await atWork.emitted(eventId(run.id, path));
  return end;
}

const NO_TURNS: readonly Turn[] = [];

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
  const { run, stage, path, atWork } = work;
  const entry = stageEntry({ run, stage, path, attempt }, status, { error });
  // What was used before is found out before there is more of it.
  const { spending } = run;
  try {
    const failed = { work, attempt, entry, error };
    await attempt.through(atWork.database.submit((draft) => noteFailure(draft, failed)));
    atWork.birth?.stored();
  } catch (failure) {
    // The store's own failure comes out, and says what it came on top of.
    if (failure instanceof Error) failure.cause ??= error;
    throw failure;
  }
  spending.add(path, usageIn(attempt.entries));
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
