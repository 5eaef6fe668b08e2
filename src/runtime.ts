import { join, resolve } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import { nanoid } from 'nanoid';
import { type Clock, systemClock } from './base/clock.js';
import { Closers } from './base/disposal.js';
import type { Document } from './base/document.js';
import { JdbxError } from './base/errors.js';
import { takeValue, type Value } from './base/values.js';
import { blobFault, documentChecks } from './document-checks.js';
import { AuditTrail } from './documents/audit-trail.js';
import { DocumentCache } from './documents/cache.js';
import { type CheckOptions, type CheckReport, checkView } from './documents/check.js';
import type { Filter } from './documents/contract.js';
import type { Cursor } from './documents/cursor.js';
import { Database } from './documents/database.js';
import type { RetainReport } from './documents/retention/contract.js';
import { Store } from './documents/store.js';
import { takeDocument } from './documents/take-document.js';
import { indexKind } from './indexes/create-index.js';
import { Jobs } from './jobs/jobs.js';
import { Reservations } from './llm/budgets/reservations.js';
import { createModelCaller } from './llm/call-model.js';
import { Hold, type Submit } from './llm/counting/hold.js';
import { createProviders } from './llm/create-providers.js';
import { Embedders } from './llm/embeddings/embedders.js';
import { Pools } from './llm/pools/pools.js';
import { type CachedResponse, Responses } from './llm/responses/responses.js';
import {
  type Calibration,
  calibrate,
  calibrationId,
  type LabelledPair,
} from './llm/semantic/calibration.js';
import type { SemanticEntry } from './llm/semantic/entry.js';
import { type CacheReport, cacheReport } from './llm/semantic/report.js';
import { SemanticCache } from './llm/semantic/semantic-cache.js';
import { Transport } from './llm/transport/transport.js';
import {
  chooseTokenCounter,
  findPriceIn,
  findRecordingIn,
  isSettledIn,
  ownPrice,
} from './model-sources.js';
import { type EmitOptions, OPEN_DEFAULTS, type OpenOptions } from './open-options.js';
import { DocumentTests } from './pipelines/document-tests/document-tests.js';
import type { TestReport } from './pipelines/document-tests/results.js';
import type { RunEvents } from './pipelines/events.js';
import {
  type FollowOptions,
  followRun,
  type LiveRunEvent,
  type RunEvent,
} from './pipelines/follow.js';
import { checkPatch, type ForkOptions, type ForkPatch } from './pipelines/fork.js';
import { codeRule } from './pipelines/guests/code-rules.js';
import { GuestCodes } from './pipelines/guests/guest-codes.js';
import { nearSource } from './pipelines/guests/near-reads.js';
import { Leases } from './pipelines/leases/leases.js';
import { Programs } from './pipelines/programs/programs.js';
import type { ReplayReport } from './pipelines/replay.js';
import type { RunDocument, RunResult } from './pipelines/run-document.js';
import { type RunHandle, runHandle } from './pipelines/run-handle.js';
import { type RunOptions, Runs } from './pipelines/runs.js';
import { type UndoReport, undoRun } from './pipelines/undo.js';
import type { WaitDocument } from './pipelines/waits/wait-document.js';
import type { Sandbox } from './sandbox/contract.js';
import type { NearCounts, NearSource } from './sandbox/near.js';
import { createSandbox } from './sandbox/pool.js';
import type { TokenCounter } from './sessions/token-window.js';
import type { Engine } from './storage/contract.js';
import { canFollow } from './storage/follower.js';
import { openMemory } from './storage/memory/engine.js';
import { openEmbedded } from './storage/open-embedded.js';
import { SYSTEM_DOCUMENTS } from './system-documents.js';
import { transformWith } from './transform-with.js';

/** Runs beyond this many at once would fail in their transformer stages instead of waiting. */
const GUEST_CALLS_WAITING_MAX = 100_000;

/** Programs that stand in the sandbox at once; the others wait outside of it, or run anew. */
const PROGRAMS_AT_ONCE = 2;

/** The path of a store that is kept in memory and ends with the process. */
export const MEMORY = ':memory:';

/**
 * Opens or creates the store in the directory `path`.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_MISSING, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Jdbx> {
  if (typeof path !== 'string' || path === '') {
    throw new TypeError(`open: expected the path of a directory, got ${String(path)}`);
  }
  const { sizeMaxBytes, create } = options;
  const embedded = () => openEmbedded(path, { sizeMaxBytes, create });
  const engine = path === MEMORY ? openMemory() : await embedded();
  try {
    const jdbx = new Jdbx(engine, options, path === MEMORY ? undefined : resolve(path));
    await jdbx.begin(options);
    return jdbx;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

type RunEventsAndLive = AsyncGenerator<RunEvent | LiveRunEvent, void>;

/** @internal For several stores in one process. */
export function sandboxOf({ workers }: OpenOptions, near?: NearSource): Sandbox {
  const queueMax = GUEST_CALLS_WAITING_MAX;
  return createSandbox({ ...(workers === undefined ? {} : { workers }), queueMax, near });
}

/** What `db.events` tells. */
export interface JdbxEvents extends RunEvents {
  /** After each step of retention in the background, and at the end of a round. */
  readonly retention: [report: RetainReport];
}

/** An open store: the verbs over its documents, and the runs of its pipelines. */
export class Jdbx extends Database implements AsyncDisposable {
  /** The audit trail and its verification. */
  readonly audit: AuditTrail;
  /** Tells when runs and stages start and end. */
  readonly events: EventEmitter<JdbxEvents>;
  readonly #leases: Leases;
  readonly #runs: Runs;
  readonly #jobs: Jobs;
  readonly #sandbox: Sandbox;
  #tokens: Promise<TokenCounter> | undefined;
  readonly #tests: DocumentTests;
  readonly #clock: Clock;
  readonly #embedders: Embedders;
  readonly #closers = new Closers();
  #closed: Promise<void> | undefined;

  /** @internal Use `open`. */
  constructor(engine: Engine, options: OpenOptions, directory: string | undefined) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    // Where the native part is, and files to read.
    const isNative = canFollow && indexKind.name === 'native';
    const canBeFollowed = options.guestsReadNear === true && directory !== undefined && isNative;
    const codes = new GuestCodes((id) => this.#document(id));
    const store = new Store(engine, {
      clock,
      indexKind,
      savesIn: directory && join(directory, 'indexes'),
      saveAfter: options.saveIndexesAfter,
      canBeFollowed,
      cache: new DocumentCache(options.cacheBytes ?? OPEN_DEFAULTS.cacheBytes),
      logCommits: options.logCommits ?? OPEN_DEFAULTS.logCommits,
      rules: [codeRule(codes, (code) => this.#tests.demand(code))],
    });
    super(store, documentChecks(codes));
    this.#clock = clock;
    this.#closers.add(() => super.close());
    const near = canBeFollowed ? nearSource(directory) : undefined;
    const sandbox = options.sandbox ?? sandboxOf(options, near);
    this.#sandbox = sandbox;
    if (!options.sandbox) this.#closers.add(() => sandbox.close());
    const programs = createSandbox({ workers: PROGRAMS_AT_ONCE });
    this.#closers.add(() => programs.close());
    const transport = new Transport({ dispatcher: options.dispatcher, clock });
    this.#closers.add(() => transport.close());
    const secrets = { env: options.env ?? process.env, sealKey: options.sealKey };
    this.#embedders = new Embedders({
      transport,
      get: (id) => this.latest(id),
      secrets,
      own: options.embedders,
    });
    const models = createModelCaller({
      providers: createProviders({
        findRecording: findRecordingIn(this),
        transport,
        transform: transformWith(sandbox, codes, (id) => this.latest(id), clock),
        own: options.providers,
      }),
      credentials: (ref) => this.get(ref),
      findPrice: findPriceIn(this, clock),
      secrets,
      clock,
      random,
    });
    this.audit = new AuditTrail(this);
    const owner = nanoid();
    const get = (id: string) => this.latest(id);
    const submit: Submit = (plan) => this.submit(plan);
    const hold = new Hold({ submit, get, othersCount: () => this.othersCount, owner, directory });
    // What cannot be written now, the next to open the store finds in the file.
    this.#closers.add(() => hold.release().catch(() => {}));
    const now = () => clock.now();
    this.events = new EventEmitter();
    const seated = new Programs(programs, PROGRAMS_AT_ONCE);
    this.#tests = new DocumentTests({ database: this, sandbox, codes, programs: seated });
    this.#leases = new Leases({
      database: this,
      process: nanoid(),
      leaseMs: options.leaseMs ?? OPEN_DEFAULTS.leaseMs,
    });
    this.#closers.add(() => this.#leases.close());
    this.#runs = new Runs({
      database: this,
      sandbox,
      programs: seated,
      codes,
      models,
      pools: new Pools({ submit, get, hold, owner, now, random, priceOf: ownPrice }),
      reservations: new Reservations({
        hold,
        get,
        now,
        isSettled: isSettledIn(this),
      }),
      semantic: new SemanticCache({
        get,
        embedder: (id) => this.#embedders.find(id),
        entries: (scope, limit) =>
          this.query<SemanticEntry>({ _type: 'semantic_entry', scope })
            .sort({ at: -1 })
            .limit(limit)
            .toArray(),
      }),
      responses: new Responses({
        get,
        oldest: (scope, limit) => this.#oldestResponses(scope, limit),
      }),
      clock,
      random,
      emit: (event, ...args) => {
        if (event === 'run-end') this.#jobs.runEnded();
        this.events.emit(event, ...(args as never));
      },
      leases: this.#leases,
      tokens: () => {
        this.#tokens ??= chooseTokenCounter(options.countTokens);
        return this.#tokens;
      },
      runsAtOnce: options.runsAtOnce ?? OPEN_DEFAULTS.runsAtOnce,
      alarm: (atMs) => this.#jobs.expect(atMs),
    });
    this.#closers.add(() => this.#runs.close());
    this.#leases.listen({
      onLost: (owner) => this.#runs.leaseLost(owner),
      onLook: (isNews) => this.#jobs.look(isNews),
    });
    this.#jobs = new Jobs({
      database: this,
      clock,
      post: this.#runs.post,
      leases: this.#leases,
      takeUp: () => this.#runs.resumeUnfinished({ own: false }),
      start: async ({ pipeline, input, ...start }) => {
        await this.#runs.launch(pipeline, input, start);
      },
    });
    this.#closers.add(() => this.#jobs.close());
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
    const result = this.#runs.run(pipeline, input, options, { named, stored });
    const begun = Promise.race([isStored, result]);
    begun.catch(() => {});
    const source = { emitter: this.events, now: () => this.#clock.now(), begun };
    return runHandle(result, () => followRun(this, run, {}, source));
  }

  /** Starts a run, and gives its id as soon as it is stored: `ended` and `follow` go on from there. */
  start(pipeline: string, input: unknown = {}, options: RunOptions = {}): Promise<string> {
    return this.#runs.launch(pipeline, input, options);
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
    if (run !== undefined) return this.#runs.resume(run);
    await this.#leases.begin();
    const ids = await this.#runs.resumeUnfinished({ own: true });
    await this.#runs.post.collectAll();
    this.#jobs.begin();
    return ids;
  }

  /** Stops a run after the commits that are on their way, until `resume`. @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED */
  pause(run: string): Promise<void> {
    return this.#runs.pause(run);
  }

  /** Ends a run that has not ended; what its finished stages did stays. False when there is none. */
  cancel(run: string): Promise<boolean> {
    return this.#runs.cancel(run);
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
        const standing = await this.#runs.standing(run);
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
    const source = { emitter: this.events, now: () => this.#clock.now() };
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
    return this.#runs.fork({ ...options, run, after: stage, input: given, outputs: taken });
  }

  /**
   * Goes through a run again from its records and tells the first difference. Calls nothing,
   * writes nothing.
   *
   * @throws {JdbxError} MISSING_DOCUMENT
   */
  replay(run: string): Promise<ReplayReport> {
    return this.#runs.replay(run);
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
    return this.#runs.post.answer(run, wait, takeValue(value, 'answer'));
  }

  /**
   * Sends a signal to a run; it is kept until a stage of the run waits for it.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED, SCHEMA_VIOLATION
   */
  async signal(run: string, name: string, value: unknown = null): Promise<void> {
    return this.#runs.post.signal(run, name, takeValue(value, 'signal'));
  }

  /** Emits an event, as an `emit` stage does. Gives its id. */
  async emit(event: string, value: unknown = null, options: EmitOptions = {}): Promise<string> {
    const { key = null, once = false, keepMs } = options;
    const taken = { value: takeValue(value, 'event'), key: takeValue(key, 'key') };
    return this.#runs.post.emit({ name: event, once, keepMs, ...taken });
  }

  /**
   * Runs the tests that documents carry: of one document by its id, or of those that a
   * filter finds; nothing of it is written. Failed tests are in the report, not thrown.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_FILTER, INVALID_DOCUMENT
   */
  test(target: string | Filter = {}): Promise<TestReport> {
    return this.#tests.run(target);
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
    const embedder = this.#embedders.find(id);
    const measured = await calibrate(embedder, pairs, precision);
    const named = { _id: calibrationId(embedder.id), _type: 'embedder_calibration' };
    return (await this.put({ ...named, ...measured })) as Calibration;
  }

  /** What kept answers saved, and how often those for other questions were wrong, by the audit trail. */
  cacheReport({ since }: { readonly since?: string } = {}): Promise<CacheReport> {
    return cacheReport((stages) => this.aggregate(stages as Filter[]), since);
  }

  /** The run document: its status, its pins, what it used. */
  async runOf(id: string): Promise<RunDocument | undefined> {
    const document = await this.get<RunDocument>(id);
    return document?._type === 'run' ? document : undefined;
  }

  /**
   * How many reads of guests were answered in their own threads (`near`), and why others went
   * through this one (`far`, by reason). All do in a store in memory or without the native part.
   */
  get guestReads(): NearCounts {
    const { near, far } = this.#sandbox.nearCounts;
    return { near, far: { ...far } };
  }

  /** Waits until no run is under way, those that were resumed at open included. */
  settled(): Promise<void> {
    return this.#runs.settled();
  }

  /**
   * Checks documents, refs, kept revisions, change log, indexes, unique keys, content hashes
   * and audit trail of one commit against each other, while others read and write.
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const view = this.view();
    try {
      return await checkView(view, blobFault, options);
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

  #document(id: string): Document | undefined {
    using snapshot = this.snapshot();
    return snapshot.get(id);
  }

  #oldestResponses(scope: string, limit: number): Promise<CachedResponse[]> {
    return this.query<CachedResponse>({ _type: 'cached_response', scope })
      .sort({ at: 1 })
      .limit(limit)
      .toArray();
  }
}
