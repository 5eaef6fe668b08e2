import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { median } from './compare.mjs';

const ROUNDS = 5;
const CALLS = 4_000;
const IN_FLIGHT = 200;

/** Calls a second through the pool, by turns with one worker and with two. */
export async function poolRates(code, value) {
  const settings = [1, 2].flatMap((workers) =>
    [false, true].map((reuse) => ({
      workers,
      reuse,
      sandbox: createSandbox({ workers }),
      rates: [],
    })),
  );
  for (let round = -1; round < ROUNDS; round++) {
    for (const { sandbox, reuse, rates } of settings) {
      const rate = await rateOf(sandbox, code, value, reuse);
      if (round >= 0) rates.push(rate);
    }
  }
  await Promise.all(settings.map(({ sandbox }) => sandbox.close()));
  return settings.map(({ workers, reuse, rates }) => ({
    workers,
    reuse,
    callsPerSecond: median(rates),
  }));
}

async function rateOf(sandbox, code, value, reuse) {
  const begun = performance.now();
  let left = CALLS;
  async function caller(lane) {
    // Kept realms stay with one worker, so each lane has its own name.
    const name = reuse ? `transformer:lane-${lane % 4}` : 'transformer:bench';
    while (left-- > 0) await sandbox.call(callOf(name, code, value, reuse));
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, lane) => caller(lane)));
  return (CALLS * 1_000) / (performance.now() - begun);
}

function callOf(name, code, value, reuse) {
  const limits = GUEST_LIMITS.defaults;
  return { name, code, args: [value], host: {}, limits, now: 0, seed: 'seed', reuse };
}
