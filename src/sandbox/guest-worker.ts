import { MessageChannel, Worker } from 'node:worker_threads';
import { isJdbxError, JdbxError } from '../base/errors.js';
import { Alarm } from './alarm.js';
import { Batch } from './batch.js';
import { endWorker, watchOver } from './end-worker.js';
import { answerAsk, answerHostCall, wake } from './host-channel.js';
import type { Job } from './job.js';
import {
  type AnswerMessage,
  type BatchMessage,
  type CallReport,
  CONTROL,
  type GuestProgram,
  monotonicNow,
  type WorkerMessage,
  type WorkerStart,
} from './messages.js';
import type { NearOrder, NearSource, NearTally } from './near.js';
import { reportOf } from './outbox.js';
import type { RealmBase } from './realm-boot.js';
import { settleByReport } from './results.js';

/**
 * V8's share of a worker; the guests' memory lies outside of it. The stack is
 * wide because the engine recurses on it, deeper than its own limit tells.
 */
const RESOURCE_LIMITS = {
  maxOldGenerationSizeMb: 256,
  maxYoungGenerationSizeMb: 32,
  stackSizeMb: 8,
};

/**
 * How much of the grace passes before a replacement is started: most guests are
 * stopped inside of their engine, a few milliseconds past the deadline.
 */
const LATE_PART = 0.4;
/** How long a job may hold up those that came with it, in milliseconds. */
const HOLD_UP_MS = 2;
/** How many programs a worker knows at most, but for those of one batch. */
const PROGRAMS_MAX = 500;
/** Ids start over before they outgrow their 32-bit cell. */
const ID_MAX = 2 ** 30;

/** What workers are made of. */
export interface GuestWorkerParts {
  readonly wasm: WebAssembly.Module;
  readonly base: RealmBase | undefined;
  readonly graceMs: number;
  readonly near: NearSource | undefined;
  /** Told where host calls were answered. */
  readonly tally: NearTally;
}

export interface GuestWorkerEvents {
  /** Started; `base` saves the next workers a part of that. */
  onReady(base: RealmBase): void;
  /** Ready for a batch. */
  onIdle(): void;
  /** Past its deadline, and so likely to be ended soon: the time to start another worker. */
  onLate(): void;
  /** Not begun after all: to be given to another worker, ahead of those that wait. */
  onReturned(jobs: readonly Job[]): void;
  /** Ended, and never to be used again; `cause` when it failed by itself. */
  onGone(cause?: unknown): void;
}

/** The main thread's handle of one worker: gives it jobs, answers it, and ends it if it hangs. */
export class GuestWorker {
  readonly #thread: Worker;
  readonly #control: Int32Array;
  readonly #answers: MessageChannel;
  readonly #events: GuestWorkerEvents;
  readonly #graceMs: number;
  readonly #epoch = monotonicNow();
  readonly #watchdog: Alarm;
  readonly #holdUp: Alarm;
  #state: 'starting' | 'idle' | 'busy' | 'gone' = 'starting';
  /** The numbers of the programs that it knows. */
  readonly #sent = new Set<number>();
  /** The number of what near functions share that it was sent last. */
  #sharedNumber: number | undefined;
  readonly #tally: NearTally;
  readonly #hasNear: boolean;
  #batch: Batch | undefined;
  #orderedAt = 0;
  #nextId = 1;
  #isReferenced = true;
  #isLate = false;
  /** An aborted job, and when its worker ends if it does not stop by itself. */
  #stopping: { job: Job; endAt: number } | undefined;

  constructor({ wasm, base, graceMs, near, tally }: GuestWorkerParts, events: GuestWorkerEvents) {
    this.#events = events;
    this.#graceMs = graceMs;
    this.#tally = tally;
    this.#hasNear = near !== undefined;
    this.#watchdog = new Alarm(() => this.#watch());
    this.#holdUp = new Alarm(() => this.#recallIfHeldUp());
    const shared = new SharedArrayBuffer(CONTROL.cells * Int32Array.BYTES_PER_ELEMENT);
    this.#control = new Int32Array(shared);
    this.#answers = new MessageChannel();
    const answers = this.#answers.port2;
    const epoch = this.#epoch;
    const workerData: WorkerStart = { wasm, base, control: shared, answers, epoch, near };
    this.#thread = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      transferList: [answers],
      resourceLimits: RESOURCE_LIMITS,
      // Nothing of the host's environment or flags belongs in there.
      env: {},
      execArgv: [],
    });
    if (near) watchOver(this.#thread, this.#control);
    this.#thread.on('message', (message: WorkerMessage) => this.#onMessage(message));
    this.#thread.on('error', (error) => this.#leave(error));
    this.#thread.on('exit', () => this.#leave());
  }

  get state(): 'starting' | 'idle' | 'busy' | 'gone' {
    return this.#state;
  }

  /** Whether it has run past a deadline, and not come to rest since. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Runs at least one job, one after the other. The worker must be idle. */
  run(jobs: readonly Job[]): void {
    this.#state = 'busy';
    if (!this.#isReferenced) this.#thread.ref();
    this.#isReferenced = true;
    this.#orderedAt = monotonicNow();
    const firstId = this.#takeIds(jobs.length);
    this.#batch = new Batch(jobs, firstId, this.#control);
    this.#thread.postMessage(this.#messageFor(jobs, firstId));
    this.#watchdog.set(this.#lateAt);
    if (jobs.length > 1) this.#holdUp.set(this.#orderedAt + HOLD_UP_MS);
  }

  /** Programs travel once; a worker is made to forget them all before they are too many. */
  #messageFor(jobs: readonly Job[], firstId: number): BatchMessage {
    const forgets = this.#sent.size > PROGRAMS_MAX;
    if (forgets) this.#sent.clear();
    const programs: [number, GuestProgram][] = [];
    for (const { program } of jobs) {
      if (this.#sent.has(program.number)) continue;
      this.#sent.add(program.number);
      programs.push([program.number, program.program]);
    }
    return { firstId, forgets, programs, ...this.#callsOf(jobs) };
  }

  /** What near functions share crosses once; it is the same for calls that are ordered together. */
  #callsOf(jobs: readonly Job[]): Pick<BatchMessage, 'calls' | 'shared'> {
    let shared: NearOrder['shared'] | undefined;
    const calls = jobs.map((job) => {
      const near = this.#hasNear ? orderNear(job) : undefined;
      shared = near?.shared ?? shared;
      return job.order(near?.own);
    });
    if (!shared || shared.number === this.#sharedNumber) return { calls };
    this.#sharedNumber = shared.number;
    return { calls, shared: { facts: shared.facts } };
  }

  #takeIds(count: number): number {
    if (this.#nextId > ID_MAX) {
      this.#nextId = 1;
      Atomics.store(this.#control, CONTROL.stop, 0);
    }
    const firstId = this.#nextId;
    this.#nextId += count;
    return firstId;
  }

  /** Ends an aborted job: by the guest's own look at the flag, or with the worker. */
  stop(job: Job): void {
    const id = this.#batch?.idOf(job);
    if (!this.#batch || id === undefined) return;
    this.#recall();
    if (job !== this.#batch.current) return;
    this.#stopping = { job, endAt: monotonicNow() + this.#graceMs };
    Atomics.store(this.#control, CONTROL.stop, id);
    wake(this.#control);
    this.#watchdog.set(monotonicNow());
  }

  /** Ends the worker with whatever it runs. */
  async terminate(reason: JdbxError): Promise<void> {
    this.#leave(reason);
    if (this.#hasNear) await endWorker(this.#thread, this.#control, () => this.#tellStuck());
    else await this.#thread.terminate();
  }

  #tellStuck(): void {
    this.#tally.miss('stuck');
    const text =
      'a guest cannot be ended yet: its thread does not come back from reading the store';
    process.emitWarning(text, { code: 'JDBX_GUEST_STUCK' });
  }

  #onMessage(message: WorkerMessage): void {
    if (this.#state === 'gone') return;
    if (message.kind === 'host-call') {
      // It may take its time, so nothing else should wait for this job.
      this.#recall();
      this.#answer(message);
    } else if (message.kind === 'ask') {
      this.#answerAsk(message);
    } else if (message.kind === 'settled') {
      for (const entry of message.reports) this.#settle(entry[0], reportOf(entry));
      if (message.isIdle) this.#rest();
    } else {
      this.#events.onReady(message.base);
      this.#rest();
    }
  }

  #settle(id: number, report: CallReport): void {
    const job = this.#batch?.job(id);
    if (!job) return;
    this.#batch?.markReported(job);
    if (report.near) this.#tally.add(report.near);
    if (!job.settled) settleByReport(job, report);
  }

  /** Only a worker that gets no next job at once stops keeping the process alive. */
  #rest(): void {
    this.#state = 'idle';
    this.#batch = undefined;
    this.#stopping = undefined;
    this.#isLate = false;
    this.#events.onIdle();
    if (this.#state !== 'idle') return;
    this.#thread.unref();
    this.#isReferenced = false;
  }

  /** A call that is over gets no more effects: its host function is not even begun. */
  async #answer(request: WorkerMessage & { kind: 'host-call' }): Promise<void> {
    const job = this.#batch?.job(request.id);
    if (!job || job.settled) return;
    const { name, argumentsText, sequence } = request;
    job.hostCalls++;
    const fn = Object.hasOwn(job.call.host, name) ? job.call.host[name] : undefined;
    const text = await answerHostCall(fn, argumentsText, job.hostErrors);
    if (this.#batch?.job(request.id) !== job) return;
    const news = job.call.near?.news();
    this.#send(news === undefined ? { sequence, text } : { sequence, text, news });
  }

  #answerAsk({ id, sequence, question }: WorkerMessage & { kind: 'ask' }): void {
    const job = this.#batch?.job(id);
    if (job && !job.settled) this.#send({ sequence, ...answerAsk(job.call.near, question) });
  }

  #send(answer: AnswerMessage): void {
    this.#answers.port1.postMessage(answer);
    wake(this.#control);
  }

  #recall(): void {
    const jobs = this.#batch?.recall() ?? [];
    if (jobs.length > 0) this.#events.onReturned(jobs.filter(({ settled }) => !settled));
  }

  /** A batch that gets on is left alone, and so is one that has not been taken up yet. */
  #recallIfHeldUp(): void {
    if (this.#state !== 'busy') return;
    const isHeldUp = this.#batch?.current && monotonicNow() - this.#beganAt >= HOLD_UP_MS;
    if (isHeldUp) this.#recall();
    else this.#holdUp.set(monotonicNow() + HOLD_UP_MS);
  }

  get #beganAt(): number {
    return this.#epoch + Atomics.load(this.#control, CONTROL.beganAt);
  }

  /** When the worker ends unless it gets on, by `monotonicNow`. */
  get #endAt(): number {
    const job = this.#batch?.current;
    const endAt = job
      ? this.#beganAt + job.call.limits.timeoutMs
      : this.#orderedAt + (this.#batch?.shortestTimeoutMs ?? 0);
    const isStopping = job !== undefined && job === this.#stopping?.job;
    const stopAt = isStopping ? (this.#stopping?.endAt as number) : Number.POSITIVE_INFINITY;
    return Math.min(endAt + this.#graceMs, stopAt);
  }

  /** When a worker that has not got on is late. */
  get #lateAt(): number {
    return this.#endAt - this.#graceMs * (1 - LATE_PART);
  }

  /** A worker that is late gets a replacement; it ends when the grace is over. */
  #watch(): void {
    if (this.#state !== 'busy') return;
    const now = monotonicNow();
    if (now >= this.#endAt) this.#kill();
    else if (now < this.#lateAt) this.#watchdog.set(this.#lateAt);
    else {
      this.#watchdog.set(this.#endAt);
      this.#warn();
    }
  }

  #warn(): void {
    if (this.#isLate) return;
    this.#isLate = true;
    this.#events.onLate();
  }

  #kill(): void {
    const { limits, name } = this.#batch?.current?.call ?? {};
    const text = `the guest ran past ${limits?.timeoutMs} ms and had to be ended with its worker`;
    this.terminate(new JdbxError('GUEST_TIMEOUT', text, { details: { name } })).catch(() => {});
  }

  #leave(cause?: unknown): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#watchdog.cancel();
    this.#holdUp.cancel();
    this.#answers.port1.close();
    const jobs = this.#batch ? sortOut(this.#batch, cause) : [];
    if (jobs.length > 0) this.#events.onReturned(jobs);
    this.#events.onGone(cause);
  }
}

/** A call that its caller gave up meanwhile gets none. */
function orderNear({ call }: Job): NearOrder | undefined {
  try {
    return call.near?.order();
  } catch {
    return undefined;
  }
}

/** Rejects what ends with its worker, and gives what can be run again. */
function sortOut(batch: Batch, cause: unknown): Job[] {
  const waiting = batch.recall();
  const current = batch.current;
  const isClosing = isJdbxError(cause, 'STORE_CLOSED');
  const isCrash = !(cause instanceof JdbxError) && !isOutOfMemory(cause);
  const again = batch.unreported.filter((job) => {
    const isInnocent = job !== current || isCrash;
    if (!isClosing && isInnocent && job.mayRunAgain()) return true;
    if (!job.settled) job.reject(reasonOf(job, cause));
    return false;
  });
  if (!isClosing) return [...again, ...waiting.filter(({ settled }) => !settled)];
  for (const job of waiting) if (!job.settled) job.reject(reasonOf(job, cause));
  return [];
}

function isOutOfMemory(cause: unknown): boolean {
  return (cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function reasonOf(job: Job, cause: unknown): JdbxError {
  if (cause instanceof JdbxError) return cause;
  const details = { name: job.call.name };
  return isOutOfMemory(cause)
    ? new JdbxError('GUEST_MEMORY', 'the guest used up its worker', { cause, details })
    : new JdbxError('GUEST_CRASHED', 'the worker ended during the call', { cause, details });
}
