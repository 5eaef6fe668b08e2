import { isJdbxError, JdbxError } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { isPlainObject, takeValue, type Value } from '../base/values.js';
import type { ChildResult } from './contract.js';
import { heedless } from './events.js';
import { Execution, type RunDeps } from './execution.js';
import { Gate } from './gate.js';
import { type Pins, pinDefinitions } from './pins.js';
import { childRunId, type RunDocument, type RunResult } from './run-document.js';
import { childFailure, endedBadly, failureFacts, runFailed } from './run-errors.js';
import { endRun, insertRun, type RunEnd, takeOver } from './run-writes.js';
import { NO_USAGE } from './spending.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { loadValue } from './stored-value.js';
import { type RunIdentity, UnderWay } from './under-way.js';

export interface RunOptions {
  /** The session that the run belongs to; made when it does not exist. Default: `input.session_id`. */
  readonly session?: string | undefined;
  /** Names the run: the same key gives the same run, under way or ended. Default: a fresh name. */
  readonly key?: string | undefined;
  /** Cancels the run, also one that is joined. */
  readonly signal?: AbortSignal | undefined;
}

interface Start extends RunIdentity {
  readonly input: Value;
  readonly session: string | undefined;
  readonly depth: number;
  readonly pin: () => Pins;
}

/** How deep pipelines may call pipelines. */
const DEPTH_MAX = 16;
/** How many unfinished runs are taken up at once when a store is opened. */
const RESUMED_AT_ONCE = 64;
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

/** Every run of one open store: starting, joining, resuming, cancelling. */
export class Runs {
  readonly #deps: RunDeps;
  readonly #underWay = new Map<string, UnderWay>();
  /** Why no run goes on any more, once the store is closing. */
  #refusal: JdbxError | undefined;

  constructor(deps: Omit<RunDeps, 'child'>) {
    this.#deps = {
      ...deps,
      emit: heedless(deps.emit),
      child: (parent, pipeline, input, path, signal) =>
        this.#child(parent, pipeline, input, path, signal),
    };
  }

  /**
   * Runs a pipeline document to its end.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written;
   * CONFLICT when the key is another run's; RUN_FAILED, RUN_CANCELLED when the run ended so; STORE_CLOSED
   * when the store was closed meanwhile: the run goes on when it is opened again
   */
  async run(pipeline: string, input: unknown, options: RunOptions): Promise<RunResult> {
    const { key, signal } = options;
    checkText(pipeline, "a pipeline's id");
    if (key !== undefined) checkText(key, 'a key');
    const value = takeValue(input, 'input');
    const start: Start = {
      id: key === undefined ? newId('run') : `run:${key}`,
      pipeline,
      parent: undefined,
      input: value,
      session: options.session ?? sessionIn(value),
      depth: 0,
      pin: () => this.#pin(pipeline),
    };
    return this.#start(start, signal);
  }

  /** Takes up every run that another process left unfinished, some at a time. Returns their ids. */
  async resumeUnfinished(): Promise<string[]> {
    const unfinished = await this.#deps.database
      .query<RunDocument>({ _type: 'run', status: 'running', parent: { $exists: false } })
      .project<RunDocument>({ pipeline: 1 })
      .toArray();
    const runs = unfinished.filter(({ _id }) => !this.#underWay.has(_id));
    const gate = new Gate(RESUMED_AT_ONCE);
    for (const { _id: id, pipeline } of runs) {
      const resume = (signal: AbortSignal) => gate.pass(() => this.#resume(id, 0, signal));
      // The outcome is in the run document and the audit trail; nobody waits for it here.
      this.#begin({ id, pipeline, parent: undefined }, resume).result.catch(() => {});
    }
    return runs.map(({ _id }) => _id);
  }

  /** Stops a run under way. False when it is not. */
  cancel(id: string): boolean {
    const found = this.#underWay.get(id);
    found?.cancel(new JdbxError('RUN_CANCELLED', `${id} was cancelled`));
    return found !== undefined;
  }

  /** Waits for every run under way, however it ends. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.allSettled([...this.#underWay.values()].map(({ result }) => result));
    }
  }

  /** Stops runs after the stage commits that are on their way; they resume at the next open. */
  async close(): Promise<void> {
    this.#refusal = new JdbxError('STORE_CLOSED', 'the store is closing; the run will resume');
    // Each is told in turn: a signal with a listener for each run would make Node warn of a leak.
    for (const run of this.#underWay.values()) run.cancel(this.#refusal);
    await this.settled();
  }

  #start(start: Start, signal: AbortSignal | undefined): Promise<RunResult> {
    const known = this.#underWay.get(start.id);
    if (known) checkSame(known.identity, start);
    const run = known ?? this.#begin(start, (own) => this.#createOrResume(start, own));
    run.follow(signal);
    return run.result;
  }

  #begin(identity: RunIdentity, work: (signal: AbortSignal) => Promise<RunResult>): UnderWay {
    const run = new UnderWay(identity, work, () => this.#underWay.delete(identity.id));
    this.#underWay.set(identity.id, run);
    if (this.#refusal) run.cancel(this.#refusal);
    return run;
  }

  async #createOrResume(start: Start, signal: AbortSignal): Promise<RunResult> {
    const { database } = this.#deps;
    const known = await database.get<RunDocument>(start.id);
    if (!known) return this.#execute(await this.#create(start), start.depth, false, signal);
    checkSame(identityOf(known), start);
    if (known.status === 'completed') return this.#resultOf(known);
    // A child that ended badly is taken up again when its stage is.
    if (known.status !== 'running' && start.parent === undefined) throw endedBadly(known);
    return this.#resume(start.id, start.depth, signal);
  }

  #create({ pin, ...start }: Start): Promise<RunDocument> {
    const { database, owner } = this.#deps;
    this.#checkSession(start.session);
    const definitions = pin();
    return database.submit((draft) => insertRun(draft, { ...start, definitions, owner }));
  }

  #pin(pipeline: string): Pins {
    const { database } = this.#deps;
    using snapshot = database.snapshot();
    return pinDefinitions(pipeline, {
      document: (id) => snapshot.get(id),
      typesOf: (type) => database.typesOf(type),
    });
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

  async #resume(id: string, depth: number, signal: AbortSignal): Promise<RunResult> {
    const { database, owner } = this.#deps;
    signal.throwIfAborted();
    const run = await database.submit((draft) => takeOver(draft, id, owner));
    return this.#execute(run, depth, true, signal);
  }

  async #execute(
    run: RunDocument,
    depth: number,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const { emit, clock } = this.#deps;
    const facts = { run: run._id, pipeline: run.pipeline };
    emit('run-start', { ...facts, resumed });
    const durationMs = () => Math.max(0, clock.now() - Date.parse(run.started_at));
    let execution: Execution | undefined;
    const end = (how: Omit<RunEnd, 'usage'>) =>
      this.#end(run._id, { ...how, usage: execution?.spending.total ?? NO_USAGE });
    try {
      execution = new Execution(run, this.#deps, { depth, resumed });
      const output = await execution.run(signal);
      const ended = await end({ status: 'completed', output });
      emit('run-end', { ...facts, status: 'completed', durationMs: durationMs() });
      return this.#resultOf(ended);
    } catch (thrown) {
      const reason = signal.aborted ? signal.reason : rootCause(thrown);
      if (isJdbxError(reason, ...UNFINISHED)) throw reason;
      const status = isJdbxError(reason, 'RUN_CANCELLED') ? 'cancelled' : 'failed';
      const error = failureFacts(reason, thrown instanceof StageFailure ? thrown.path : undefined);
      await end({ status, error });
      emit('run-end', { ...facts, status, durationMs: durationMs(), error });
      throw status === 'cancelled' ? reason : runFailed(run._id, error, reason);
    }
  }

  #end(id: string, end: RunEnd): Promise<RunDocument> {
    const { database, owner } = this.#deps;
    return database.submit((draft) => endRun(draft, id, owner, end));
  }

  #resultOf(run: RunDocument): RunResult {
    using snapshot = this.#deps.database.snapshot();
    return {
      id: run._id,
      pipeline: run.pipeline,
      status: 'completed',
      output: loadValue(run, 'output', (id) => snapshot.get(id)),
      usage: run.usage ?? NO_USAGE,
      durationMs: Date.parse(run.ended_at ?? run.started_at) - Date.parse(run.started_at),
    };
  }

  async #child(
    parent: Execution,
    pipeline: string,
    input: Value,
    path: string,
    signal: AbortSignal,
  ): Promise<ChildResult> {
    const depth = parent.depth + 1;
    if (depth > DEPTH_MAX) {
      const text = `expected at most ${DEPTH_MAX} pipelines in each other`;
      throw new JdbxError('INVALID_PIPELINE', text, { path });
    }
    const id = childRunId(parent.id, path);
    const { session } = parent;
    const pin = () => this.#pinFrom(parent, pipeline);
    const start: Start = { id, pipeline, input, session, parent: parent.id, depth, pin };
    try {
      const { output } = await this.#start(start, signal);
      return { run: id, output: output as Value };
    } catch (thrown) {
      throw childFailure(path, thrown);
    } finally {
      const ended = await this.#deps.database.get<RunDocument>(id);
      parent.spending.set(path, ended?.usage ?? NO_USAGE);
    }
  }

  /** A child is a part of its parent: it uses the definitions that the parent was pinned to. */
  #pinFrom(parent: Execution, pipeline: string): Pins {
    const document = (id: string) => parent.definitions.get(id);
    return pinDefinitions(pipeline, { document, typesOf: parent.typesOf });
  }
}

function identityOf({ _id, _type, pipeline, parent }: RunDocument): RunIdentity {
  return { id: _id, pipeline: _type === 'run' ? pipeline : `no pipeline, but a ${_type}`, parent };
}

/** @throws {JdbxError} CONFLICT */
function checkSame(found: RunIdentity, { id, pipeline, parent }: RunIdentity): void {
  if (found.pipeline === pipeline && found.parent === parent) return;
  const place = found.parent === parent ? '' : ` as a part of ${found.parent ?? 'no other'}`;
  throw new JdbxError(
    'CONFLICT',
    `expected ${id} to be a run of ${pipeline}, it is of ${found.pipeline}${place}`,
    { details: { run: id } },
  );
}

function sessionIn(input: Value): string | undefined {
  const id = isPlainObject(input) ? input.session_id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function checkText(text: unknown, what: string): void {
  if (typeof text === 'string' && text !== '') return;
  throw new TypeError(`run: expected ${what}, got ${String(text)}`);
}
