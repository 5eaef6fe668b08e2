import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { View } from '../documents/view.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Sandbox } from '../sandbox/contract.js';
import { readHistory } from '../sessions/sessions.js';
import { announceCall } from './at-most-once.js';
import { Context } from './context.js';
import type { ChildResult, RunServices } from './contract.js';
import { withDeadline } from './deadline.js';
import { Definitions } from './definitions.js';
import { fence } from './fence.js';
import type { GuestCodes } from './guests/guest-codes.js';
import type { Stage } from './pipeline-document.js';
import type { RunDeps } from './run-deps.js';
import { type CheckpointDocument, checkpointId, type RunDocument } from './run-document.js';
import { runStage, type StageEnd } from './run-stage.js';
import { Spending, usageIn } from './spending.js';
import { StageFailure } from './stage-failure.js';
import { loadValue } from './stored-value.js';

export interface ExecutionOptions {
  /** How deep the run is nested in others. */
  readonly depth: number;
  /** True when the run was begun before: it then has checkpoints. */
  readonly resumed: boolean;
}

/** One run under way: the stages that are left, in order, each to its commit. */
export class Execution implements RunServices {
  readonly id: string;
  readonly definitions: Definitions;
  readonly session: string | undefined;
  readonly depth: number;
  readonly spending = new Spending();
  readonly #run: RunDocument;
  readonly #deps: RunDeps;
  readonly #input: Value;
  /** Stages that are done for good, by path. Their outputs stay in the store. */
  readonly #ended = new Map<string, StageEnd['status']>();

  constructor(run: RunDocument, deps: RunDeps, { depth, resumed }: ExecutionOptions) {
    this.id = run._id;
    this.session = run.session;
    this.depth = depth;
    this.#run = run;
    this.#deps = deps;
    this.#input = this.#read((view) => loadValue(run, 'input', (id) => view.get(id)));
    this.definitions = new Definitions(run.definitions, {
      current: (id) => this.#document(id),
      revision: (id, rev) => this.#read((view) => view.engine.revision(id, rev)?.document),
      importsOf: (document) => this.codes.importsOf(document),
    });
    if (resumed) this.#recall();
  }

  get sandbox(): Sandbox {
    return this.#deps.sandbox;
  }

  get codes(): GuestCodes {
    return this.#deps.codes;
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
    const { timeout } = pipeline;
    const late = () =>
      new JdbxError('STAGE_TIMEOUT', `expected ${this.id} to end within ${timeout} ms`);
    return withDeadline(signal, { ms: timeout, late }, async (inner) => {
      const context = this.#context();
      const last = await this.stages(pipeline.stages, context, '', inner);
      return pipeline.output === undefined ? last : (context.evaluate(pipeline.output) ?? null);
    });
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
      const end = this.#endOf(path) ?? (await this.#runStage(stage, path, context, signal));
      if (end.status === 'skipped') context.skip(stage.name);
      else context.set(stage.name, end.output);
    }
    return context.previous;
  }

  child(pipeline: string, input: Value, path: string, signal: AbortSignal): Promise<ChildResult> {
    return this.#deps.child(this, pipeline, input, path, signal);
  }

  async announce(path: string): Promise<void> {
    await this.#deps.database.submit((draft) => {
      fence(draft, this.id, this.#deps.owner);
      announceCall(draft, this.id, path);
    });
  }

  async #runStage(
    stage: Stage,
    path: string,
    context: Context,
    signal: AbortSignal,
  ): Promise<StageEnd> {
    const { emit, database, owner, random } = this.#deps;
    const { pipeline } = this.#run;
    const facts = { run: this.id, pipeline, path };
    const startedAt = this.now();
    const ended = (status: StageEnd['status'] | 'failed' | 'stopped') =>
      emit('stage-end', { ...facts, status, durationMs: Math.max(0, this.now() - startedAt) });
    emit('stage-start', facts);
    try {
      const work = { stage, path, context, signal, database, owner, random, pipeline, run: this };
      const end = await runStage(work);
      // A stage around this one may run again; this one has had its effect.
      this.#ended.set(path, end.status);
      ended(end.status);
      return end;
    } catch (error) {
      ended(signal.aborted ? 'stopped' : 'failed');
      throw new StageFailure(path, error);
    }
  }

  /** What a stage left that is done for good. */
  #endOf(path: string): StageEnd | undefined {
    const status = this.#ended.get(path);
    if (status === undefined) return undefined;
    const id = checkpointId(this.id, path);
    return this.#read((view) => {
      const checkpoint = view.get(id);
      if (!checkpoint) {
        throw new JdbxError('MISSING_DOCUMENT', `expected the checkpoint ${id}`, { path });
      }
      return { status, output: loadValue(checkpoint, 'output', (each) => view.get(each)) };
    });
  }

  /** Finds out what an earlier process did of this run, and what it used. */
  #recall(): void {
    const { database } = this.#deps;
    using snapshot = database.snapshot();
    const run = this.id;
    const checkpoints = snapshot.query<CheckpointDocument>(
      { _type: 'checkpoint', run },
      { projection: { path: 1, status: 1, usage: 1 } },
    );
    for (const { path, status, usage } of checkpoints) {
      this.#ended.set(path, status);
      if (usage) this.spending.set(path, usage);
    }
    const calls = snapshot.query<AuditEntry & { readonly path: string }>(
      { _type: 'audit', run, kind: 'llm-call' },
      { projection: { kind: 1, path: 1, usage: 1, cost_usd: 1 } },
    );
    for (const call of calls) {
      if (!this.#ended.has(call.path)) this.spending.add(call.path, usageIn([call]));
    }
  }

  #context(): Context {
    return new Context({ input: this.#input }, this.#input, {
      document: (id) => this.#visible(id),
      session: () => (this.session === undefined ? undefined : this.#document(this.session)),
      history: (of) => this.#read((view) => readHistory((id) => view.get(id), of)),
      now: () => this.now(),
    });
  }

  /** A credential is handed to no stage, whatever an input's name asks for. */
  #visible(id: string): Document | undefined {
    const document = this.#document(id);
    return document?._type === 'credential' ? undefined : document;
  }

  #document(id: string): Document | undefined {
    return this.#read((view) => view.get(id));
  }

  #read<T>(work: (view: View) => T): T {
    const view = this.#deps.database.view();
    try {
      return work(view);
    } finally {
      view.close();
    }
  }
}
