/** What may take too long, in milliseconds. */
export interface Limits {
  /** From the first byte sent to the last one read. */
  readonly totalMs: number;
  /** Until the answer begins. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
}

/** Which of the limits was passed, and how long it was. */
export interface Passed {
  readonly phase: 'total' | 'first byte' | 'idle';
  readonly ms: number;
}

/** Work that can be ended at any time. */
export interface Cancellable {
  cancel(reason: unknown): void;
}

/**
 * Cancels an exchange when its parent aborts or when one of the limits has
 * passed, and knows which. `clear` must be called, or the timers and the
 * listener on the parent stay; the platform's `AbortSignal.any` would tie them
 * to garbage collection instead.
 */
export class Deadline {
  #work: Cancellable | undefined;
  #over: { readonly reason: unknown } | undefined;
  readonly #parent: AbortSignal;
  readonly #limits: Limits;
  readonly #total: NodeJS.Timeout;
  #waiting: NodeJS.Timeout | undefined;
  #passed: Passed | undefined;
  #moves = 0;

  constructor(parent: AbortSignal, limits: Limits) {
    this.#parent = parent;
    this.#limits = limits;
    this.#total = this.#after('total', limits.totalMs);
    if (limits.firstByteMs < limits.totalMs) {
      this.#waiting = this.#after('first byte', limits.firstByteMs);
    }
    parent.addEventListener('abort', this.#follow);
    if (parent.aborted) this.#follow();
  }

  /** Cancels the work once it is over, with the parent's reason or an error of ours. */
  ends(work: Cancellable): void {
    this.#work = work;
    if (this.#over) work.cancel(this.#over.reason);
  }

  /** The limit that ran out before the parent aborted. */
  get passed(): Passed | undefined {
    return this.#passed;
  }

  /** The answer has begun; from now on its pieces must not be too far apart. */
  begun(): void {
    clearTimeout(this.#waiting);
    const { idleMs, totalMs } = this.#limits;
    this.#waiting = idleMs < totalMs ? this.#after('idle', idleMs) : undefined;
  }

  /** A piece came. */
  moved(): void {
    this.#moves++;
    this.#waiting?.refresh();
  }

  clear(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#waiting);
    this.#over ??= { reason: undefined };
    this.#parent.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => this.#end(this.#parent.reason);

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = { reason };
    this.#work?.cancel(reason);
  }

  /**
   * Looks at the sockets once more before it gives up: where this process was what stood still
   * for so long, what it waits for has come.
   */
  #after(phase: Passed['phase'], ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const moves = this.#moves;
      setImmediate(() => {
        const goesOn = timer !== this.#waiting || moves !== this.#moves;
        if (this.#over || (phase !== 'total' && goesOn)) return;
        if (!this.#parent.aborted) this.#passed ??= { phase, ms };
        this.#end(new Error(`over after ${ms} ms`));
      });
    }, ms);
    return timer;
  }
}
