import type { Intrinsics } from './intrinsics.js';

/** One of the three 32-bit numbers that the call's seed gives. */
export type SeedPart = (index: number) => number;

/**
 * Replaces `Math.random` by a generator that asks the host for the call's seed
 * when a number is first drawn:
 * sfc32 of Chris Doty-Humphrey's PractRand (https://pracrand.sourceforge.net/),
 * with 32 of its bits and 21 of the next as the mantissa.
 */
export function createRandom({ defineProperty }: Intrinsics, seedPart: SeedPart) {
  const ROUNDS_OF_SEED = 12;
  let a = 0;
  let b = 0;
  let c = 0;
  let counter = 0;

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  let isSeeded = false;

  function seed(): void {
    a = seedPart(0);
    b = seedPart(1);
    c = seedPart(2);
    counter = 1;
    for (let round = 0; round < ROUNDS_OF_SEED; round++) next();
    isSeeded = true;
  }
  function random(): number {
    if (!isSeeded) seed();
    const high = next();
    return (high * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  }
  const property = { __proto__: null, value: random, writable: true, configurable: true };
  defineProperty(Math, 'random', property as PropertyDescriptor);

  return {
    /** Makes the next number the first of a new seed. */
    forget(): void {
      isSeeded = false;
    },
    random32(): number {
      if (!isSeeded) seed();
      return next();
    },
  };
}
