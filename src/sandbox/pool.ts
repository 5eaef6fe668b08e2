import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';
import { JdbxError } from '../base/errors.js';
import type { GuestCall, GuestCode, GuestResult, Sandbox } from './contract.js';
import { checkGuestCode, type GuestEntry } from './entry.js';
import { GuestWorker } from './guest-worker.js';
import { Job, type JobMessage } from './job.js';
import { encodeValue } from './values-crossing.js';
import { compileQuickJs } from './wasm-module.js';

export interface SandboxOptions {
  /** Worker threads at most. Default: the machine's parallelism, at least 2. */
  readonly workers?: number;
  /** How long past its deadline a worker may take before it is ended, in milliseconds. Default 50. */
  readonly graceMs?: number;
  /** Calls that may wait for a worker; one more is refused with GUEST_QUEUE_FULL. Default 1,000. */
  readonly queueMax?: number;
}

/** How many checked codes are remembered. */
const CHECKED_MAX = 500;
/** How many names of `reuse` code are remembered with their worker. */
const KEEPERS_MAX = 1_000;

/**
 * Opens a sandbox: a pool of worker threads that are started as calls come,
 * kept warm, and do not keep the process alive while they idle. A call's wall
 * time begins when a worker takes it; calls wait in order of arrival.
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { workers = Math.max(2, availableParallelism()), graceMs = 50, queueMax = 1_000 } = options;
  for (const [name, value] of Object.entries({ workers, graceMs, queueMax })) {
    if (!Number.isInteger(value) || value < (name === 'workers' ? 1 : 0)) {
      throw new TypeError(`expected ${name} to be a whole number, got ${value}`);
    }
  }
  return new Pool({ workers, graceMs, queueMax });
}

class Pool implements Sandbox {
  readonly #options: Required<SandboxOptions>;
  readonly #checked = new LRUCache<string, GuestEntry>({ max: CHECKED_MAX });
  readonly #workers = new Set<GuestWorker>();
  /** Which worker keeps the globals of a `reuse` call, by its name. */
  readonly #keepers = new LRUCache<string, GuestWorker>({ max: KEEPERS_MAX });
  readonly #queue: Job[] = [];
  #compiling: Promise<void> | undefined;
  #wasm: WebAssembly.Module | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Required<SandboxOptions>) {
    this.#options = options;
  }

  async call(call: GuestCall): Promise<GuestResult> {
    call.signal?.throwIfAborted();
    const job = new Job(call, this.#messageFor(call), () => this.#onAbort(job));
    if (this.#closing) job.reject(closedError());
    else if (this.#queue.length >= this.#options.queueMax)
      job.reject(fullError(this.#queue.length));
    else this.#enqueue(job);
    return job.result;
  }

  entryOf({ name, code, entry }: GuestCode): GuestEntry {
    const key = `${entry ?? ''}\n${code}`;
    const checked = this.#checked.get(key) ?? checkGuestCode(code, { name, entry });
    this.#checked.set(key, checked);
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

  #messageFor(call: GuestCall): JobMessage {
    const { name, code, limits, now, seed, reuse = false } = call;
    const { entry, module } = this.entryOf(call);
    const argumentsText = encodeValue(call.args, 'args');
    const host = Object.keys(call.host);
    return { name, code, entry, module, argumentsText, host, limits, now, seed, reuse };
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    this.#compiling ??= this.#compile();
    this.#dispatch();
  }

  async #compile(): Promise<void> {
    try {
      this.#wasm = await compileQuickJs();
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
    for (let at = 0; at < this.#queue.length; ) {
      const job = this.#queue[at] as Job;
      const worker = this.#workerFor(job);
      if (!worker) {
        at++;
        continue;
      }
      this.#queue.splice(at, 1);
      if (job.call.reuse) this.#keepers.set(job.call.name, worker);
      worker.run(job);
    }
    const starting = [...this.#workers].filter(({ state }) => state === 'starting').length;
    for (let missing = this.#queue.length - starting; missing > 0; missing--) this.#start();
  }

  #start(): void {
    if (!this.#wasm || this.#closing || this.#workers.size >= this.#options.workers) return;
    let wasReady = false;
    const worker = new GuestWorker(this.#wasm, this.#options.graceMs, {
      onIdle: () => {
        wasReady = true;
        this.#dispatch();
      },
      onGone: (cause) => {
        this.#forget(worker);
        if (wasReady) this.#start();
        else if (!this.#closing) this.#failQueue('a worker cannot be started', cause);
        this.#dispatch();
      },
    });
    this.#workers.add(worker);
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

  #workerFor(job: Job): GuestWorker | undefined {
    const keeper = job.call.reuse ? this.#keepers.get(job.call.name) : undefined;
    if (keeper) return keeper.state === 'idle' ? keeper : undefined;
    for (const worker of this.#workers) if (worker.state === 'idle') return worker;
    return undefined;
  }
}

function closedError(): JdbxError {
  return new JdbxError('STORE_CLOSED', 'the sandbox is closed or closing');
}

function fullError(length: number): JdbxError {
  return new JdbxError('GUEST_QUEUE_FULL', `${length} calls wait already`);
}
