import type { Intrinsics } from './intrinsics.js';

/**
 * Replaces `Math.random` by a generator that the host seeds for every call:
 * sfc32 of Chris Doty-Humphrey's PractRand (https://pracrand.sourceforge.net/),
 * with 32 of its bits and 21 of the next as the mantissa.
 */
export function createRandom({ defineProperty }: Intrinsics) {
  const ROUNDS_OF_SEED = 12;
  let a = 0;
  let b = 0;
  let c = 0;
  let counter = 1;

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  function random(): number {
    const high = next();
    return (high * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  }
  const property = { __proto__: null, value: random, writable: true, configurable: true };
  defineProperty(Math, 'random', property as PropertyDescriptor);

  function seed(first: number, second: number, third: number): void {
    a = first;
    b = second;
    c = third;
    counter = 1;
    for (let round = 0; round < ROUNDS_OF_SEED; round++) next();
  }

  /** Drops the seed when no number was drawn from it; says whether it did. */
  function forget(): boolean {
    if (counter !== 1 + ROUNDS_OF_SEED) return false;
    a = b = c = 0;
    return true;
  }

  return { seed, forget };
}
