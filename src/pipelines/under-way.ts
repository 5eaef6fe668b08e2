import { LinkedSignal } from '../base/linked-signal.js';
import type { Birth } from './birth.js';
import type { RunResult } from './run-document.js';
import { cancelled } from './run-errors.js';

/** Tells runs apart that go by one id. */
export interface RunIdentity {
  readonly id: string;
  readonly pipeline: string;
  readonly parent: string | undefined;
}

/** A run that this process executes, or is about to: whoever asks for it again joins it. */
export class UnderWay {
  readonly identity: RunIdentity;
  readonly result: Promise<RunResult>;
  /** The lease under which it is executed, once it is. */
  owner: string | undefined;
  /** Its first commit, where that may be still to come. */
  birth: Birth | undefined;
  readonly #linked = new LinkedSignal();

  /** `work` begins after the caller has put this where others find it; `onEnd` takes it away again. */
  constructor(
    identity: RunIdentity,
    work: (signal: AbortSignal) => Promise<RunResult>,
    onEnd: () => void,
  ) {
    this.identity = identity;
    const { signal } = this.#linked;
    this.result = Promise.resolve()
      .then(() => work(signal))
      .finally(() => {
        this.#linked.release();
        onEnd();
      });
  }

  /** Cancels the run when `signal` aborts. */
  follow(signal: AbortSignal | undefined): void {
    if (signal) this.#linked.follow(signal, (reason) => cancelled(this.identity.id, reason));
  }

  /** Ends the run's work for now. */
  stop(reason: unknown): void {
    this.#linked.abort(reason);
  }

  cancel(reason: unknown): void {
    this.#linked.abort(cancelled(this.identity.id, reason));
  }
}
