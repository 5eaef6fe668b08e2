import type { EventEmitter } from 'eventemitter3';
import { Closers } from './base/disposal.js';
import type { Document } from './base/document.js';
import { JdbxError } from './base/errors.js';
import { takeValue, type Value } from './base/values.js';
import { blobFault, documentChecks } from './document-checks.js';
import { AuditTrail } from './documents/audit-trail.js';
import { type CheckOptions, type CheckReport, checkView } from './documents/check.js';
import type { Filter } from './documents/contract.js';
import type { Cursor } from './documents/cursor.js';
import { Database } from './documents/database.js';
import type { RetainReport } from './documents/retention/contract.js';
import { takeDocument } from './documents/take-document.js';
import { type CostQuery, type CostReport, costReport } from './llm/prices/cost-report.js';
import {
  type Calibration,
  calibrate,
  calibrationId,
  type LabelledPair,
} from './llm/semantic/calibration.js';
import { type CacheReport, cacheReport } from './llm/semantic/report.js';
import { type EmitOptions, OPEN_DEFAULTS, type OpenOptions } from './open-options.js';
import type { TestReport } from './pipelines/document-tests/results.js';
import {
  type FollowOptions,
  followRun,
  type LiveRunEvent,
  type RunEvent,
} from './pipelines/follow.js';
import { checkPatch, type ForkOptions, type ForkPatch } from './pipelines/fork.js';
import type { ReplayReport } from './pipelines/replay.js';
import type { RunDocument, RunResult } from './pipelines/run-document.js';
import { type RunHandle, runHandle } from './pipelines/run-handle.js';
import type { RunOptions } from './pipelines/runs.js';
import { type UndoReport, undoRun } from './pipelines/undo.js';
import type { WaitDocument } from './pipelines/waits/wait-document.js';
import { type Floors, type JdbxEvents, layGround, raiseFloors } from './runtime.js';
import type { NearCounts } from './sandbox/near.js';
import type { Engine } from './storage/contract.js';
import { SYSTEM_DOCUMENTS } from './system-documents.js';

type RunEventsAndLive = AsyncGenerator<RunEvent | LiveRunEvent, void>;

/** An open store: the verbs over its documents, and the runs of its pipelines. */
export class Jdbx extends Database implements AsyncDisposable {
  /** The audit trail and its verification. */
  readonly audit: AuditTrail;
  /** Tells when runs and stages start and end. */
  readonly events: EventEmitter<JdbxEvents>;
  readonly #floors: Floors;
  readonly #closers = new Closers();
  #closed: Promise<void> | undefined;

  /** @internal Use `open`. */
  constructor(engine: Engine, options: OpenOptions, directory: string | undefined) {
    const ground = layGround(engine, options, directory, {
      read: (id) => this.#read(id),
      demandTests: (code) => this.#floors.tests.demand(code),
    });
    super(ground.store, documentChecks(ground.codes));
    this.#closers.add(() => super.close());
    this.audit = new AuditTrail(this);
    this.#floors = raiseFloors(this, ground, options, this.#closers);
    this.events = this.#floors.events;
  }

  /** @internal Fills a new store, and goes on with unfinished runs. */
  async begin(options: OpenOptions): Promise<void> {
    if (this.seq === 0) await this.#fill();
    const intervalMs = options.retentionIntervalMs ?? OPEN_DEFAULTS.retentionIntervalMs;
    const onProgress = (report: RetainReport) => this.events.emit('retention', report);
    if (intervalMs > 0) this.startRetention({ intervalMs, onProgress });
    if (options.resume ?? true) await this.resume();
  }

  /** Of several processes that meet at a new store, one fills it. */
  #fill(): Promise<void> {
    const taken = SYSTEM_DOCUMENTS.map(takeDocument);
    return this.submit((draft) => {
      for (const each of taken) if (!draft.get(each.id)) draft.insert(each);
    });
  }

  /**
   * Runs a pipeline document by its id, stage by stage, each in one commit. `for await` over what
   * it gives tells what happens, live.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written;
   * RUN_FAILED, RUN_CANCELLED when the run ended so; STORE_CLOSED when the store was closed meanwhile
   */
  run(pipeline: string, input: unknown = {}, options: RunOptions = {}): RunHandle {
    let run = '';
    let stored = () => {};
    const isStored = new Promise<void>((resolve) => {
      stored = resolve;
    });
    const named = (id: string) => {
      run = id;
    };
    const result = this.#floors.runs.run(pipeline, input, options, { named, stored });
    const begun = Promise.race([isStored, result]);
    begun.catch(() => {});
    const source = { emitter: this.events, now: () => this.#floors.clock.now(), begun };
    return runHandle(result, () => followRun(this, run, {}, source));
  }

  /** Starts a run, and gives its id as soon as it is stored: `ended` and `follow` go on from there. */
  start(pipeline: string, input: unknown = {}, options: RunOptions = {}): Promise<string> {
    return this.#floors.runs.launch(pipeline, input, options);
  }

  /**
   * Goes on with unfinished runs that no process has under way, as `open` does by default; takes
   * up what others leave and does what is due from now on. Returns the ids at once; `settled`
   * waits for them, `runOf` tells how each ended.
   */
  resume(): Promise<string[]>;
  /** Goes on with a run that was paused. @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED, and what `run` throws */
  resume(run: string): Promise<RunResult>;
  async resume(run?: string): Promise<string[] | RunResult> {
    if (run !== undefined) return this.#floors.runs.resume(run);
    await this.#floors.leases.begin();
    const ids = await this.#floors.runs.resumeUnfinished({ own: true });
    await this.#floors.runs.post.collectAll();
    this.#floors.jobs.begin();
    return ids;
  }

  /** Stops a run after the commits that are on their way, until `resume`. @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED */
  pause(run: string): Promise<void> {
    return this.#floors.runs.pause(run);
  }

  /** Ends a run that has not ended; what its finished stages did stays. False when there is none. */
  cancel(run: string): Promise<boolean> {
    return this.#floors.runs.cancel(run);
  }

  /**
   * Waits for a run to end, in whatever process it runs.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, RUN_FAILED, RUN_CANCELLED, STORE_CLOSED
   */
  async ended(run: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<RunResult> {
    const changes = this.watch({ _type: 'run', _id: run }, { signal });
    try {
      for (;;) {
        const standing = await this.#floors.runs.standing(run);
        if (standing.status === 'completed') return standing;
        const { done } = await changes.next();
        signal?.throwIfAborted();
        if (done) throw new JdbxError('STORE_CLOSED', `the store was closed before ${run} ended`);
      }
    } finally {
      await changes.return();
    }
  }

  /**
   * What a run has done and does, until it ends: `for await (const event of db.follow(id))`. With
   * `since`, the number of the last event seen, it joins again without a gap or a double. With
   * `live`, stages that start and pieces of answers are told too, to their own process.
   *
   * @throws {JdbxError} MISSING_DOCUMENT at the first event that is asked for
   */
  follow(run: string, options: FollowOptions & { readonly live: true }): RunEventsAndLive;
  follow(run: string, options?: FollowOptions): AsyncGenerator<RunEvent, void>;
  follow(run: string, options: FollowOptions = {}): RunEventsAndLive {
    const source = { emitter: this.events, now: () => this.#floors.clock.now() };
    return followRun(this, run, options, options.live ? source : undefined);
  }

  /**
   * Runs a new run that stands where another one stood after a stage, with what `patch` changes:
   * its `input`, or `outputs` of finished stages by their paths. Without a stage it begins anew.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, UNKNOWN_STAGE, DUPLICATE_ID, and what `run` throws
   */
  async fork(
    run: string,
    stage?: string | undefined,
    patch: ForkPatch = {},
    options: ForkOptions = {},
  ): Promise<RunResult> {
    checkPatch(patch);
    const { input, outputs = {} } = patch;
    const taken = takeValue(outputs, 'patch.outputs') as Record<string, Value>;
    const given = input === undefined ? undefined : takeValue(input, 'patch.input');
    return this.#floors.runs.fork({ ...options, run, after: stage, input: given, outputs: taken });
  }

  /**
   * Goes through a run again from its records and tells the first difference. Calls nothing,
   * writes nothing.
   *
   * @throws {JdbxError} MISSING_DOCUMENT
   */
  replay(run: string): Promise<ReplayReport> {
    return this.#floors.runs.replay(run);
  }

  /**
   * Puts the documents back that a run, or one of its stages and those within it, wrote: as far
   * as nobody has changed them since.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, UNKNOWN_STAGE, CONFLICT while the run is at work
   */
  undo(run: string, stage?: string): Promise<UndoReport> {
    return undoRun(this, run, stage);
  }

  /**
   * The waits that are open: who is to be asked what, and by when runs go on by themselves.
   * `{ kind: 'answer' }` are those for people.
   */
  waits(filter: Filter = {}): Cursor<WaitDocument> {
    return this.query<WaitDocument>({ status: 'open', ...filter, _type: 'wait' });
  }

  /**
   * Answers a wait of a run, named by its stage's path or its id; the run goes on.
   *
   * @throws {JdbxError} WAIT_MISSING, WAIT_ANSWERED, RUN_ENDED, SCHEMA_VIOLATION with the path in the answer
   */
  async answer(run: string, wait: string, value: unknown): Promise<void> {
    return this.#floors.runs.post.answer(run, wait, takeValue(value, 'answer'));
  }

  /**
   * Sends a signal to a run; it is kept until a stage of the run waits for it.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED, SCHEMA_VIOLATION
   */
  async signal(run: string, name: string, value: unknown = null): Promise<void> {
    return this.#floors.runs.post.signal(run, name, takeValue(value, 'signal'));
  }

  /** Emits an event, as an `emit` stage does. Gives its id. */
  async emit(event: string, value: unknown = null, options: EmitOptions = {}): Promise<string> {
    const { key = null, once = false, keepMs } = options;
    const taken = { value: takeValue(value, 'event'), key: takeValue(key, 'key') };
    return this.#floors.runs.post.emit({ name: event, once, keepMs, ...taken });
  }

  /**
   * Runs the tests that documents carry: of one document by its id, or of those that a
   * filter finds; nothing of it is written. Failed tests are in the report, not thrown.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_FILTER, INVALID_DOCUMENT
   */
  test(target: string | Filter = {}): Promise<TestReport> {
    return this.#floors.tests.run(target);
  }

  /**
   * Measures, by pairs of questions that one answer serves or does not, from which similarity on
   * the semantic cache may serve with so much precision, and keeps that for the embedder. Without
   * it the cache serves nothing.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, and what the embedder throws
   */
  async calibrateEmbedder(
    id: string,
    pairs: readonly LabelledPair[],
    precision?: number,
  ): Promise<Calibration> {
    const embedder = this.#floors.embedders.find(id);
    const measured = await calibrate(embedder, pairs, precision);
    const named = { _id: calibrationId(embedder.id), _type: 'embedder_calibration' };
    return (await this.put({ ...named, ...measured })) as Calibration;
  }

  /** What kept answers saved, and how often those for other questions were wrong, by the audit trail. */
  cacheReport({ since }: { readonly since?: string } = {}): Promise<CacheReport> {
    return cacheReport((stages) => this.aggregate(stages as Filter[]), since);
  }

  /** What calls of models cost, failed and saved, by pipeline or otherwise, by the audit trail. */
  costReport(query: CostQuery = {}): Promise<CostReport[]> {
    return costReport((stages) => this.aggregate(stages as Filter[]), query);
  }

  /** The run document: its status, its pins, what it used. */
  async runOf(id: string): Promise<RunDocument | undefined> {
    const document = await this.get<RunDocument>(id);
    return document?._type === 'run' ? document : undefined;
  }

  /**
   * How many reads of guests were answered in their own threads (`near`), and why others went
   * through this one (`far`, by reason). All do in a store in memory, without the native part, or
   * opened with `guestsReadNear: false`.
   */
  get guestReads(): NearCounts {
    const { near, far } = this.#floors.sandbox.nearCounts;
    return { near, far: { ...far } };
  }

  /** Waits until no run is under way, those that were resumed at open included. */
  settled(): Promise<void> {
    return this.#floors.runs.settled();
  }

  /**
   * Checks documents, refs, kept revisions, change log, indexes and their saved files, unique keys, content hashes
   * and audit trail of one commit against each other, while others read and write.
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const view = this.view();
    try {
      return await checkView(view, blobFault, options, this.indexSaves);
    } finally {
      view.close();
    }
  }

  protected override pinnedRevisions(): ReadonlyMap<string, number> {
    const snapshot = this.snapshot();
    try {
      const pinned = new Map<string, number>();
      const status = { $in: ['running', 'waiting', 'paused'] };
      const unfinished = snapshot.query<RunDocument>({ _type: 'run', status });
      for (const [id, rev] of unfinished.flatMap(({ definitions }) =>
        Object.entries(definitions),
      )) {
        pinned.set(id, Math.min(rev, pinned.get(id) ?? rev));
      }
      return pinned;
    } finally {
      snapshot.close();
    }
  }

  /** Stops runs at their next commit, lets writes finish, and closes. Safe to call twice. */
  override close(): Promise<void> {
    // Runs commit the stages that are on their way; nobody else begins to write.
    this.refuseWrites();
    this.#closed ??= this.#closers.closeAll();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #read(id: string): Document | undefined {
    using snapshot = this.snapshot();
    return snapshot.get(id);
  }
}
