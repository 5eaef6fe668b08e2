/**
 * A seeded source of choices: splitmix32 (https://github.com/bryc/code/blob/master/jshash/PRNGs.md
 * describes it), enough for choosing.
 */
export class Choices {
  #state;

  constructor(seed) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `count - 1`. */
  below(count) {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) % count;
  }

  /** True once in `count` times. */
  once(count) {
    return this.below(count) === 0;
  }

  from(list) {
    return list[this.below(list.length)];
  }

  times(countMax, make) {
    return Array.from({ length: this.below(countMax + 1) }, make);
  }
}

/** The seed of part number `index` of what `seed` gives. */
export function partOf(seed, index) {
  return (Math.imul(seed ^ 0x5bd1e995, 0x01000193) + Math.imul(index + 1, 0x9e3779b1)) | 0;
}
