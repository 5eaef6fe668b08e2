import type { Clock } from '../base/clock.js';

/** A clock that is set back or forth is noticed within this time, in milliseconds. */
const LOOK_EVERY_MS = 60_000;

/**
 * Calls `ring` when the earliest of the times that it was told has come, and again at the
 * time that `ring` gives. It holds one timer and no list: what is due is in the store.
 */
export class AlarmClock {
  readonly #clock: Clock;
  readonly #ring: () => Promise<number | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = Number.POSITIVE_INFINITY;
  #ringing: Promise<void> | undefined;
  #closed = false;

  constructor(clock: Clock, ring: () => Promise<number | undefined>) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** There is something to do at `atMs`, in milliseconds since the epoch. */
  expect = (atMs: number): void => {
    if (this.#closed) return;
    // What is overdue was not looked at because the clock was set forth meanwhile.
    if (atMs >= this.#nextAt && this.#nextAt > this.#clock.now()) return;
    this.#nextAt = Math.min(this.#nextAt, atMs);
    this.#set();
  };

  /** Stops, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#ringing;
  }

  #set(): void {
    clearTimeout(this.#timer);
    const left = this.#nextAt - this.#clock.now();
    if (left === Number.POSITIVE_INFINITY || this.#ringing) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(left, 0), LOOK_EVERY_MS));
  }

  #look(): void {
    if (this.#clock.now() < this.#nextAt) {
      this.#set();
      return;
    }
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#ringing = this.#ring()
      // The store is closing, or cannot be written now: it is looked at again later.
      .catch(() => this.#clock.now() + LOOK_EVERY_MS)
      .then((nextAt) => {
        this.#ringing = undefined;
        if (nextAt !== undefined) this.#nextAt = Math.min(this.#nextAt, nextAt);
        if (!this.#closed) this.#set();
      });
  }
}
