import type { CharSet } from './syntax.js';

/** Steps that one search may take; each is one character or one node looked at. */
export const STEPS_MAX = 10_000_000;

/** A search took more than `STEPS_MAX` steps, or nested deeper than the stack. */
export class SearchTooLong extends Error {}

/** The text that one search goes through, and how many steps that took so far. */
export class Subject {
  readonly text: string;
  #steps = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** @throws {SearchTooLong} */
  step(): void {
    if (++this.#steps > STEPS_MAX) throw new SearchTooLong(`the search took ${STEPS_MAX} steps`);
  }

  /** How many UTF-16 units the character at a place has. */
  width(at: number): number {
    return (this.text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }

  matches(set: CharSet, at: number): boolean {
    this.step();
    const point = this.text.codePointAt(at);
    return point !== undefined && set.test(point);
  }
}
