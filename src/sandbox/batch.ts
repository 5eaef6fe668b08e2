import type { Job } from './job.js';
import { CONTROL } from './messages.js';

/** In place of the next call's id: no more of the batch may be begun. */
const RECALLED = -1;

/**
 * Jobs that went to a worker in one message, because waking a thread costs more
 * than a short call. The worker takes them one after the other; until it has
 * begun one, that one can be taken back.
 */
export class Batch {
  readonly #jobs: readonly Job[];
  readonly #firstId: number;
  readonly #control: Int32Array;
  readonly #reported = new Set<Job>();
  /** How many the worker may begin: fewer once the rest was recalled. */
  #length: number;

  /** The jobs' calls have the ids `firstId`, `firstId + 1`, … */
  constructor(jobs: readonly Job[], firstId: number, control: Int32Array) {
    this.#jobs = jobs;
    this.#firstId = firstId;
    this.#control = control;
    this.#length = jobs.length;
    Atomics.store(control, CONTROL.next, firstId);
  }

  /** How many jobs the worker has begun. */
  get begun(): number {
    const next = Atomics.load(this.#control, CONTROL.next);
    return next === RECALLED ? this.#length : next - this.#firstId;
  }

  /** The job that was begun last. */
  get current(): Job | undefined {
    return this.#jobs[this.begun - 1];
  }

  get shortestTimeoutMs(): number {
    return Math.min(...this.#jobs.map(({ call }) => call.limits.timeoutMs));
  }

  job(id: number): Job | undefined {
    return this.#jobs[id - this.#firstId];
  }

  idOf(job: Job): number | undefined {
    const index = this.#jobs.indexOf(job);
    return index < 0 ? undefined : this.#firstId + index;
  }

  markReported(job: Job): void {
    this.#reported.add(job);
  }

  /** Takes back what was not begun. */
  recall(): Job[] {
    const next = Atomics.exchange(this.#control, CONTROL.next, RECALLED);
    if (next === RECALLED) return [];
    this.#length = next - this.#firstId;
    return this.#jobs.slice(this.#length);
  }

  /** Begun jobs of which the worker has not reported, in order; `current` is the last. */
  get unreported(): Job[] {
    return this.#jobs.slice(0, this.begun).filter((job) => !this.#reported.has(job));
  }
}

/** The worker's side: whether call `id` may be begun, which must be the next of its batch. */
export function claim(control: Int32Array, id: number): boolean {
  return Atomics.compareExchange(control, CONTROL.next, id, id + 1) === id;
}
