import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import { findDocuments } from '../documents/querying.js';
import { takeMade } from '../documents/take-document.js';
import type { View } from '../documents/view.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { SetAside } from '../llm/budgets/reservations.js';
import type { ReserveInput } from '../llm/budgets/reserve.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Pools } from '../llm/pools/pools.js';
import type { Responses } from '../llm/responses/responses.js';
import type { SemanticCache } from '../llm/semantic/semantic-cache.js';
import type { Sandbox } from '../sandbox/contract.js';
import { compactionOf } from '../sessions/compaction.js';
import { readHistory, type SessionUsage } from '../sessions/sessions.js';
import type { TokenCounter } from '../sessions/token-window.js';
import { announceCall } from './at-most-once.js';
import type { Birth } from './birth.js';
import { Context } from './context.js';
import type { ChildResult, ModelPiece, RunServices, WaitResult } from './contract.js';
import { withDeadline } from './deadline.js';
import { Definitions, pinnedIn } from './definitions.js';
import type { RunEvents } from './events.js';
import { fence } from './fence.js';
import type { GuestCodes } from './guests/guest-codes.js';
import type { Pipeline, Stage } from './pipeline-document.js';
import type { Programs } from './programs/programs.js';
import type { Asked, RecordedStage } from './programs/recorded.js';
import type { RunDeps } from './run-deps.js';
import { type CheckpointDocument, checkpointId, type RunDocument, waitId } from './run-document.js';
import { runStage } from './run-stage.js';
import type { RunEnd } from './run-writes.js';
import { SessionCompaction } from './session-compaction.js';
import { Spending, usageIn } from './spending.js';
import { StageFailure } from './stage-failure.js';
import type { LastStage, RunAtWork, StageEnd } from './stage-run.js';
import { loadValue, storeValue } from './stored-value.js';
import { Suspended } from './suspended.js';
import type { EventDocument } from './waits/event-document.js';
import type { WaitDocument, WaitPlan } from './waits/wait-document.js';
import { openWait } from './waits/wait-writes.js';
import { walkStages } from './walk-stages.js';

export interface ExecutionOptions {
  /** How deep the run is nested in others. */
  readonly depth: number;
  /** True when the run was begun before: it then has checkpoints. */
  readonly resumed: boolean;
  /** By when the run, or the one that it is a part of, has to end, in milliseconds since the epoch. */
  readonly deadlineAt: number | undefined;
  /** Of a run that is not stored yet. */
  readonly birth?: Birth | undefined;
}

/** One run under way: the stages that are left, in order, each to its commit. */
export class Execution implements RunServices {
  readonly id: string;
  readonly definitions: Definitions;
  readonly session: string | undefined;
  readonly depth: number;
  /** The lease under which it is executed. */
  readonly owner: string;
  readonly #spending = new Spending();
  /** True once it is known what an earlier process used. */
  #recalled: boolean;
  readonly #run: RunDocument;
  readonly #deps: RunDeps;
  readonly #input: Value;
  readonly #compaction = new SessionCompaction(this);
  readonly deadlineAt: number | undefined;
  /** True when stages may have checkpoints already: only then is the store asked for them. */
  #revisiting: boolean;
  /** True once the run may have waits, which its end has to close. */
  #waited: boolean;
  /** The last stage of the pipeline, once it is gone through. */
  #last: string | undefined;
  readonly #birth: Birth | undefined;
  readonly #atWork: RunAtWork;
  #ended: RunDocument | undefined;

  constructor(run: RunDocument, deps: RunDeps, options: ExecutionOptions) {
    const { depth, resumed, deadlineAt } = options;
    this.id = run._id;
    this.owner = run.owner ?? '';
    this.session = run.session;
    this.depth = depth;
    this.deadlineAt = deadlineAt;
    this.#revisiting = resumed;
    this.#waited = resumed;
    this.#birth = options.birth;
    this.#run = run;
    this.#deps = deps;
    this.#input = this.#read((view) => loadValue(run, 'input', (id) => view.get(id)));
    this.definitions = new Definitions(pinnedIn(run), {
      current: (id) => this.#document(id),
      revision: (id, rev) => this.#read((view) => view.engine.revision(id, rev)?.document),
      importsOf: (document) => this.codes.importsOf(document),
    });
    this.#recalled = !resumed;
    const { owner } = this;
    const { database, random, post } = deps;
    const emitted = (event: string) => post.meet(this.#document(event) as EventDocument);
    this.#atWork = { run: this, owner, database, random, emitted, birth: options.birth };
  }

  /** Found out when it is first asked for: a run that is resumed has other things to do first. */
  get spending(): Spending {
    if (!this.#recalled) {
      this.#recalled = true;
      this.#recall();
    }
    return this.#spending;
  }

  get sandbox(): Sandbox {
    return this.#deps.sandbox;
  }

  get codes(): GuestCodes {
    return this.#deps.codes;
  }

  get programs(): Programs {
    return this.#deps.programs;
  }

  get startedAt(): string {
    return this.#run.started_at;
  }

  get models(): ModelCaller {
    return this.#deps.models;
  }

  get pools(): Pools {
    return this.#deps.pools;
  }

  get responses(): Responses {
    return this.#deps.responses;
  }

  get semantic(): SemanticCache {
    return this.#deps.semantic;
  }

  get priority(): number {
    return this.#run.priority ?? 0;
  }

  now(): number {
    return this.#deps.clock.now();
  }

  workspace(): Workspace {
    return this.#deps.database.workspace();
  }

  tokens(): Promise<TokenCounter> {
    return this.#deps.tokens();
  }

  typesOf = (type: string): readonly string[] => this.#deps.database.typesOf(type);

  /** Runs what is left of the pipeline, and gives its output. */
  async run(signal: AbortSignal): Promise<Value> {
    const pipeline = this.pipeline();
    const context = this.context();
    this.#last = pipeline.stages.at(-1)?.name;
    return this.#bounded(pipeline.timeout, signal, async (inner) => {
      await this.#compaction.look('', context, inner);
      const last = await this.stages(pipeline.stages, context, '', inner);
      return pipeline.output === undefined ? last : (context.evaluate(pipeline.output) ?? null);
    });
  }

  /** The definition that the run is pinned to. */
  pipeline(): Pipeline {
    return this.definitions.pipeline(this.#run.pipeline);
  }

  /** The commit that a finished stage's checkpoint came with. */
  commitOf(path: string): number {
    return this.#read((view) => view.stored(checkpointId(this.id, path))?.seq ?? 0);
  }

  /** The context of the first stage. */
  context(): Context {
    return new Context({ input: this.#input, error: null }, this.#input, {
      document: (id) => this.document(id),
      session: () => (this.session === undefined ? undefined : this.#document(this.session)),
      history: (of) => this.#read((view) => readHistory((id) => view.get(id), of)),
      now: () => this.now(),
    });
  }

  /** Stages may be gone through again from now on. */
  revisit = (): void => {
    this.#revisiting = true;
  };

  get waited(): boolean {
    return this.#waited;
  }

  /** The run's document, when the run has ended in the commit of its last stage. */
  get ended(): RunDocument | undefined {
    return this.#ended;
  }

  /**
   * How the run ends with its last stage. Undefined when more may have to be done: what comes
   * then is done by itself, and the end is a commit of its own.
   */
  #endWith(path: string, context: Context, end: StageEnd, used: SessionUsage): RunEnd | undefined {
    if (this.#waited || end.status === 'continued' || this.#mayCompact()) return undefined;
    const output = this.#outputAfter(path, context, end);
    if (output === undefined) return undefined;
    return { status: 'completed', output, usage: this.spending.totalWith(path, used) };
  }

  #outputAfter(name: string, context: Context, { status, output }: StageEnd): Value | undefined {
    const expression = this.pipeline().output;
    const last = status === 'skipped' ? context.previous : output;
    if (expression === undefined) return last;
    try {
      const value = status === 'skipped' ? null : output;
      return context.child({ [name]: value }, last).evaluate(expression) ?? null;
    } catch {
      // It fails again where it fails the run.
      return undefined;
    }
  }

  #mayCompact(): boolean {
    return this.session !== undefined && compactionOf(this.#document(this.session)) !== undefined;
  }

  async #bounded<T>(
    timeout: number | undefined,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const left = this.deadlineAt === undefined ? undefined : this.deadlineAt - this.now();
    const isRunsOwn = left !== undefined && left <= (timeout ?? left);
    const late = () =>
      isRunsOwn
        ? new JdbxError('RUN_DEADLINE', `expected ${this.id} to end before its deadline`)
        : new JdbxError('STAGE_TIMEOUT', `expected ${this.id} to end within ${timeout} ms`);
    if (left !== undefined && left <= 0 && !signal.aborted) throw late();
    const ms = isRunsOwn ? left : timeout;
    return withDeadline(signal, { ms, late }, work);
  }

  stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value> {
    return walkStages({ stages, context, prefix }, (stage, path) => {
      signal.throwIfAborted();
      return this.endOf(path) ?? this.#runStage(stage, path, context, signal);
    });
  }

  recorded(prefix: string): readonly RecordedStage[] {
    if (!this.#revisiting) return [];
    const path = { $gte: prefix, $lt: `${prefix}\uffff` };
    const filter = { _type: 'checkpoint', run: this.id, path, asked: { $exists: true } };
    const projection = { path: 1, asked: 1, order: 1 };
    return this.#read((view) => {
      const found = findDocuments(view, { filter, projection }) as CheckpointDocument[];
      const below = found.filter((each) => isProgramsOwn(each.path.slice(prefix.length)));
      return below.map(({ _id, path, asked, order = view.stored(_id)?.seq ?? 0 }) => {
        return { path, asked: asked as Asked, order };
      });
    });
  }

  recordedEnd(path: string): StageEnd | undefined {
    return this.endOf(path);
  }

  entered(prefix: string): boolean {
    if (!this.#revisiting) return false;
    const path = { $gte: prefix, $lt: `${prefix}\uffff` };
    const filter = { _type: 'checkpoint', run: this.id, path };
    return this.#read((view) => findDocuments(view, { filter, limit: 1 })).length > 0;
  }

  remembers(path: string): boolean {
    return this.#revisiting && this.#document(checkpointId(this.id, path)) !== undefined;
  }

  async remember(path: string, make: () => Value): Promise<Value> {
    const known = this.endOf(path);
    if (known) return known.output;
    const output = make();
    const { id: run } = this;
    await this.#deps.database.submit((draft) => {
      fence(draft, run, this.owner);
      const facts = { _id: checkpointId(run, path), run, path, status: 'done' };
      const stored = storeValue(draft, 'output', output);
      draft.insert(takeMade({ ...facts, _type: 'checkpoint', ...stored }));
    });
    return output;
  }

  async wait(path: string, plan: () => WaitPlan): Promise<WaitResult> {
    const id = waitId(this.id, path);
    this.#waited = true;
    const known = this.#revisiting ? this.#document(id) : undefined;
    const wait = (known ?? (await this.#openWait(path, plan()))) as WaitDocument;
    switch (wait.status) {
      case 'answered':
        return {
          output: this.#read((view) => loadValue(wait, 'value', (each) => view.get(each))),
          wait: wait.kind,
        };
      case 'expired':
        throw new JdbxError('STAGE_TIMEOUT', `expected what ${path} waits for in time`, { path });
      case 'closed':
        // The stage around it is tried again.
        await this.#openWait(path, plan());
        throw new Suspended([id]);
      default:
        throw new Suspended([id]);
    }
  }

  async #openWait(path: string, plan: WaitPlan): Promise<WaitDocument> {
    const { database, post, alarm } = this.#deps;
    const wait = await database.submit((draft) => {
      fence(draft, this.id, this.owner);
      return openWait(draft, this.id, path, plan, this.deadlineAt);
    });
    if (wait.wake_at !== undefined) alarm(Date.parse(wait.wake_at));
    return (await post.collect(wait)) ? (this.#document(wait._id) as WaitDocument) : wait;
  }

  idsAfter(filter: Value, after: string | undefined, length: number): readonly string[] {
    const query = {
      filter: after === undefined ? filter : { $and: [filter, { _id: { $gt: after } }] },
      sort: { _id: 1 },
      limit: length,
      projection: { _type: 1 },
    };
    return this.#read((view) => findDocuments(view, query))
      .filter(({ _type }) => _type !== 'credential')
      .map(({ _id }) => _id);
  }

  child(pipeline: string, input: Value, path: string, signal: AbortSignal): Promise<ChildResult> {
    return this.#deps.child(this, pipeline, input, path, signal);
  }

  get budgets(): readonly string[] {
    const session = this.session === undefined ? undefined : this.#document(this.session);
    const named = [...(this.#run.budgets ?? []), this.pipeline().budget, session?.budget];
    return [...new Set(named.filter((budget) => typeof budget === 'string'))];
  }

  get pipelineId(): string {
    return this.#run.pipeline;
  }

  tell(path: string, piece: ModelPiece): void {
    const { pipeline } = this.#run;
    this.#deps.emit('model-event', { run: this.id, pipeline, path, ...piece });
  }

  reserve(call: Omit<ReserveInput, 'run'>): Promise<SetAside> {
    return this.#deps.reservations.reserve({ ...call, run: this.id }, (reader) => {
      fence(reader, this.id, this.owner);
    });
  }

  async announce(path: string): Promise<void> {
    await this.#deps.database.submit((draft) => {
      fence(draft, this.id, this.owner);
      announceCall(draft, this.id, path);
    });
  }

  async #runStage(
    stage: Stage,
    path: string,
    context: Context,
    signal: AbortSignal,
  ): Promise<StageEnd> {
    const { pipeline } = this.#run;
    const startedAt = this.now();
    this.#deps.emit('stage-start', { run: this.id, pipeline, path });
    let status: RunEvents['stage-end'][0]['status'] = 'failed';
    let end: StageEnd;
    try {
      const last = path === this.#last ? this.#lastStage(path, context) : undefined;
      const work = { stage, path, context, signal, run: this, atWork: this.#atWork, last };
      end = await runStage(work);
      status = end.status;
    } catch (error) {
      if (error instanceof Suspended) {
        status = 'waiting';
        throw error;
      }
      if (signal.aborted) status = 'stopped';
      throw new StageFailure(path, error, stage.on_error === 'compensate');
    } finally {
      const durationMs = Math.max(0, this.now() - startedAt);
      this.#deps.emit('stage-end', { run: this.id, pipeline, path, status, durationMs });
    }
    if (this.session !== undefined && !this.#ended) {
      await this.#compaction.look(path, context, signal);
    }
    return end;
  }

  #lastStage(path: string, context: Context): LastStage {
    return {
      ending: (end, usage) => this.#endWith(path, context, end, usage),
      ended: (run) => {
        this.#ended = run;
      },
    };
  }

  /** What a stage left that is done for good. */
  endOf(path: string): StageEnd | undefined {
    if (!this.#revisiting) return undefined;
    const id = checkpointId(this.id, path);
    return this.#read((view) => {
      const checkpoint = view.get(id) as CheckpointDocument | undefined;
      if (!checkpoint) return undefined;
      const { status, error, goto } = checkpoint;
      const failure = error && { error, ...(goto === undefined ? {} : { goto }) };
      return { status, output: loadValue(checkpoint, 'output', (each) => view.get(each)), failure };
    });
  }

  /** Finds out what an earlier process used for this run. */
  #recall(): void {
    using snapshot = this.#deps.database.snapshot();
    const run = this.id;
    const spent = snapshot.query<CheckpointDocument>(
      { _type: 'checkpoint', run, 'usage.calls': { $gt: 0 } },
      { projection: { path: 1, usage: 1 } },
    );
    for (const { path, usage } of spent) if (usage) this.#spending.set(path, usage);
    const calls = snapshot.query<AuditEntry & { readonly path: string }>(
      { _type: 'audit', run, kind: 'llm-call' },
      { projection: { kind: 1, path: 1, usage: 1, cost_usd: 1, cached: 1 } },
    );
    const ended = new Map<string, boolean>();
    for (const call of calls) {
      const { path } = call;
      if (!ended.has(path)) ended.set(path, snapshot.get(checkpointId(run, path)) !== undefined);
      if (!ended.get(path)) this.#spending.add(path, usageIn([call]));
    }
  }

  /** A credential is handed to no stage, whatever an input's name asks for. */
  document(id: string): Document | undefined {
    const document = this.#document(id);
    return document?._type === 'credential' ? undefined : document;
  }

  #document(id: string): Document | undefined {
    if (this.#birth && !this.#birth.isStored && id === this.id) return this.#run;
    return this.#deps.database.latest(id);
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

/** `3/draft`, and no stage within it. */
function isProgramsOwn(path: string): boolean {
  return /^\d+\/[^/]+$/.test(path);
}
