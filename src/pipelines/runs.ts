import { isJdbxError, JdbxError } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { isPlainObject, takeValue, type Value } from '../base/values.js';
import type { Birth } from './birth.js';
import { pinnedIn } from './definitions.js';
import { heedless } from './events.js';
import { Execution } from './execution.js';
import { leaseLost } from './fence.js';
import { type Fork, forkRun } from './fork.js';
import { Gate } from './gate.js';
import { leftElsewhere } from './leases/left-elsewhere.js';
import type { Pinned } from './pins.js';
import { type ReplayReport, replayRun } from './replay.js';
import type { RunChild, RunDeps } from './run-deps.js';
import { childRunId, type RunDocument, type RunResult } from './run-document.js';
import { childFailure, endedBadly } from './run-errors.js';
import { type Place, RunLife } from './run-life.js';
import { goingOn, type NewRun, pauseRun, type RunPart, type TakeOver } from './run-writes.js';
import { NO_USAGE } from './spending.js';
import { loadValue } from './stored-value.js';
import { Suspended } from './suspended.js';
import { type RunIdentity, UnderWay } from './under-way.js';
import { Post } from './waits/post.js';

export interface RunOptions {
  /** The session that the run belongs to; made when it does not exist. Default: `input.session_id`. */
  readonly session?: string | undefined;
  /** Names the run: the same key gives the same run, under way or ended. Default: a fresh name. */
  readonly key?: string | undefined;
  /** Higher ones go first where runs queue. A whole number. Default 0. */
  readonly priority?: number | undefined;
  /** By when the run has to have ended, or it fails: a date, ISO 8601 text, or milliseconds since the epoch. */
  readonly deadline?: Date | string | number | undefined;
  /** The budget that its model calls count in beside its pipeline's and its session's. */
  readonly budget?: string | undefined;
  /** For whom the run is made: its calls count in the budget `budget:key:KEY` too, or in one like `budget:key:*`. */
  readonly budgetKey?: string | undefined;
  /** Cancels the run, also one that is joined. */
  readonly signal?: AbortSignal | undefined;
}

interface Start extends RunIdentity {
  readonly input: Value;
  readonly session: string | undefined;
  readonly depth: number;
  readonly priority?: number | undefined;
  readonly deadlineAt?: number | undefined;
  readonly budgets?: readonly string[] | undefined;
  readonly budgetKey?: string | undefined;
  readonly pin: () => Pinned;
  /** Told once the run is stored. */
  readonly onStored?: () => void;
  /** True to store it before its first stage whatever that is. */
  readonly isEarly?: boolean;
  /** What it is a part of. */
  readonly whole?: RunPart | undefined;
}

/** How deep pipelines may call pipelines. */
const DEPTH_MAX = 16;

/** Every run of one open store: starting, joining, resuming, cancelling. */
export class Runs {
  readonly #deps: RunDeps;
  readonly #life: RunLife;
  readonly #underWay = new Map<string, UnderWay>();
  readonly #closing = new AbortController();
  readonly #turns: Gate;
  /** Runs that are about to be taken up again. */
  readonly #waking = new Set<Promise<void>>();
  /** Answers, signals, events and times for runs that wait. */
  readonly post: Post;

  /** `runsAtOnce` bounds the runs that are at work; those that wait for something do not count. */
  constructor({ runsAtOnce, ...deps }: Omit<RunDeps, 'child' | 'post'> & { runsAtOnce: number }) {
    const child: RunChild = (...args) => this.#child(...args);
    const { database, clock } = deps;
    this.post = new Post(
      database,
      () => clock.now(),
      (run) => {
        const woken = this.#wake(run).finally(() => this.#waking.delete(woken));
        this.#waking.add(woken);
      },
    );
    this.#deps = { ...deps, emit: heedless(deps.emit), child, post: this.post };
    this.#life = new RunLife(this.#deps);
    this.#turns = new Gate(runsAtOnce);
  }

  /**
   * Runs a pipeline document to its end.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE, INVALID_DOCUMENT before anything is written;
   * CONFLICT when the key is another run's; RUN_FAILED, RUN_CANCELLED when the run ended so; STORE_CLOSED,
   * STORE_FULL, STORE_IO when it could not go on: it does when the store is opened again
   */
  async run(
    pipeline: string,
    input: unknown,
    options: RunOptions,
    told: { named?(run: string): void; stored?(): void } = {},
  ): Promise<RunResult> {
    const start = this.#startOf(pipeline, input, options);
    told.named?.(start.id);
    return this.#start({ ...start, onStored: () => told.stored?.() }, options.signal);
  }

  /** The same, but gives the run's id as soon as it is stored. */
  async launch(pipeline: string, input: unknown, options: RunOptions): Promise<string> {
    const start = this.#startOf(pipeline, input, options);
    await new Promise<void>((resolve, reject) => {
      const early = { ...start, isEarly: true, onStored: resolve };
      this.#start(early, options.signal).then(() => resolve(), reject);
    });
    return start.id;
  }

  #startOf(pipeline: string, input: unknown, options: RunOptions): Start {
    const { key, priority, budgetKey } = options;
    if (budgetKey !== undefined) checkText(budgetKey, "a budget's key");
    checkText(pipeline, "a pipeline's id");
    if (key !== undefined) checkText(key, 'a key');
    if (priority !== undefined && !Number.isSafeInteger(priority)) {
      throw new TypeError(`run: expected priority to be a whole number, got ${String(priority)}`);
    }
    const value = takeValue(input, 'input');
    return {
      id: key === undefined ? newId('run') : `run:${key}`,
      pipeline,
      parent: undefined,
      input: value,
      session: options.session ?? sessionIn(value),
      depth: 0,
      priority,
      budgets: options.budget === undefined ? undefined : [options.budget],
      budgetKey,
      deadlineAt: deadlineFrom(options.deadline),
      pin: () => this.#life.pinCurrent(pipeline),
    };
  }

  /**
   * Takes up every unfinished run that no process has under way, those with the highest
   * priority first; without `own` none of this process's, which it gave up for a reason, such
   * as a full disk. Returns their ids.
   */
  async resumeUnfinished({ own }: { readonly own: boolean }): Promise<string[]> {
    const { database, leases } = this.#deps;
    const runs = await database
      .query<RunDocument>({ _type: 'run', status: 'running', parent: { $exists: false } })
      .project<RunDocument>({ pipeline: 1, priority: 1, owner: 1 })
      .toArray();
    const owners = [...new Set(runs.map(({ owner }) => owner))];
    const isLeft = (owner: string | undefined) =>
      !leases.isElsewhere(owner) && (own || !leases.isOwn(owner));
    const leavers = new Set(owners.filter(isLeft));
    const left = runs.filter(({ _id, owner }) => !this.#underWay.has(_id) && leavers.has(owner));
    for (const run of left.toSorted(byPriority)) this.#takeUp(run);
    return left.map(({ _id }) => _id);
  }

  /** Goes on with a run that was paused, or left by another process; joins one that another has. */
  async resume(id: string): Promise<RunResult> {
    const known = this.#underWay.get(id);
    if (known) return known.result;
    const run = await this.#deps.database.submit((draft) => goingOn(draft, id));
    if (run.status === 'waiting') return this.#life.standingOf(run);
    if (run.status === 'running' && this.#deps.leases.isElsewhere(run.owner)) {
      const { pipeline, parent } = run;
      const pin = () => pinnedIn(run);
      return this.#start({ id, pipeline, parent, input: null, session: undefined, depth: 0, pin });
    }
    return this.#takeUp(run).result;
  }

  /** Stops what this process has under way under a lease that another one has ended. */
  leaseLost(lost: string): void {
    for (const [id, run] of this.#underWay) {
      if (run.owner === lost) run.stop(leaseLost(id, lost, 'the lease ended'));
    }
  }

  /**
   * Stops a run that has not ended; what its finished stages did stays. False when there is
   * none.
   */
  async cancel(id: string): Promise<boolean> {
    const reason = new JdbxError('RUN_CANCELLED', `${id} was cancelled`);
    const known = this.#underWay.get(id);
    known?.cancel(reason);
    if (known) return true;
    const run = await this.#deps.database.get<RunDocument>(id);
    if (run?._type !== 'run' || run.ended_at !== undefined || run.parent !== undefined)
      return false;
    const taken = this.#takeUp(run, true);
    taken.cancel(reason);
    await taken.result.catch(() => {});
    return true;
  }

  /** Stops a run after the commits that are on their way, until `resume`. */
  async pause(id: string): Promise<void> {
    const known = this.#underWay.get(id);
    known?.stop(new JdbxError('RUN_PAUSED', `${id} was paused`));
    await known?.result.catch(() => {});
    await this.#deps.database.submit((draft) => pauseRun(draft, id));
  }

  /** How a run stands now. @throws {JdbxError} MISSING_DOCUMENT, RUN_FAILED, RUN_CANCELLED */
  async standing(id: string): Promise<RunResult> {
    const run = await this.#deps.database.get<RunDocument>(id);
    if (run?._type !== 'run') {
      throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
    }
    if (run.status === 'completed') return this.#life.resultOf(run);
    if (run.ended_at !== undefined) throw endedBadly(run);
    return this.#life.standingOf(run);
  }

  /**
   * A new run that goes on where another one stood after a stage.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, UNKNOWN_STAGE, DUPLICATE_ID, and what `run` throws
   */
  async fork(fork: Fork): Promise<RunResult> {
    const { database, leases } = this.#deps;
    return this.#takeUp(await forkRun(database, leases, fork)).result;
  }

  /** @throws {JdbxError} MISSING_DOCUMENT */
  async replay(id: string): Promise<ReplayReport> {
    using snapshot = this.#deps.database.snapshot();
    const get = (each: string) => snapshot.get<RunDocument>(each);
    const run = get(id);
    if (run?._type !== 'run') {
      throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
    }
    const place = { depth: 0, resumed: true, deadlineAt: undefined };
    const output = run.status === 'completed' ? loadValue(run, 'output', get) : undefined;
    return await replayRun(new Execution(run, this.#deps, place), snapshot, output);
  }

  /** Waits for every run under way, however it ends. */
  async settled(): Promise<void> {
    while (this.#underWay.size + this.#waking.size > 0) {
      const underWay = [...this.#underWay.values()].map(({ result }) => result);
      await Promise.allSettled([...underWay, ...this.#waking]);
    }
  }

  /** Stops runs after the stage commits that are on their way; they resume at the next open. */
  async close(): Promise<void> {
    const reason = new JdbxError('STORE_CLOSED', 'the store is closing; the run will resume');
    this.#closing.abort(reason);
    for (const run of this.#underWay.values()) run.cancel(reason);
    await this.settled();
  }

  #start(start: Start, signal?: AbortSignal): Promise<RunResult> {
    const known = this.#underWay.get(start.id);
    if (known) {
      checkSame(known.identity, start);
      this.#tellStored(start);
    }
    const work = (own: AbortSignal) => this.#createOrResume(start, own);
    const run = known ?? this.#begin(start, work, start.priority);
    run.follow(signal);
    return run.result;
  }

  /** Of a run that is under way already. */
  async #tellStored({ id, onStored }: Start): Promise<void> {
    await this.#underWay
      .get(id)
      ?.birth?.settle()
      .catch(() => {});
    const stored = await this.#deps.database.get(id).catch(() => undefined);
    if (stored) onStored?.();
  }

  #begin(
    identity: RunIdentity,
    work: (signal: AbortSignal) => Promise<RunResult>,
    priority: number | undefined,
  ): UnderWay {
    // A part of a run has its turn when the whole has: it would wait for itself.
    const inTurn = (signal: AbortSignal) =>
      identity.parent === undefined ? this.#turns.pass(() => work(signal), priority) : work(signal);
    const run = new UnderWay(identity, inTurn, () => this.#underWay.delete(identity.id));
    this.#underWay.set(identity.id, run);
    // No listener each: adding one to a signal looks at all that it has, and there may be many runs.
    if (this.#closing.signal.aborted) run.cancel(this.#closing.signal.reason);
    return run;
  }

  async #createOrResume(start: Start, signal: AbortSignal): Promise<RunResult> {
    refuseWhenClosing(signal);
    const { id, depth, deadlineAt, whole } = start;
    const found = await this.#deps.database.get<RunDocument>(id);
    if (!found) {
      signal.throwIfAborted();
      return this.#create(start, signal);
    }
    checkSame(identityOf(found), start);
    start.onStored?.();
    const known = whole ? found : await this.#leftElsewhere(found, signal);
    if (known.status === 'completed') return this.#life.resultOf(known);
    const isRoot = start.parent === undefined;
    if (known.status === 'waiting' || (isRoot && known.status === 'paused')) {
      return this.#life.standingOf(known);
    }
    // A child that ended badly is taken up again when its stage is, unless it was undone.
    const mayGoOn = known.status === 'running' || (!isRoot && !known.compensating);
    if (!mayGoOn && known.ended_at !== undefined) throw endedBadly(known);
    const taking = { id, parent: whole, byForce: signal.aborted };
    try {
      return await this.#resume(taking, { depth, deadlineAt }, signal);
    } catch (error) {
      // Another process was faster: its result is the run's.
      if (whole || !(await this.#isElsewhere(id, error))) throw error;
      return this.#createOrResume(start, signal);
    }
  }

  async #create(start: Start, signal: AbortSignal): Promise<RunResult> {
    const { pin, onStored, isEarly, whole: parent, depth, deadlineAt, ...others } = start;
    const run = { ...others, deadlineAt, parent, pinned: pin() };
    const place = { depth, deadlineAt };
    const birth = isEarly ? undefined : this.#conceive(run, onStored);
    if (birth) return this.#bear(birth, start, place, signal);
    let created: RunDocument;
    try {
      created = await this.#life.create(run);
    } catch (error) {
      // Another process has begun a run of this key since it was looked for.
      if (parent || !isJdbxError(error, 'DUPLICATE_ID')) throw error;
      return this.#createOrResume(start, signal);
    }
    onStored?.();
    return this.#execute(created, place, false, signal);
  }

  #conceive(run: NewRun, onStored: () => void = () => {}): Birth | undefined {
    const birth = this.#life.conceive(run, () => {
      const underWay = this.#underWay.get(run.id);
      if (underWay) underWay.owner = birth?.run.owner;
      onStored();
    });
    const known = this.#underWay.get(run.id);
    if (known) known.birth = birth;
    return birth;
  }

  /** Executes a run that is not stored yet. */
  async #bear(birth: Birth, start: Start, place: Place, signal: AbortSignal): Promise<RunResult> {
    try {
      return await this.#life.execute(birth.run, place, false, signal, birth);
    } catch (error) {
      // Nothing was written: the lease is another by now, or another process has begun the run.
      if (birth.isStored || !isJdbxError(error, 'RUN_LEASE_LOST')) throw error;
      return await this.#createOrResume({ ...start, isEarly: true }, signal);
    } finally {
      birth.end();
    }
  }

  /** A run that is to be cancelled is not waited for: it is taken away from who has it. */
  async #leftElsewhere(found: RunDocument, signal: AbortSignal): Promise<RunDocument> {
    try {
      return (await leftElsewhere(this.#deps, found._id, signal)) ?? found;
    } catch (error) {
      if (isJdbxError(error, 'RUN_CANCELLED')) return found;
      throw error;
    }
  }

  async #isElsewhere(id: string, error: unknown): Promise<boolean> {
    if (!isJdbxError(error, 'RUN_LEASE_LOST') || this.#underWay.get(id)?.owner) return false;
    const run = await this.#deps.database.get<RunDocument>(id);
    return run !== undefined;
  }

  /** A run that was begun before, by itself. The outcome is in its document: nobody has to wait. */
  #takeUp({ _id: id, pipeline, priority }: RunDocument, byForce = false): UnderWay {
    const work = (signal: AbortSignal) => this.#resume({ id, byForce }, { depth: 0 }, signal);
    const run =
      this.#underWay.get(id) ?? this.#begin({ id, pipeline, parent: undefined }, work, priority);
    run.result.catch(() => {});
    return run;
  }

  /** Goes on with a run for which something has come. */
  async #wake(id: string): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const known = this.#underWay.get(id);
    // It may be about to end its walk, having looked before what came.
    if (known) await known.result.catch(() => {});
    const run = await this.#deps.database.get<RunDocument>(id).catch(() => undefined);
    if (run?.status === 'running' && !this.#closing.signal.aborted) this.#takeUp(run);
  }

  /** A run that is cancelled before its turn is taken over all the same: its end must be written. */
  async #resume(taking: TakeOver, place: Place, signal: AbortSignal): Promise<RunResult> {
    refuseWhenClosing(signal);
    const run = await this.#life.takeOver(taking);
    return this.#execute(run, place, true, signal);
  }

  #execute(
    run: RunDocument,
    place: Place,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const underWay = this.#underWay.get(run._id);
    if (underWay) underWay.owner = run.owner;
    return this.#life.execute(run, place, resumed, signal);
  }

  #child: RunChild = async (parent, pipeline, input, path, signal) => {
    const depth = parent.depth + 1;
    if (depth > DEPTH_MAX) {
      const text = `expected at most ${DEPTH_MAX} pipelines in each other`;
      throw new JdbxError('INVALID_PIPELINE', text, { path });
    }
    const id = childRunId(parent.id, path);
    const { session, deadlineAt, budgets } = parent;
    const pin = () => this.#life.pinFrom(parent, pipeline);
    const whole = { id: parent.id, owner: parent.owner };
    const place = { parent: parent.id, whole, depth, deadlineAt };
    const start: Start = { id, pipeline, input, session, pin, budgets, ...place };
    try {
      const { output, status } = await this.#start(start, signal);
      if (status !== 'completed') throw new Suspended([id]);
      return { run: id, output: output as Value };
    } catch (thrown) {
      if (thrown instanceof Suspended) throw thrown;
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

function byPriority(left: RunDocument, right: RunDocument): number {
  return (right.priority ?? 0) - (left.priority ?? 0);
}

function deadlineFrom(deadline: RunOptions['deadline']): number | undefined {
  if (deadline === undefined) return undefined;
  const at = new Date(deadline).getTime();
  if (Number.isNaN(at)) throw new TypeError(`run: expected a deadline, got ${String(deadline)}`);
  return at;
}
