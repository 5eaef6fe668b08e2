export const HEIGHT_MAX = 12;

/**
 * Heights of skip-list towers: each further level with a chance of 1/4, so
 * twelve levels serve 4^12 blocks. The generator (xorshift32, Marsaglia 2003,
 * https://doi.org/10.18637/jss.v008.i14) is seeded: the same operations always
 * build the same list.
 */
export class TowerHeights {
  #state: number;

  constructor(seed = 0x9e3779b9) {
    this.#state = seed >>> 0 || 1;
  }

  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    // Two bits a level: both zero has a chance of 1/4.
    let height = 1;
    for (let bits = this.#state; height < HEIGHT_MAX && (bits & 3) === 0; bits >>>= 2) height++;
    return height;
  }
}
