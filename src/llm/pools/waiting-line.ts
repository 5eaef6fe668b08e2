/** One that waits. */
interface Waiter {
  readonly priority: number;
  readonly wake: () => void;
  /** There is no room for it after all. */
  isRefused: boolean;
}

export interface Waiting {
  readonly priority: number;
  readonly signal: AbortSignal;
  /** So many may wait when the first one has to. */
  readonly max: number;
  /** What is thrown for want of room. */
  readonly full: () => Error;
}

/**
 * A line of callers that wait for their turn: the highest priority first, and of equal
 * ones who came first. Only the first in line tries; it is woken when something changed,
 * or when the time that it named has come. Who comes when nobody has to wait finds room: however
 * many come at once, each is only refused once the first of them could not go.
 */
export class WaitingLine {
  readonly #line: Waiter[] = [];
  /** The first one tried, and has to wait. */
  #isHeldUp = false;

  get length(): number {
    return this.#line.length;
  }

  /**
   * Waits for the first place in line, then calls `attempt` until it gives a result.
   *
   * @param attempt gives a result, or how many milliseconds to wait at most before the next try
   * @throws the signal's reason, or `full()`
   */
  wait<T extends object>(attempt: Attempt<T>, waiting: Waiting): T | Promise<T> {
    if (this.#line.length > 0) return this.#wait(attempt, waiting);
    waiting.signal.throwIfAborted();
    let first: ReturnType<Attempt<T>> | undefined = attempt();
    if (typeof first === 'object' && !(first instanceof Promise)) return first;
    // Nobody came in between: what it gave counts as the first in line's.
    const next = () => {
      const given = first ?? attempt();
      first = undefined;
      return given;
    };
    return this.#wait(next, waiting);
  }

  async #wait<T extends object>(
    attempt: Attempt<T>,
    { priority, signal, max, full }: Waiting,
  ): Promise<T> {
    if (this.#isHeldUp && this.#line.length >= max) throw full();
    let isWoken = false;
    let goOn = () => {};
    const wake = () => {
      isWoken = true;
      goOn();
    };
    const waiter: Waiter = { priority, wake, isRefused: false };
    this.#enter(waiter);
    try {
      for (let isHeard = false; ; ) {
        signal.throwIfAborted();
        if (waiter.isRefused) throw full();
        isWoken = false;
        const isFirst = this.#line[0] === waiter;
        const result = isFirst ? await attempt() : Number.POSITIVE_INFINITY;
        if (typeof result !== 'number') return result;
        if (isFirst) this.#holdUp(max);
        // Most are served at once, and listening costs more than that.
        if (!isHeard) signal.addEventListener('abort', wake);
        isHeard = true;
        if (signal.aborted || isWoken) continue;
        const changed = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        await orAfter(changed, result);
      }
    } finally {
      signal.removeEventListener('abort', wake);
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

  #holdUp(max: number): void {
    this.#isHeldUp = true;
    for (const waiter of this.#line.slice(max)) {
      waiter.isRefused = true;
      waiter.wake();
    }
  }

  #leave(waiter: Waiter): void {
    const place = this.#line.indexOf(waiter);
    this.#line.splice(place, 1);
    if (place === 0) this.#isHeldUp = false;
    this.wake();
  }
}

type Attempt<T> = () => T | number | Promise<T | number>;

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
