import { isJdbxError } from '../../base/errors.js';
import type { RetainReport, RetentionHost } from './contract.js';
import { retainOnce } from './round.js';

export interface BackgroundOptions {
  /** From the end of one round to the next, in milliseconds. */
  readonly intervalMs: number;
  readonly onProgress: (report: RetainReport) => void;
}

/** Rests this many times as long as a round took: retention never takes more than a share of the time. */
const REST_FACTOR = 20;

/** What retention did since the store was opened. */
export interface RetentionState {
  readonly running: boolean;
  /** Rounds that were finished. */
  readonly rounds: number;
  /** ISO 8601, UTC: the end of the last one. */
  readonly last_at?: string;
  readonly last?: RetainReport;
  /** Why the last round failed; the next one tries again. */
  readonly error?: string;
}

/**
 * Runs retention now and then. A round reads what is due out of the documents themselves, so
 * one that was cut short by a close or a kill needs nothing to go on.
 */
export class BackgroundRetention {
  readonly #host: RetentionHost;
  readonly #options: BackgroundOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  state: RetentionState = { running: false, rounds: 0 };

  constructor(host: RetentionHost, options: BackgroundOptions) {
    this.#host = host;
    this.#options = options;
    this.#schedule(options.intervalMs);
  }

  /** Ends a round between two of its steps. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#run();
    }, delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    const began = performance.now();
    if (this.#host.policies.length > 0) await this.#tryOnce();
    const rest = REST_FACTOR * (performance.now() - began);
    this.#schedule(Math.max(this.#options.intervalMs, rest));
  }

  async #tryOnce(): Promise<void> {
    const { rounds, error: _, ...before } = this.state;
    this.state = { ...before, rounds, running: true };
    try {
      const { onProgress } = this.#options;
      const last = await retainOnce(this.#host, { signal: this.#stop.signal, onProgress });
      const last_at = new Date(this.#host.now()).toISOString();
      this.state = { running: false, rounds: rounds + 1, last_at, last };
    } catch (error) {
      const reason = isJdbxError(error) ? error.message : String(error);
      this.state = { ...before, rounds, running: false, error: reason };
    }
  }
}
