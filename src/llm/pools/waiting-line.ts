/** One that waits. */
interface Waiter {
  readonly priority: number;
  readonly wake: () => void;
}

/**
 * A line of callers that wait for their turn: the highest priority first, and of equal
 * ones who came first. Only the first in line tries; it is woken when something changed,
 * or when the time that it named has come.
 */
export class WaitingLine {
  readonly #line: Waiter[] = [];

  get length(): number {
    return this.#line.length;
  }

  /**
   * Waits for the first place in line, then calls `attempt` until it gives a result.
   *
   * @param attempt gives a result, or how many milliseconds to wait at most before the next try
   * @throws the signal's reason
   */
  async wait<T extends object>(
    attempt: () => Promise<T | number>,
    { priority, signal }: { readonly priority: number; readonly signal: AbortSignal },
  ): Promise<T> {
    let wake = () => {};
    const waiter: Waiter = { priority, wake: () => wake() };
    const onAbort = () => wake();
    this.#enter(waiter);
    try {
      for (let isHeard = false; ; ) {
        signal.throwIfAborted();
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const isFirst = this.#line[0] === waiter;
        const result = isFirst ? await attempt() : Number.POSITIVE_INFINITY;
        if (typeof result !== 'number') return result;
        // Most are served at once, and listening costs more than that.
        if (!isHeard) signal.addEventListener('abort', onAbort);
        isHeard = true;
        if (signal.aborted) continue;
        await orAfter(changed, result);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#leave(waiter);
    }
  }

  /** Something changed: the first in line tries again. */
  wake(): void {
    this.#line[0]?.wake();
  }

  #enter(waiter: Waiter): void {
    const place = this.#line.findIndex(({ priority }) => priority < waiter.priority);
    this.#line.splice(place === -1 ? this.#line.length : place, 0, waiter);
  }

  #leave(waiter: Waiter): void {
    this.#line.splice(this.#line.indexOf(waiter), 1);
    this.wake();
  }
}

/** The longest that a timer of the platform can wait, in milliseconds. */
const TIMER_MS_MAX = 2_147_483_647;

async function orAfter(changed: Promise<void>, ms: number): Promise<void> {
  if (ms === Number.POSITIVE_INFINITY) return changed;
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, TIMER_MS_MAX));
  });
  await Promise.race([changed, passed]);
  clearTimeout(timer);
}
