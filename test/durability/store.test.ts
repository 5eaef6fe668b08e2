import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../storage/temporary.js';
import { killStore } from './kill-store.mjs';
import { losePower } from './lose-power.mjs';

/** `npm run torture:store` does the same for longer. */
const SEED = 11;

describe('a store that is written to at random', () => {
  it('holds every acknowledged commit whole after each of 20 kills', async () => {
    const { kills, acknowledged, problems } = await killStore({
      directory: temporaryFolder(),
      rounds: 20,
      seed: SEED,
    });
    expect(problems).toEqual([]);
    expect(kills).toBe(20);
    expect(acknowledged).toBeGreaterThan(20);
  }, 240_000);

  it('holds every acknowledged commit after losses of power', async (test) => {
    const lost = await losePower({ directory: temporaryFolder(), rounds: 6, seed: SEED });
    if (lost.skipped !== undefined) test.skip(lost.skipped);
    expect(lost.problems).toEqual([]);
    expect(lost.acknowledged).toBeGreaterThan(0);
  }, 60_000);
});
