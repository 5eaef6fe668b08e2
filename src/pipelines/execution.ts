import type { Clock } from '../base/clock.js';
import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { Database } from '../documents/database.js';
import { takeDocument } from '../documents/take-document.js';
import type { Workspace } from '../documents/workspace.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Sandbox } from '../sandbox/contract.js';
import { readHistory, type SessionUsage } from '../sessions/sessions.js';
import { Context } from './context.js';
import { addUsage, type ChildResult, NO_USAGE, type RunServices, type Stage } from './contract.js';
import { Definitions } from './definitions.js';
import type { Emit } from './events.js';
import { fence } from './fence.js';
import { type CheckpointDocument, checkpointId, type RunDocument } from './run-document.js';
import { runStage } from './run-stage.js';
import { StageFailure } from './stage-failure.js';
import { loadValue } from './stored-value.js';

/** What every run of one open store shares. */
export interface RunDeps {
  readonly database: Database;
  readonly sandbox: Sandbox;
  readonly models: ModelCaller;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  /** Names this process in run documents. */
  readonly owner: string;
  /** Runs a pipeline as a child of `parent`. */
  readonly child: (
    parent: Execution,
    pipeline: string,
    input: Value,
    path: string,
    signal: AbortSignal,
  ) => Promise<ChildResult>;
}

/** How many of a session's turns a stage sees as `history`. */
const HISTORY_TURNS = 100;

/** One run under way: the stages that are left, in order, each to its commit. */
export class Execution implements RunServices {
  readonly id: string;
  readonly definitions: Definitions;
  readonly session: string | undefined;
  readonly depth: number;
  readonly #run: RunDocument;
  readonly #deps: RunDeps;
  readonly #input: Value;
  readonly #checkpoints = new Map<string, { status: string; output: Value }>();
  readonly #announced = new Set<string>();
  #usage = NO_USAGE;

  constructor(run: RunDocument, deps: RunDeps, depth: number) {
    this.id = run._id;
    this.session = run.session;
    this.depth = depth;
    this.#run = run;
    this.#deps = deps;
    using snapshot = deps.database.snapshot();
    const get = (id: string) => snapshot.get(id);
    this.#input = loadValue(run, 'input', get);
    this.definitions = new Definitions(run.definitions, {
      current: (id) => this.#read((view) => view.get(id)),
      revision: (id, rev) => this.#read((view) => view.engine.revision(id, rev)?.document),
    });
    for (const checkpoint of snapshot.query<CheckpointDocument>({
      _type: 'checkpoint',
      run: run._id,
    })) {
      const output = loadValue(checkpoint, 'output', get);
      this.#checkpoints.set(checkpoint.path, { status: checkpoint.status, output });
      this.#count(checkpoint.usage);
    }
  }

  get usage(): SessionUsage {
    return this.#usage;
  }

  get sandbox(): Sandbox {
    return this.#deps.sandbox;
  }

  get models(): ModelCaller {
    return this.#deps.models;
  }

  now(): number {
    return this.#deps.clock.now();
  }

  workspace(): Workspace {
    return this.#deps.database.workspace();
  }

  typesOf = (type: string): readonly string[] => this.#deps.database.typesOf(type);

  /** Runs what is left of the pipeline, and gives its output. */
  async run(signal: AbortSignal): Promise<Value> {
    const pipeline = this.definitions.pipeline(this.#run.pipeline);
    const context = this.#context();
    const last = await this.stages(pipeline.stages, context, '', signal);
    return pipeline.output === undefined ? last : context.evaluate(pipeline.output);
  }

  async stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value> {
    for (const stage of stages) {
      signal.throwIfAborted();
      const path = prefix + stage.name;
      const end =
        this.#checkpoints.get(path) ?? (await this.#runStage(stage, path, context, signal));
      if (end.status === 'skipped') context.skip(stage.name);
      else context.set(stage.name, end.output);
    }
    return context.previous;
  }

  child(pipeline: string, input: Value, path: string, signal: AbortSignal): Promise<ChildResult> {
    return this.#deps.child(this, pipeline, input, path, signal);
  }

  async announce(path: string): Promise<void> {
    if (this.#announced.has(path)) return;
    this.#announced.add(path);
    const _id = `intent:${checkpointId(this.id, path)}`;
    await this.#deps.database.submit((draft) => {
      fence(draft, this.id, this.#deps.owner);
      if (draft.get(_id)) {
        throw new JdbxError(
          'OUTCOME_UNKNOWN',
          'expected to know whether the call was made before the process ended',
          { path },
        );
      }
      draft.insert(takeDocument({ _id, _type: 'intent', run: this.id, path }));
    });
  }

  async #runStage(stage: Stage, path: string, context: Context, signal: AbortSignal) {
    const { emit, database, owner, random } = this.#deps;
    const facts = { run: this.id, pipeline: this.#run.pipeline, path };
    const startedAt = this.now();
    emit('stage-start', facts);
    const ended = (status: 'done' | 'skipped' | 'continued' | 'failed') =>
      emit('stage-end', { ...facts, status, durationMs: this.now() - startedAt });
    try {
      const work = { stage, path, context, signal, database, owner, random };
      const end = await runStage({ ...work, run: this, pipeline: this.#run.pipeline });
      this.#count(end.usage);
      // A stage around this one may run again; this one has had its effect.
      this.#checkpoints.set(path, { status: end.status, output: end.output });
      ended(end.status);
      return end;
    } catch (error) {
      ended('failed');
      throw new StageFailure(path, error);
    }
  }

  #count(usage: SessionUsage | undefined): void {
    if (usage) this.#usage = addUsage(this.#usage, usage);
  }

  #context(): Context {
    const document = (id: string) => this.#read((view) => view.get(id));
    const session = () => (this.session === undefined ? undefined : document(this.session));
    return new Context({ input: this.#input }, this.#input, {
      document: (id) => this.#visible(document(id)),
      session,
      history: (of) => this.#read((view) => readHistory((id) => view.get(id), of, HISTORY_TURNS)),
    });
  }

  /** A credential is handed to no stage, whatever an input's name asks for. */
  #visible<T extends { readonly _type: string }>(document: T | undefined): T | undefined {
    return document?._type === 'credential' ? undefined : document;
  }

  #read<T>(work: (view: ReturnType<Database['view']>) => T): T {
    const view = this.#deps.database.view();
    try {
      return work(view);
    } finally {
      view.close();
    }
  }
}
