import type { Document } from '../base/document.js';
import { isJdbxError, JdbxError } from '../base/errors.js';
import type { RunServices } from './contract.js';
import { Execution } from './execution.js';
import { type Pins, pinDefinitions } from './pins.js';
import type { RunDeps } from './run-deps.js';
import type { RunDocument, RunResult } from './run-document.js';
import { failureFacts, runFailed } from './run-errors.js';
import { endRun, insertRun, type NewRun, type RunEnd, takeOver } from './run-writes.js';
import { NO_USAGE } from './spending.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { loadValue } from './stored-value.js';

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

/** One run from its first commit to its last. Which runs there are is the caller's. */
export class RunLife {
  readonly #deps: RunDeps;

  constructor(deps: RunDeps) {
    this.#deps = deps;
  }

  /** @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written */
  async create(run: Omit<NewRun, 'owner' | 'definitions'>, pin: () => Pins): Promise<RunDocument> {
    const { database, owner } = this.#deps;
    this.#checkSession(run.session);
    const definitions = pin();
    return database.submit((draft) => insertRun(draft, { ...run, definitions, owner }));
  }

  /** The revisions that a new run uses: the current ones. */
  pinCurrent(pipeline: string): Pins {
    const { database, codes } = this.#deps;
    using snapshot = database.snapshot();
    return pinDefinitions(pipeline, {
      document: (id) => snapshot.get(id),
      typesOf: (type) => database.typesOf(type),
      importsOf: (document) => codes.importsOf(document),
    });
  }

  /** Those of a child run: it is a part of its parent, and uses what that was pinned to. */
  pinFrom(parent: RunServices, pipeline: string): Pins {
    const document = (id: string) => parent.definitions.get(id);
    const importsOf = (each: Document) => parent.codes.importsOf(each);
    return pinDefinitions(pipeline, { document, typesOf: parent.typesOf, importsOf });
  }

  /** Goes on with a run that was begun before. */
  async resume(id: string, depth: number, signal: AbortSignal): Promise<RunResult> {
    const { database, owner } = this.#deps;
    const run = await database.submit((draft) => takeOver(draft, id, owner));
    return this.execute(run, depth, true, signal);
  }

  /** @throws {JdbxError} RUN_FAILED, RUN_CANCELLED, or why the run stays unfinished */
  async execute(
    run: RunDocument,
    depth: number,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const facts = { run: run._id, pipeline: run.pipeline };
    this.#deps.emit('run-start', { ...facts, resumed });
    let execution: Execution | undefined;
    try {
      execution = new Execution(run, this.#deps, { depth, resumed });
      const output = await execution.run(signal);
      const usage = execution.spending.total;
      return this.resultOf(await this.#end(run, { status: 'completed', output, usage }));
    } catch (thrown) {
      const reason = signal.aborted ? signal.reason : rootCause(thrown);
      if (isJdbxError(reason, ...UNFINISHED)) throw reason;
      const status = isJdbxError(reason, 'RUN_CANCELLED') ? 'cancelled' : 'failed';
      const error = failureFacts(reason, thrown instanceof StageFailure ? thrown.path : undefined);
      if (execution && resumed) await this.#endChildren(execution);
      await this.#end(run, { status, error, usage: execution?.spending.total ?? NO_USAGE });
      throw status === 'cancelled' ? reason : runFailed(run._id, error, reason);
    }
  }

  resultOf(run: RunDocument): RunResult {
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

  async #end({ _id, pipeline, started_at }: RunDocument, end: RunEnd): Promise<RunDocument> {
    const { database, owner, emit, clock } = this.#deps;
    const ended = await database.submit((draft) => endRun(draft, _id, owner, end));
    const { status, error } = end;
    const durationMs = Math.max(0, clock.now() - Date.parse(started_at));
    emit('run-end', { run: _id, pipeline, status, durationMs, ...(error ? { error } : {}) });
    return ended;
  }

  /** Ends child runs that an earlier process left, and that nobody takes up any more. */
  async #endChildren(parent: Execution): Promise<void> {
    const { database, owner } = this.#deps;
    const left = await database
      .query<RunDocument>({ _type: 'run', status: 'running', parent: parent.id })
      .toArray();
    for (const { _id } of left) {
      const run = await database.submit((draft) => takeOver(draft, _id, owner));
      const options = { depth: parent.depth + 1, resumed: true };
      const execution = new Execution(run, this.#deps, options);
      await this.#endChildren(execution);
      const usage = execution.spending.total;
      const error = { code: 'RUN_CANCELLED', message: `${parent.id} has ended` };
      await this.#end(run, { status: 'cancelled', error, usage });
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
