/** Work that waits for its turn. */
interface Waiting {
  readonly priority: number;
  readonly start: () => void;
}

/**
 * Lets a bounded number of pieces of work through at once; of the others those with the
 * highest priority go first, and equal ones in the order in which they came.
 */
export class Gate {
  readonly #waiting: Waiting[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  async pass<T>(work: () => Promise<T>, priority = 0): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((start) => this.#enqueue({ priority, start }));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next.start();
      else this.#free++;
    }
  }

  #enqueue(waiting: Waiting): void {
    const before = this.#waiting.findLastIndex(({ priority }) => priority >= waiting.priority);
    this.#waiting.splice(before + 1, 0, waiting);
  }
}
