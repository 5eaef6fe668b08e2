/** A removed entry that some snapshot may still see. */
export interface Grave {
  readonly key: string;
  readonly ref: number;
  readonly died: number;
}

/** Removed entries in the order of their removal: freed from the old end, taken back from the new one. */
export class Graveyard {
  #graves: (Grave | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#graves.length - this.#first;
  }

  bury(grave: Grave): void {
    this.#graves.push(grave);
  }

  /** Takes back the newest grave if it is the one named; false when it is another. */
  exhume(key: string, ref: number, died: number): boolean {
    const newest = this.size > 0 ? this.#graves.at(-1) : undefined;
    if (newest?.died !== died || newest.ref !== ref || newest.key !== key) return false;
    this.#graves.pop();
    return true;
  }

  /** Takes out the oldest grave, if it died at or before `seq`. */
  takeUpTo(seq: number): Grave | undefined {
    const oldest = this.size > 0 ? this.#graves[this.#first] : undefined;
    if (oldest === undefined || oldest.died > seq) return undefined;
    this.#graves[this.#first++] = undefined;
    this.#compact();
    return oldest;
  }

  /** The taken part is dropped when it is the larger one: constant work a grave, on average. */
  #compact(): void {
    if (this.#first * 2 <= this.#graves.length) return;
    this.#graves = this.#graves.slice(this.#first);
    this.#first = 0;
  }
}
