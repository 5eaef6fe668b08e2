/**
 * A signal that aborts when its parent does or when `ms` milliseconds have
 * passed, and that knows which. `clear` must be called, or the timer and the
 * listener on the parent stay; the platform's `AbortSignal.any` would tie both
 * to garbage collection instead.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #parent: AbortSignal;
  #passed = false;

  constructor(parent: AbortSignal, ms: number) {
    this.#parent = parent;
    this.#timer = setTimeout(() => this.#pass(), ms);
    parent.addEventListener('abort', this.#follow);
    if (parent.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True when time ran out before the parent aborted. */
  get passed(): boolean {
    return this.#passed;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => this.#controller.abort(this.#parent.reason);

  #pass(): void {
    this.#passed = !this.#parent.aborted;
    this.#controller.abort();
  }
}
