import { isJdbxError, JdbxError } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { isPlainObject, takeValue, type Value } from '../base/values.js';
import { heedless } from './events.js';
import { Gate } from './gate.js';
import type { Pins } from './pins.js';
import type { RunChild, RunDeps } from './run-deps.js';
import { childRunId, type RunDocument, type RunResult } from './run-document.js';
import { childFailure, endedBadly } from './run-errors.js';
import { RunLife } from './run-life.js';
import { NO_USAGE } from './spending.js';
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

/** Every run of one open store: starting, joining, resuming, cancelling. */
export class Runs {
  readonly #deps: RunDeps;
  readonly #life: RunLife;
  readonly #underWay = new Map<string, UnderWay>();
  readonly #closing = new AbortController();

  constructor(deps: Omit<RunDeps, 'child'>) {
    const child: RunChild = (...args) => this.#child(...args);
    this.#deps = { ...deps, emit: heedless(deps.emit), child };
    this.#life = new RunLife(this.#deps);
  }

  /**
   * Runs a pipeline document to its end.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written;
   * CONFLICT when the key is another run's; RUN_FAILED, RUN_CANCELLED when the run ended so; STORE_CLOSED,
   * STORE_FULL, STORE_IO when it could not go on: it does when the store is opened again
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
      pin: () => this.#life.pinCurrent(pipeline),
    };
    return this.#start(start, signal);
  }

  /** Takes up every run that another process left unfinished, some at a time. Returns their ids. */
  async resumeUnfinished(): Promise<string[]> {
    const runs = await this.#deps.database
      .query<RunDocument>({ _type: 'run', status: 'running', parent: { $exists: false } })
      .project<RunDocument>({ pipeline: 1 })
      .toArray();
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
    this.#closing.abort(new JdbxError('STORE_CLOSED', 'the store is closing; the run will resume'));
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
    run.follow(this.#closing.signal);
    return run;
  }

  async #createOrResume(start: Start, signal: AbortSignal): Promise<RunResult> {
    refuseWhenClosing(signal);
    const known = await this.#deps.database.get<RunDocument>(start.id);
    if (!known) {
      signal.throwIfAborted();
      const { pin, ...run } = start;
      return this.#life.execute(await this.#life.create(run, pin), start.depth, false, signal);
    }
    checkSame(identityOf(known), start);
    if (known.status === 'completed') return this.#life.resultOf(known);
    // A child that ended badly is taken up again when its stage is.
    if (known.status !== 'running' && start.parent === undefined) throw endedBadly(known);
    return this.#resume(start.id, start.depth, signal);
  }

  /** A run that is cancelled before its turn is taken over all the same: its end must be written. */
  async #resume(id: string, depth: number, signal: AbortSignal): Promise<RunResult> {
    refuseWhenClosing(signal);
    return this.#life.resume(id, depth, signal);
  }

  #child: RunChild = async (parent, pipeline, input, path, signal) => {
    const depth = parent.depth + 1;
    if (depth > DEPTH_MAX) {
      const text = `expected at most ${DEPTH_MAX} pipelines in each other`;
      throw new JdbxError('INVALID_PIPELINE', text, { path });
    }
    const id = childRunId(parent.id, path);
    const { session } = parent;
    const pin = () => this.#life.pinFrom(parent, pipeline);
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
  };
}

function refuseWhenClosing({ aborted, reason }: AbortSignal): void {
  if (aborted && isJdbxError(reason, 'STORE_CLOSED')) throw reason;
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
