import { monotonicNow } from './messages.js';

/**
 * Rings once, at a time that may be moved. Moving it later keeps the timer that
 * is set, so that setting it for every short call costs next to nothing; it may
 * therefore ring early, and whoever is rung looks at the time. It does not keep
 * the process alive.
 */
export class Alarm {
  readonly #onRing: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = 0;

  constructor(onRing: () => void) {
    this.#onRing = onRing;
  }

  /** `at` is by `monotonicNow`. */
  set(at: number): void {
    if (this.#timer && this.#ringsAt <= at) return;
    this.cancel();
    this.#ringsAt = at;
    this.#timer = setTimeout(() => this.#ring(), Math.max(1, at - monotonicNow())).unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #ring(): void {
    this.#timer = undefined;
    this.#onRing();
  }
}
