import type { NearGate } from './near.js';

/**
 * A cell of shared memory that says whether a thread may be ended. The thread goes in and out;
 * whoever wants to end it shuts the gate first, at once or when the thread comes out.
 *
 *     free ⇄ inside          the thread, by compare and exchange
 *     free → shut            the other: from now on the thread may be ended
 *     inside → wanted        the other, who then waits
 *     wanted → shut          the thread, on its way out
 */
const STATE = { free: 0, inside: 1, wanted: 2, shut: 3 } as const;

/** The thread's side. Entered twice, it is left when it was left twice. */
export class Gate implements NearGate {
  readonly #cells: Int32Array;
  readonly #at: number;
  #depth = 0;

  constructor(cells: Int32Array, at: number) {
    this.#cells = cells;
    this.#at = at;
  }

  enter(): void {
    if (this.#depth++ > 0) return;
    const before = Atomics.compareExchange(this.#cells, this.#at, STATE.free, STATE.inside);
    if (before !== STATE.free) this.#park();
  }

  leave(): void {
    if (--this.#depth > 0) return;
    const before = Atomics.compareExchange(this.#cells, this.#at, STATE.inside, STATE.free);
    if (before === STATE.inside) return;
    Atomics.store(this.#cells, this.#at, STATE.shut);
    Atomics.notify(this.#cells, this.#at);
    this.#park();
  }

  /** For good: the thread is about to be ended. */
  #park(): never {
    for (;;) Atomics.wait(this.#cells, this.#at, STATE.shut);
  }
}

/** True when the thread may be ended now; else it is asked to come out, and the caller tries again. */
export function tryShut(cells: Int32Array, at: number): boolean {
  const before = Atomics.compareExchange(cells, at, STATE.free, STATE.shut);
  if (before === STATE.free || before === STATE.shut) return true;
  if (before === STATE.wanted) return false;
  Atomics.compareExchange(cells, at, STATE.inside, STATE.wanted);
  // It may have come out in between, and would not look again before it goes in.
  return Atomics.compareExchange(cells, at, STATE.free, STATE.shut) === STATE.free;
}

/** The same, blocking this thread for at most `waitMs`, in milliseconds. */
export function shutNow(cells: Int32Array, at: number, waitMs: number): boolean {
  const until = performance.now() + waitMs;
  while (!tryShut(cells, at)) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) return false;
    Atomics.wait(cells, at, STATE.wanted, leftMs);
  }
  return true;
}
