import type { Document } from '../base/document.js';
import { describeThrown, type ErrorCode, isJdbxError, JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import { Birth, isUnseen } from './birth.js';
import { compensate } from './compensation.js';
import type { RunServices } from './contract.js';
import { Execution, type ExecutionOptions } from './execution.js';
import { ForgottenCalls } from './forgotten-calls.js';
import { type Pinned, pinDefinitions } from './pins.js';
import type { Pipeline } from './pipeline-document.js';
import type { RunDeps } from './run-deps.js';
import type {
  CheckpointDocument,
  PartialResult,
  RunDocument,
  RunError,
  RunResult,
} from './run-document.js';
import { failureFacts, runFailed } from './run-errors.js';
import {
  beginCompensation,
  endRun,
  insertRun,
  type NewRun,
  type RunEnd,
  suspendRun,
  type TakeOver,
  takeOver,
} from './run-writes.js';
import { NO_USAGE } from './spending.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { isInline, loadValue } from './stored-value.js';
import { Suspended } from './suspended.js';

/** Not the run's own failure: it stays unfinished, and goes on when it is taken up again. */
const UNFINISHED = [
  'RUN_LEASE_LOST',
  'STORE_CLOSED',
  'STORE_FULL',
  'STORE_IO',
  'STORE_READ_ONLY',
] as const;
/** Leaves room in the ids of a session's turns. */
const SESSION_ID_BYTES_MAX = 900;

/** Where a run stands among others. */
export interface Place {
  /** How deep it is nested. */
  readonly depth: number;
  /** Milliseconds since the epoch. Default: what the run's document says. */
  readonly deadlineAt?: number | undefined;
}

/** One run from its first commit to its last. Which runs there are is the caller's. */
export class RunLife {
  readonly #deps: RunDeps;
  readonly #forgotten: ForgottenCalls;

  constructor(deps: RunDeps) {
    this.#deps = deps;
    this.#forgotten = new ForgottenCalls(deps.database, deps.reservations);
  }

  /** @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written */
  async create(run: NewRun): Promise<RunDocument> {
    const { database, leases } = this.#deps;
    this.#checkSession(run.session);
    return database.submit((draft) => insertRun(draft, run, leases));
  }

  /**
   * The same for a run whose first stage nobody can see from outside: it is stored with that.
   * Undefined of any other.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT
   */
  conceive(run: NewRun, onStored: () => void): Birth | undefined {
    const { database, leases, clock } = this.#deps;
    const { held: owner } = leases;
    const isPart = run.parent ?? run.session ?? run.budgetKey;
    if (owner === undefined || isPart !== undefined || !this.#beginsUnseen(run)) return undefined;
    if (!isInline(run.input)) return undefined;
    return new Birth(database, { run, owner, at: clock.now(), onStored });
  }

  #beginsUnseen({ pipeline, pinned: { definitions } }: NewRun): boolean {
    const current = (id: string) => {
      const found = this.#deps.database.latest(id);
      return found?._rev === definitions[id] ? found : undefined;
    };
    const { stages } = (current(pipeline) ?? {}) as Partial<Pipeline>;
    // One that has changed since is not looked at.
    return isUnseen(stages?.[0], (id) => (current(id) ?? { permissions: ['?'] }).permissions);
  }

  /** The revisions that a new run uses: the current ones. */
  pinCurrent(pipeline: string): Pinned {
    const { database, codes } = this.#deps;
    using snapshot = database.snapshot();
    return pinDefinitions(pipeline, {
      document: (id) => snapshot.get(id),
      typesOf: (type) => database.typesOf(type),
      importsOf: (document) => codes.importsOf(document),
    });
  }

  /** Those of a child run: it is a part of its parent, and uses what that was pinned to. */
  pinFrom(parent: RunServices, pipeline: string): Pinned {
    const document = (id: string) => parent.definitions.get(id);
    const importsOf = (each: Document) => parent.codes.importsOf(each);
    return pinDefinitions(pipeline, { document, typesOf: parent.typesOf, importsOf });
  }

  /**
   * Makes a run that was begun before this process's own.
   *
   * @throws {JdbxError} MISSING_DOCUMENT; RUN_LEASE_LOST when another process has it under way
   */
  async takeOver(taking: TakeOver): Promise<RunDocument> {
    const { database, leases } = this.#deps;
    const run = await database.submit((draft) => takeOver(draft, taking, leases));
    await this.#forgotten.settle(taking.id);
    return run;
  }

  /**
   * Runs what is left, until the run ends or has nothing to do.
   *
   * @throws {JdbxError} RUN_FAILED, RUN_CANCELLED, or why the run stays unfinished
   */
  async execute(
    begun: RunDocument,
    { depth, deadlineAt = deadlineOf(begun) }: Place,
    resumed: boolean,
    signal: AbortSignal,
    birth?: Birth,
  ): Promise<RunResult> {
    const { database } = this.#deps;
    const { owner = '' } = begun;
    this.#deps.emit('run-start', { run: begun._id, pipeline: begun.pipeline, resumed });
    for (let run = begun, again = resumed; ; again = true) {
      const options = { depth, resumed: again, deadlineAt, birth };
      const end = await this.#walk(run, options, signal);
      if (!(end instanceof Suspended)) return end;
      if (await database.submit((draft) => suspendRun(draft, run._id, owner, end.on))) {
        return this.#standing(run._id);
      }
      // Something has come since: the run goes on at once.
      run = (await database.get<RunDocument>(run._id)) as RunDocument;
    }
  }

  async #walk(
    run: RunDocument,
    options: ExecutionOptions,
    signal: AbortSignal,
  ): Promise<RunResult | Suspended> {
    let execution: Execution | undefined;
    try {
      execution = new Execution(run, this.#deps, options);
      const output = await this.#perform(execution, run, signal, options.birth);
      await options.birth?.settle();
      if (execution.ended) {
        this.#tellEnd(run, { status: 'completed' });
        return this.resultOf(execution.ended);
      }
      const waits = this.#openWaits(execution);
      const usage = execution.spending.total;
      return this.resultOf(await this.#end(run, { status: 'completed', output, usage, waits }));
    } catch (thrown) {
      await options.birth?.settle();
      if (thrown instanceof Suspended && !signal.aborted) return thrown;
      const reason = signal.aborted ? signal.reason : rootCause(thrown);
      if (isJdbxError(reason, 'RUN_PAUSED')) return { ...this.standingOf(run), status: 'paused' };
      if (isJdbxError(reason, ...UNFINISHED)) throw reason;
      return this.#fail(run, execution, thrown, reason);
    }
  }

  /** @throws {JdbxError} RUN_FAILED, RUN_CANCELLED */
  async #fail(
    run: RunDocument,
    execution: Execution | undefined,
    thrown: unknown,
    reason: unknown,
  ): Promise<never> {
    const status = isJdbxError(reason, 'RUN_CANCELLED') ? 'cancelled' : 'failed';
    const error = failureFacts(reason, thrown instanceof StageFailure ? thrown.path : undefined);
    if (execution) await this.#endChildren(execution);
    const waits = execution ? this.#openWaits(execution) : [];
    const usage = execution?.spending.total ?? NO_USAGE;
    const partial = isJdbxError(reason, 'BUDGET_EXCEEDED')
      ? this.#partial(run._id, error)
      : undefined;
    await this.#end(run, { status, error, usage, waits, partial });
    throw status === 'cancelled' ? reason : runFailed(run._id, error, reason, partial);
  }

  /** The pipeline; and when it fails and says so, what undoes it. */
  async #perform(
    execution: Execution,
    run: RunDocument,
    signal: AbortSignal,
    birth: Birth | undefined,
  ): Promise<Value> {
    const { compensating } = run;
    if (compensating) {
      await this.#compensate(execution, compensating, signal);
      const { code, message, stage = '' } = compensating;
      throw new StageFailure(stage, new JdbxError(code as ErrorCode, withoutCode(message, code)));
    }
    try {
      return await execution.run(signal);
    } catch (thrown) {
      if (thrown instanceof Suspended || signal.aborted || !asksToUndo(thrown, execution))
        throw thrown;
      const stage = thrown instanceof StageFailure ? thrown.path : undefined;
      const error = failureFacts(rootCause(thrown), stage);
      const { owner } = execution;
      const { database } = this.#deps;
      await birth?.settle();
      await database.submit((draft) => beginCompensation(draft, run._id, owner, error));
      await this.#compensate(execution, error, signal);
      throw thrown;
    }
  }

  /** @throws {StageFailure} COMPENSATION_FAILED */
  async #compensate(execution: Execution, error: RunError, signal: AbortSignal): Promise<void> {
    try {
      await compensate(execution, signal, (child, path) =>
        this.#undoChild(execution, { child, path }, error, signal),
      );
    } catch (thrown) {
      const cause = rootCause(thrown);
      const passes =
        thrown instanceof Suspended || signal.aborted || isJdbxError(cause, ...UNFINISHED);
      if (passes || !(thrown instanceof StageFailure)) throw thrown;
      const text = `undoing failed after ${error.message}: ${describeThrown(cause)}`;
      throw new StageFailure(thrown.path, new JdbxError('COMPENSATION_FAILED', text, { cause }));
    }
  }

  /** Undoes what a child run did, which ends as failed: its parent has. */
  async #undoChild(
    parent: Execution,
    { child: id, path }: { readonly child: string; readonly path: string },
    { stage: _, ...error }: RunError,
    signal: AbortSignal,
  ): Promise<void> {
    const { database } = this.#deps;
    const run = await this.takeOver({ id, parent });
    if (!run.compensating) {
      await database.submit((draft) => beginCompensation(draft, id, parent.owner, error));
    }
    const options = { depth: parent.depth + 1, resumed: true, deadlineAt: parent.deadlineAt };
    const execution = new Execution(run, this.#deps, options);
    await this.#compensate(execution, error, signal);
    const waits = this.#openWaits(execution);
    const usage = execution.spending.total;
    await this.#end(run, { status: 'failed', error, usage, waits });
    parent.spending.set(path, usage);
  }

  /** What there is of a run whose budget ended: what was done stays, and is worth something. */
  #partial(run: string, { stage, message }: RunError): PartialResult {
    using snapshot = this.#deps.database.snapshot();
    const done = { _type: 'checkpoint', run, status: { $ne: 'skipped' } };
    const finished = snapshot.query<CheckpointDocument>(done, { projection: { path: 1 } });
    const cut = stage === undefined ? {} : { cut: stage };
    return { finished: finished.map(({ path }) => path), ...cut, why: message };
  }

  #openWaits(execution: Execution): string[] {
    if (!execution.waited) return [];
    using snapshot = this.#deps.database.snapshot();
    const open = { _type: 'wait', run: execution.id, status: 'open' };
    return snapshot.query(open, { projection: { run: 1 } }).map(({ _id }) => _id);
  }

  /** How a run stands that has not ended. */
  async #standing(id: string): Promise<RunResult> {
    const run = (await this.#deps.database.get<RunDocument>(id)) as RunDocument;
    this.#deps.emit('run-end', {
      run: id,
      pipeline: run.pipeline,
      status: 'waiting',
      durationMs: Math.max(0, this.#deps.clock.now() - Date.parse(run.started_at)),
    });
    return this.standingOf({ ...run, status: 'waiting' } as RunDocument);
  }

  standingOf({ _id: id, pipeline, status, usage, started_at }: RunDocument): RunResult {
    const durationMs = Math.max(0, this.#deps.clock.now() - Date.parse(started_at));
    const stands = status === 'paused' ? 'paused' : 'waiting';
    return { id, pipeline, status: stands, output: null, usage: usage ?? NO_USAGE, durationMs };
  }

  resultOf(run: RunDocument): RunResult {
    const { database } = this.#deps;
    return {
      id: run._id,
      pipeline: run.pipeline,
      status: 'completed',
      output: loadValue(run, 'output', (id) => database.latest(id)),
      usage: run.usage ?? NO_USAGE,
      durationMs: Date.parse(run.ended_at ?? run.started_at) - Date.parse(run.started_at),
    };
  }

  async #end(run: RunDocument, end: RunEnd): Promise<RunDocument> {
    const { _id, owner = '' } = run;
    const ended = await this.#deps.database.submit((draft) => endRun(draft, _id, owner, end));
    this.#tellEnd(run, end);
    return ended;
  }

  #tellEnd(run: RunDocument, { status, error }: Pick<RunEnd, 'status' | 'error'>): void {
    const { _id, pipeline, started_at } = run;
    const { emit, clock } = this.#deps;
    const durationMs = Math.max(0, clock.now() - Date.parse(started_at));
    emit('run-end', { run: _id, pipeline, status, durationMs, ...(error ? { error } : {}) });
  }

  /** Ends child runs that an earlier process left, and that nobody takes up any more. */
  async #endChildren(parent: Execution): Promise<void> {
    const { database } = this.#deps;
    const left = await database
      .query<RunDocument>({
        _type: 'run',
        status: { $in: ['running', 'waiting', 'paused'] },
        parent: parent.id,
      })
      .toArray();
    for (const { _id } of left) {
      const run = await this.takeOver({ id: _id, parent });
      const options = { depth: parent.depth + 1, resumed: true, deadlineAt: undefined };
      const execution = new Execution(run, this.#deps, options);
      await this.#endChildren(execution);
      const usage = execution.spending.total;
      const error = { code: 'RUN_CANCELLED', message: `${parent.id} has ended` };
      const waits = this.#openWaits(execution);
      await this.#end(run, { status: 'cancelled', error, usage, waits });
      parent.spending.set(_id, usage);
    }
  }

  #checkSession(id: string | undefined): void {
    if (id === undefined) return;
    const { database } = this.#deps;
    using snapshot = database.snapshot();
    const type = snapshot.get<RunDocument>(id)?._type;
    const fits = type === undefined || database.typesOf('session').includes(type);
    if (fits && Buffer.byteLength(id) <= SESSION_ID_BYTES_MAX) return;
    const got = fits ? 'a longer one' : `${id}, which is a ${type}`;
    throw new JdbxError(
      'INVALID_DOCUMENT',
      `expected the id of a session, of at most ${SESSION_ID_BYTES_MAX} bytes, got ${got}`,
      { path: 'session' },
    );
  }
}

function deadlineOf({ deadline }: RunDocument): number | undefined {
  return deadline === undefined ? undefined : Date.parse(deadline);
}

function asksToUndo(thrown: unknown, execution: Execution): boolean {
  if (isJdbxError(rootCause(thrown), ...UNFINISHED)) return false;
  const says = thrown instanceof StageFailure && thrown.compensate;
  return says || execution.pipeline().on_error === 'compensate';
}

function withoutCode(message: string, code: string): string {
  return message.startsWith(code) ? message.slice(message.indexOf(': ') + 2) : message;
}
