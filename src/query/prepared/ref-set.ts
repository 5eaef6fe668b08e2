import type { DocumentRef } from '../../indexes/contract.js';
import { FIRST_MAX } from '../../indexes/first-read.js';

const SLOTS = FIRST_MAX * 4;

/** Refs that came already, of a few thousand; emptied without being gone through. */
export class RefSet {
  readonly #refs = new Uint32Array(SLOTS);
  /** The round in which each slot was filled. */
  readonly #rounds = new Uint32Array(SLOTS);
  #round = 0;

  clear(): void {
    if (this.#round === 0xffff_ffff) this.#rounds.fill(0);
    this.#round = (this.#round % 0xffff_ffff) + 1;
  }

  /** True when it is new. The caller adds at most a quarter of the slots. */
  add(ref: DocumentRef): boolean {
    let slot = Math.imul(ref, 0x9e37_79b1) >>> 18;
    while (this.#rounds[slot] === this.#round) {
      if (this.#refs[slot] === ref) return false;
      slot = (slot + 1) % SLOTS;
    }
    this.#rounds[slot] = this.#round;
    this.#refs[slot] = ref;
    return true;
  }

  /** Keeps the new ones of the first `count`, in their order, and says how many. */
  keepNew(refs: Uint32Array, count: number): number {
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const ref = refs[at] as number;
      if (this.add(ref)) refs[kept++] = ref;
    }
    return kept;
  }
}
