/** A place in the sandbox that a program holds while it runs, and while it waits a little. */
export interface Seat {
  /** Calls `leave` as soon as another program wants the place. The result takes that back. */
  linger(leave: () => void): () => void;
}

/**
 * How many programs stand in the sandbox at once. One that waits for a stage keeps its place
 * as long as nobody else wants it: it goes on without being run anew.
 */
export class Seats {
  #free: number;
  readonly #wanting: (() => void)[] = [];
  /** Those that wait, in the order in which they began to. */
  readonly #lingering = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  async hold<T>(work: (seat: Seat) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      const turn = new Promise<void>((resolve) => this.#wanting.push(resolve));
      this.#askToLeave();
      await turn;
    }
    try {
      return await work({ linger: (leave) => this.#linger(leave) });
    } finally {
      const next = this.#wanting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #linger(leave: () => void): () => void {
    this.#lingering.add(leave);
    if (this.#wanting.length > 0) this.#askToLeave();
    return () => this.#lingering.delete(leave);
  }

  #askToLeave(): void {
    const [first] = this.#lingering;
    if (!first) return;
    this.#lingering.delete(first);
    first();
  }
}
