import type { Document } from '../base/document.js';
import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { isPlainObject, takeValue, type Value } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeDocument } from '../documents/take-document.js';
import { ensureSession } from '../sessions/sessions.js';
import { auditAll } from './commit-stage.js';
import type { ChildResult } from './contract.js';
import { type Pins, pinDefinitions } from './definitions.js';
import { Execution, type RunDeps } from './execution.js';
import { fence } from './fence.js';
import type { RunDocument, RunResult } from './run-document.js';
import { rootCause, StageFailure } from './stage-failure.js';
import { loadValue, storeValue } from './stored-value.js';

export interface RunOptions {
  /** The session that the run belongs to; made when it does not exist. Default: `input.session_id`. */
  readonly session?: string | undefined;
  /** Names the run: the same key gives the same run, running or ended. Default: a fresh name. */
  readonly key?: string | undefined;
  /** Cancels the run. */
  readonly signal?: AbortSignal | undefined;
}

interface Start {
  readonly id: string;
  readonly pipeline: string;
  readonly input: Value;
  readonly session: string | undefined;
  readonly parent?: string;
  readonly depth: number;
  readonly signal: AbortSignal | undefined;
}

/** How deep pipelines may call pipelines. */
const DEPTH_MAX = 16;

/** Every run of one open store: starting, joining, resuming, cancelling. */
export class Runs {
  readonly #deps: RunDeps;
  readonly #underWay = new Map<string, { result: Promise<RunResult>; cancel: AbortController }>();
  readonly #closing = new AbortController();

  constructor(deps: Omit<RunDeps, 'child'>) {
    this.#deps = {
      ...deps,
      child: (parent, pipeline, input, path, signal) =>
        this.#child(parent, pipeline, input, path, signal),
    };
  }

  /**
   * Runs a pipeline document to its end.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written;
   * RUN_FAILED, RUN_CANCELLED when the run ended so; STORE_CLOSED when the store was closed meanwhile: the
   * run goes on when it is opened again
   */
  run(pipeline: string, input: unknown = {}, options: RunOptions = {}): Promise<RunResult> {
    const value = takeValue(input, 'input');
    return this.#start({
      id: options.key === undefined ? newId('run') : `run:${options.key}`,
      pipeline,
      input: value,
      session: options.session ?? sessionIn(value),
      depth: 0,
      signal: options.signal,
    });
  }

  /** Takes up every run that another process left unfinished. Returns their ids. */
  async resumeUnfinished(): Promise<string[]> {
    const unfinished = await this.#deps.database
      .query<RunDocument>({ _type: 'run', status: 'running', parent: { $exists: false } })
      .toArray();
    const runs = unfinished.filter(({ _id }) => !this.#underWay.has(_id));
    for (const run of runs) {
      // The outcome is in the run document and the audit trail; nobody waits for it here.
      this.#begin(run._id, undefined, () => this.#resume(run, 0)).catch(() => {});
    }
    return runs.map(({ _id }) => _id);
  }

  /** Stops a run under way. False when it is not. */
  cancel(id: string): boolean {
    const found = this.#underWay.get(id);
    found?.cancel.abort(new JdbxError('RUN_CANCELLED', `${id} was cancelled`));
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

  #start(start: Start): Promise<RunResult> {
    const joined = this.#underWay.get(start.id);
    if (joined) return joined.result;
    return this.#begin(start.id, start.signal, async () => {
      const run = await this.#create(start);
      if (run.status === 'completed') return this.#resultOf(run);
      if (run.status !== 'running' && start.parent === undefined) throw endedBadly(run);
      if (run.owner === this.#deps.owner && run._rev === 1)
        return this.#execute(run, start.depth, false);
      return this.#resume(run, start.depth);
    });
  }

  #begin(
    id: string,
    outer: AbortSignal | undefined,
    work: () => Promise<RunResult>,
  ): Promise<RunResult> {
    const cancel = new AbortController();
    const stop = () => cancel.abort(cancelled(id, outer?.reason));
    outer?.addEventListener('abort', stop);
    if (outer?.aborted) stop();
    const close = () => cancel.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', close);
    if (this.#closing.signal.aborted) close();
    const result = (async () => {
      // The caller is registered below before any work begins.
      await Promise.resolve();
      cancel.signal.throwIfAborted();
      return work();
    })().finally(() => {
      outer?.removeEventListener('abort', stop);
      this.#closing.signal.removeEventListener('abort', close);
      this.#underWay.delete(id);
    });
    this.#underWay.set(id, { result, cancel });
    return result;
  }

  /** The run as it is, or newly written with its pins and the first audit document. */
  async #create(start: Start): Promise<RunDocument> {
    const { database, owner } = this.#deps;
    const known = await database.get<RunDocument>(start.id);
    if (known) return checkSame(known, start);
    const pins = this.#pin(start.pipeline);
    return database.submit((draft) => {
      const existing = draft.get(start.id) as RunDocument | undefined;
      return existing ? checkSame(existing, start) : insertRun(draft, start, pins, owner);
    });
  }

  #pin(id: string): Pins {
    const { database } = this.#deps;
    using snapshot = database.snapshot();
    const pipeline = snapshot.get<Document>(id);
    if (!pipeline) throw new JdbxError('MISSING_DOCUMENT', `expected the pipeline ${id}`);
    if (!database.typesOf('pipeline').includes(pipeline._type)) {
      throw new JdbxError('INVALID_PIPELINE', `expected a pipeline, ${id} is a ${pipeline._type}`);
    }
    return pinDefinitions(pipeline, {
      current: (each) => snapshot.get(each),
      revision: () => undefined,
    });
  }

  async #resume(run: RunDocument, depth: number): Promise<RunResult> {
    const { database, owner } = this.#deps;
    const taken = await database.submit((draft) => takeOver(draft, run._id, owner));
    return this.#execute(taken, depth, true);
  }

  async #execute(run: RunDocument, depth: number, resumed: boolean): Promise<RunResult> {
    const { emit, clock } = this.#deps;
    const facts = { run: run._id, pipeline: run.pipeline };
    emit('run-start', { ...facts, resumed });
    const signal = this.#underWay.get(run._id)?.cancel.signal ?? this.#closing.signal;
    const execution = new Execution(run, this.#deps, depth);
    const durationMs = () => clock.now() - Date.parse(run.started_at);
    try {
      const output = await execution.run(signal);
      const ended = await this.#end(execution, { status: 'completed', output });
      emit('run-end', { ...facts, status: 'completed', durationMs: durationMs() });
      return this.#resultOf(ended);
    } catch (error) {
      const reason = signal.aborted ? signal.reason : rootCause(error);
      if (isJdbxError(reason, 'STORE_CLOSED', 'RUN_LEASE_LOST')) throw reason;
      const status = isJdbxError(reason, 'RUN_CANCELLED') ? 'cancelled' : 'failed';
      const stage = error instanceof StageFailure ? error.path : undefined;
      const failure = failureFacts(reason, stage);
      await this.#end(execution, { status, error: failure });
      emit('run-end', { ...facts, status, durationMs: durationMs(), error: failure });
      throw status === 'cancelled' ? reason : runFailed(run._id, failure, reason);
    }
  }

  #end(execution: Execution, end: RunEnd): Promise<RunDocument> {
    const { database, owner } = this.#deps;
    return database.submit((draft) => {
      const { _rev, ...run } = fence(draft, execution.id, owner);
      const ended_at = new Date(draft.at).toISOString();
      const { output, ...facts } = end;
      const stored = output === undefined ? {} : storeValue(draft, 'output', output);
      const { usage } = execution;
      auditAll(draft, [
        {
          kind: 'run-end',
          run: run._id,
          pipeline: run.pipeline,
          ...facts,
          usage,
          duration_ms: draft.at - Date.parse(run.started_at),
        },
      ]);
      const ended = { ...run, ...facts, ...stored, usage, ended_at };
      return draft.put(takeDocument(ended as never)) as RunDocument;
    });
  }

  #resultOf(run: RunDocument): RunResult {
    using snapshot = this.#deps.database.snapshot();
    return {
      id: run._id,
      pipeline: run.pipeline,
      status: 'completed',
      output: loadValue(run, 'output', (id) => snapshot.get(id)),
      usage: run.usage ?? { input_tokens: 0, output_tokens: 0, cost_usd: 0, calls: 0 },
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
      throw new JdbxError(
        'INVALID_PIPELINE',
        `expected at most ${DEPTH_MAX} pipelines in each other`,
        {
          path,
        },
      );
    }
    const id = `${parent.id}/${path}`;
    const session = parent.session;
    const run = await this.#start({
      id,
      pipeline,
      input,
      session,
      parent: parent.id,
      depth,
      signal,
    });
    return { run: run.id, output: run.output as Value, usage: run.usage };
  }
}

type RunEnd =
  | { readonly status: 'completed'; readonly output: Value; readonly error?: never }
  | {
      readonly status: 'failed' | 'cancelled';
      readonly output?: never;
      readonly error: { readonly code: string; readonly message: string; readonly stage?: string };
    };

function insertRun(draft: Draft, start: Start, definitions: Pins, owner: string): RunDocument {
  const { id, pipeline, input, session, parent } = start;
  if (session !== undefined) ensureSession(draft, session);
  const facts = {
    pipeline,
    definitions,
    ...(session === undefined ? {} : { session }),
    ...(parent === undefined ? {} : { parent }),
  };
  auditAll(draft, [{ kind: 'run-start', run: id, ...facts }]);
  return draft.insert(
    takeDocument({
      _id: id,
      _type: 'run',
      status: 'running',
      owner,
      ...facts,
      started_at: new Date(draft.at).toISOString(),
      ...storeValue(draft, 'input', input),
    }),
  ) as RunDocument;
}

/** Makes this process the owner of a run that another left, or of a child run that failed before. */
function takeOver(draft: Draft, id: string, owner: string): RunDocument {
  const { _rev, error, ended_at, ...run } = draft.get(id) as RunDocument;
  auditAll(draft, [{ kind: 'run-resume', run: id, pipeline: run.pipeline, status: run.status }]);
  return draft.put(takeDocument({ ...run, status: 'running', owner } as never)) as RunDocument;
}

function checkSame(run: RunDocument, { pipeline, id }: Start): RunDocument {
  if (run._type === 'run' && run.pipeline === pipeline) return run;
  throw new JdbxError(
    'CONFLICT',
    `expected ${id} to be a run of ${pipeline}, it is of ${run.pipeline}`,
    {
      details: { run: id },
    },
  );
}

function sessionIn(input: Value): string | undefined {
  const id = isPlainObject(input) ? input.session_id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function cancelled(id: string, reason: unknown): JdbxError {
  if (isJdbxError(reason, 'RUN_CANCELLED', 'STORE_CLOSED')) return reason;
  return new JdbxError('RUN_CANCELLED', `${id} was cancelled: ${describeThrown(reason)}`, {
    cause: reason,
  });
}

function failureFacts(reason: unknown, stage: string | undefined) {
  return {
    code: reason instanceof JdbxError ? reason.code : 'UNKNOWN',
    message: describeThrown(reason),
    ...(stage === undefined ? {} : { stage }),
  };
}

function runFailed(
  run: string,
  {
    code,
    message,
    stage,
  }: { readonly code: string; readonly message: string; readonly stage?: string },
  cause: unknown,
): JdbxError {
  const place = stage === undefined ? '' : ` at stage ${stage}`;
  return new JdbxError('RUN_FAILED', `${run} failed${place}: ${message}`, {
    cause,
    details: { run, stage, code },
  });
}

function endedBadly(run: RunDocument): JdbxError {
  const { code = 'UNKNOWN', message = '', stage } = run.error ?? {};
  if (run.status === 'cancelled') return new JdbxError('RUN_CANCELLED', `${run._id} was cancelled`);
  return runFailed(
    run._id,
    { code, message, ...(stage === undefined ? {} : { stage }) },
    undefined,
  );
}
