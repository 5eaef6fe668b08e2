import { MessageChannel, Worker } from 'node:worker_threads';
import { JdbxError } from '../base/errors.js';
import { answerHostCall, wake } from './host-channel.js';
import type { Job } from './job.js';
import {
  type AnswerMessage,
  type CallReport,
  CONTROL,
  monotonicNow,
  type WorkerMessage,
  type WorkerStart,
} from './messages.js';
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

export interface GuestWorkerEvents {
  /** Ready for a call. */
  onIdle(): void;
  /** Ended, and never to be used again; `cause` when it failed by itself. */
  onGone(cause?: unknown): void;
}

/** The main thread's handle of one worker: gives it a job, answers it, and ends it if it hangs. */
export class GuestWorker {
  readonly #thread: Worker;
  readonly #control: Int32Array;
  readonly #answers: MessageChannel;
  readonly #events: GuestWorkerEvents;
  readonly #graceMs: number;
  #state: 'starting' | 'idle' | 'busy' | 'gone' = 'starting';
  #job: Job | undefined;
  #jobId = 0;
  #isReferenced = true;
  #watchdog: NodeJS.Timeout | undefined;
  /** When the watchdog bites, by `monotonicNow`. */
  #endAt = Number.POSITIVE_INFINITY;
  #ringsAt = 0;

  constructor(wasm: WebAssembly.Module, graceMs: number, events: GuestWorkerEvents) {
    this.#events = events;
    this.#graceMs = graceMs;
    const shared = new SharedArrayBuffer(CONTROL.cells * Int32Array.BYTES_PER_ELEMENT);
    this.#control = new Int32Array(shared);
    this.#answers = new MessageChannel();
    const answers = this.#answers.port2;
    const workerData: WorkerStart = { wasm, control: shared, answers };
    this.#thread = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      transferList: [answers],
      resourceLimits: RESOURCE_LIMITS,
      // Nothing of the host's environment or flags belongs in there.
      env: {},
      execArgv: [],
    });
    this.#thread.on('message', (message: WorkerMessage) => this.#onMessage(message));
    this.#thread.on('error', (error) => this.#leave(error));
    this.#thread.on('exit', () => this.#leave());
  }

  get state(): 'starting' | 'idle' | 'busy' | 'gone' {
    return this.#state;
  }

  run(job: Job): void {
    this.#state = 'busy';
    this.#job = job;
    if (!this.#isReferenced) this.#thread.ref();
    this.#isReferenced = true;
    const { timeoutMs } = job.call.limits;
    const deadline = monotonicNow() + timeoutMs;
    this.#thread.postMessage({ ...job.message, id: ++this.#jobId, deadline });
    this.#watch(timeoutMs + this.#graceMs);
  }

  /** Ends an aborted job: by the guest's own look at the flag, or with the worker. */
  stop(job: Job): void {
    if (this.#job !== job) return;
    Atomics.store(this.#control, CONTROL.stop, this.#jobId);
    wake(this.#control);
    this.#watch(this.#graceMs);
  }

  /** Ends the worker with whatever it runs. */
  async terminate(reason: JdbxError): Promise<void> {
    this.#leave(reason);
    await this.#thread.terminate();
  }

  #onMessage(message: WorkerMessage): void {
    if (this.#state === 'gone') return;
    if (message.kind === 'host-call') this.#answer(message);
    else if (message.kind === 'settled') this.#settle(message.report);
    else this.#rest();
  }

  #settle(report: CallReport): void {
    const job = this.#job as Job;
    if (!job.settled) settleByReport(job, report);
    this.#rest();
  }

  /** Only a worker that gets no next job at once stops keeping the process alive. */
  #rest(): void {
    this.#state = 'idle';
    this.#job = undefined;
    this.#endAt = Number.POSITIVE_INFINITY;
    this.#events.onIdle();
    if (this.#state !== 'idle') return;
    this.#thread.unref();
    this.#isReferenced = false;
  }

  /** A call that is over gets no more effects: its host function is not even begun. */
  async #answer(request: WorkerMessage & { kind: 'host-call' }): Promise<void> {
    const job = this.#job;
    if (!job || job.settled) return;
    const { name, argumentsText, sequence } = request;
    const fn = Object.hasOwn(job.call.host, name) ? job.call.host[name] : undefined;
    const text = await answerHostCall(fn, argumentsText, job.hostErrors);
    if (this.#job !== job) return;
    this.#answers.port1.postMessage({ sequence, text } satisfies AnswerMessage);
    wake(this.#control);
  }

  /** The timer is set again only when it must ring earlier, so that a short call sets none. */
  #watch(ms: number): void {
    this.#endAt = monotonicNow() + ms;
    if (this.#watchdog && this.#ringsAt <= this.#endAt) return;
    clearTimeout(this.#watchdog);
    this.#ringsAt = this.#endAt;
    this.#watchdog = setTimeout(() => this.#ring(), ms).unref();
  }

  #ring(): void {
    this.#watchdog = undefined;
    if (this.#endAt === Number.POSITIVE_INFINITY) return;
    const remainingMs = this.#endAt - monotonicNow();
    if (remainingMs > 0) this.#watch(remainingMs);
    else this.#kill();
  }

  #kill(): void {
    const { timeoutMs } = this.#job?.call.limits ?? {};
    const text = `the guest ran past ${timeoutMs} ms and had to be ended with its worker`;
    const details = { name: this.#job?.call.name };
    this.terminate(new JdbxError('GUEST_TIMEOUT', text, { details })).catch(() => {});
  }

  #leave(cause?: unknown): void {
    if (this.#state === 'gone') return;
    const job = this.#job;
    this.#state = 'gone';
    clearTimeout(this.#watchdog);
    this.#answers.port1.close();
    if (job && !job.settled) job.reject(reasonOf(job, cause));
    this.#events.onGone(cause);
  }
}

function reasonOf(job: Job, cause: unknown): JdbxError {
  if (cause instanceof JdbxError) return cause;
  const isMemory = (cause as { code?: unknown })?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const details = { name: job.call.name };
  return isMemory
    ? new JdbxError('GUEST_MEMORY', 'the guest used up its worker', { cause, details })
    : new JdbxError('GUEST_CRASHED', 'the worker ended during the call', { cause, details });
}
