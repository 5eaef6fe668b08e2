import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';
import { JdbxError } from '../base/errors.js';
import type { GuestCall, GuestCode, GuestResult, Sandbox } from './contract.js';
import { checkGuestCode, type GuestEntry } from './entry.js';
import { encodeForGuest } from './guest-values.js';
import { GuestWorker } from './guest-worker.js';
import { Job } from './job.js';
import type { GuestProgram } from './messages.js';
import { type NearSource, NearTally } from './near.js';
import { Programs } from './programs.js';
import type { RealmBase } from './realm-boot.js';
import { compileQuickJs } from './wasm-module.js';

export interface SandboxOptions {
  /** Worker threads at most. Default: the machine's parallelism, at least 2. */
  readonly workers?: number;
  /** How long past its deadline a worker may take before it is ended, in milliseconds. Default 80. */
  readonly graceMs?: number;
  /** Calls that may wait for a worker; one more is refused with GUEST_QUEUE_FULL. Default 1,000. */
  readonly queueMax?: number;
  /**
   * Whether the engine counts what it does, so that it can be stopped anywhere. Without, pure
   * computing is about a tenth faster, and a guest that stays in a loop of the engine's own ends
   * with its worker. Default true.
   */
  readonly metered?: boolean;
  /** What of the host can be done in the workers themselves. Default: nothing. */
  readonly near?: NearSource | undefined;
}

/** How many checked codes are remembered. */
const CHECKED_MAX = 500;
/** How many short calls may share a message: fewer when they hold each other up. */
const BATCH = { first: 32, max: 128, min: 4, step: 4 } as const;
/** How many names of `reuse` code are remembered with their worker. */
const KEEPERS_MAX = 1_000;

/**
 * Opens a sandbox: a pool of worker threads that are started as calls come,
 * kept warm, and do not keep the process alive while they idle. A call's wall
 * time begins when a worker takes it; calls wait in order of arrival.
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { workers = Math.max(2, availableParallelism()), graceMs = 80, queueMax = 1_000 } = options;
  const { metered = true } = options;
  for (const [name, value] of Object.entries({ workers, graceMs, queueMax })) {
    if (!Number.isInteger(value) || value < (name === 'workers' ? 1 : 0)) {
      throw new TypeError(`expected ${name} to be a whole number, got ${value}`);
    }
  }
  return new Pool({ workers, graceMs, queueMax, metered, near: options.near });
}

class Pool implements Sandbox {
  readonly nearCounts = new NearTally();
  readonly #options: Required<SandboxOptions>;
  /** By code, and by the entry that its document names. */
  readonly #checked = new LRUCache<string, Map<string | undefined, GuestEntry>>({
    max: CHECKED_MAX,
  });
  readonly #programs = new Programs();
  readonly #workers = new Set<GuestWorker>();
  /** Which worker keeps the globals of a `reuse` call, by its name. */
  readonly #keepers = new LRUCache<string, GuestWorker>({ max: KEEPERS_MAX });
  #queue: Job[] = [];
  #batchMax: number = BATCH.first;
  #compiling: Promise<void> | undefined;
  #wasm: WebAssembly.Module | undefined;
  #base: RealmBase | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Required<SandboxOptions>) {
    this.#options = options;
  }

  async call(call: GuestCall): Promise<GuestResult> {
    call.signal?.throwIfAborted();
    const argumentsText = encodeForGuest(call.args, 'args');
    const job = new Job(call, this.#programs.numbered(this.#programOf(call)), argumentsText, () =>
      this.#onAbort(job),
    );
    if (this.#closing) job.reject(closedError());
    else if (this.#queue.length >= this.#options.queueMax)
      job.reject(fullError(this.#queue.length));
    else this.#enqueue(job);
    return job.result;
  }

  entryOf({ name, code, entry }: GuestCode): GuestEntry {
    const known = this.#checked.get(code) ?? new Map<string | undefined, GuestEntry>();
    const checked = known.get(entry) ?? checkGuestCode(code, { name, entry });
    if (known.size === 0) this.#checked.set(code, known);
    if (!known.has(entry)) known.set(entry, checked);
    return checked;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const job of this.#queue.splice(0)) job.reject(closedError());
    await Promise.all([...this.#workers].map((worker) => worker.terminate(closedError())));
  }

  #programOf(call: GuestCall): GuestProgram {
    const { name, code, imports, limits } = call;
    const { entry, module } = this.entryOf(call);
    return { name, code, entry, module, imports, host: Object.keys(call.host), limits };
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    this.#compiling ??= this.#compile();
    this.#dispatch();
  }

  async #compile(): Promise<void> {
    try {
      this.#wasm = await compileQuickJs(this.#options);
      this.#dispatch();
    } catch (cause) {
      this.#compiling = undefined;
      this.#failQueue('the engine cannot be loaded', cause);
    }
  }

  #onAbort(job: Job): void {
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    else for (const worker of this.#workers) worker.stop(job);
  }

  /** Gives idle workers their jobs, oldest first, and starts workers for those that wait. */
  #dispatch(): void {
    const idle = this.#workersThatAre('idle');
    if (idle.length > 0) {
      const share = Math.ceil(this.#queue.length / this.#options.workers);
      const batches = this.#fillBatches(idle, Math.min(share, this.#batchMax));
      for (const [worker, jobs] of batches) worker.run(jobs);
    }
    const missing = Math.min(this.#queue.length, this.#options.workers);
    for (let count = this.#workersThatAre('starting').length; count < missing; count++) {
      this.#start();
    }
  }

  #workersThatAre(state: GuestWorker['state']): GuestWorker[] {
    const found: GuestWorker[] = [];
    for (const worker of this.#workers) if (worker.state === state) found.push(worker);
    return found;
  }

  /** Takes jobs out of the queue, at most `size` for each idle worker. */
  #fillBatches(idle: readonly GuestWorker[], size: number): Map<GuestWorker, Job[]> {
    const batches = new Map<GuestWorker, Job[]>(idle.map((worker) => [worker, []]));
    let room = idle.length * size;
    const waiting: Job[] = [];
    let at = 0;
    for (; at < this.#queue.length && room > 0; at++) {
      const job = this.#queue[at] as Job;
      const batch = this.#batchFor(job, batches, size);
      if (!batch) waiting.push(job);
      else {
        batch.push(job);
        room--;
      }
    }
    if (at > 0) this.#queue = [...waiting, ...this.#queue.slice(at)];
    for (const [worker, jobs] of batches) if (jobs.length === 0) batches.delete(worker);
    return batches;
  }

  /** The least full one; for `reuse`, the keeper's and no other. */
  #batchFor(job: Job, batches: Map<GuestWorker, Job[]>, size: number): Job[] | undefined {
    const { name, reuse } = job.call;
    const keeper = reuse ? this.#keepers.get(name) : undefined;
    if (keeper) {
      const batch = batches.get(keeper);
      return batch && batch.length < size ? batch : undefined;
    }
    let least: [GuestWorker, Job[]] | undefined;
    for (const entry of batches) {
      if (entry[1].length < size && !(least && least[1].length <= entry[1].length)) least = entry;
    }
    if (reuse && least) this.#keepers.set(name, least[0]);
    return least?.[1];
  }

  #start(): void {
    if (!this.#wasm || this.#closing || this.#workersOnTime >= this.#options.workers) return;
    let wasReady = false;
    const { graceMs, near } = this.#options;
    const worker = new GuestWorker(
      { wasm: this.#wasm, base: this.#base, graceMs, near, tally: this.nearCounts },
      {
        onReady: (base) => {
          wasReady = true;
          this.#base ??= base;
        },
        onIdle: () => {
          this.#batchMax = Math.min(BATCH.max, this.#batchMax + BATCH.step);
          if (this.#workersOnTime > this.#options.workers) this.#retire(worker);
          else this.#dispatch();
        },
        onLate: () => this.#start(),
        onReturned: (jobs) => {
          // They crossed in vain, and will again.
          this.#batchMax = Math.max(BATCH.min, this.#batchMax >> 1);
          this.#queue.unshift(...jobs);
          this.#dispatch();
        },
        onGone: (cause) => {
          this.#forget(worker);
          if (wasReady) this.#start();
          else if (!this.#closing) this.#failQueue('a worker cannot be started', cause);
          this.#dispatch();
        },
      },
    );
    this.#workers.add(worker);
  }

  /** A worker that is late is about to be replaced, so it does not count. */
  get #workersOnTime(): number {
    let count = 0;
    for (const { isLate } of this.#workers) if (!isLate) count++;
    return count;
  }

  /** One that was late came to rest after all, when its replacement was on the way. */
  #retire(worker: GuestWorker): void {
    worker.terminate(closedError()).catch(() => {});
  }

  #forget(worker: GuestWorker): void {
    this.#workers.delete(worker);
    for (const [name, keeper] of this.#keepers) if (keeper === worker) this.#keepers.delete(name);
  }

  #failQueue(text: string, cause: unknown): void {
    for (const job of this.#queue.splice(0)) {
      job.reject(new JdbxError('GUEST_CRASHED', text, { cause }));
    }
  }
}

function closedError(): JdbxError {
  return new JdbxError('STORE_CLOSED', 'the sandbox is closed or closing');
}

function fullError(length: number): JdbxError {
  return new JdbxError('GUEST_QUEUE_FULL', `${length} calls wait already`);
}
