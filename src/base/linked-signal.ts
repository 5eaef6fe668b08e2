import { whenAborted } from './when-aborted.js';

/**
 * A signal that ends when one that it follows does, or by itself. `release` must be
 * called: the platform's `AbortSignal.any` would leave its part on a long-lived
 * signal to garbage collection instead, and a run may have many stages.
 */
export class LinkedSignal {
  readonly #own = new AbortController();
  readonly #releases: (() => void)[] = [];

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** Ends with `outer`, for the reason that `toReason` makes of its own. */
  follow(outer: AbortSignal, toReason: (reason: unknown) => unknown = (reason) => reason): this {
    const stop = () => this.abort(toReason(outer.reason));
    if (outer.aborted) stop();
    else this.#releases.push(whenAborted(outer, stop));
    return this;
  }

  abort(reason: unknown): void {
    this.#own.abort(reason);
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}
