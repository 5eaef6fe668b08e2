/**
 * Resource pools over a real store with a clock that the tests set. The property test
 * plays random calls against one limited resource and checks by a naive count that in no
 * minute more went through than one full burst and what flowed in meanwhile.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import type { Price } from '#jdbx/llm/contract.js';
import { Hold, type Submit } from '#jdbx/llm/counting/hold.js';
import { checkPool, type Pool } from '#jdbx/llm/pools/pool-document.js';
import { type AcquireInput, type Lease, Pools } from '#jdbx/llm/pools/pools.js';
import { admit } from '#jdbx/llm/pools/rate.js';
import { failure, never } from './calling.js';

let now = 1_000_000;
let db: Jdbx;
let hold: Hold;
let made = 0;
const GOOD = { isFailure: false, latency_ms: 100 };
const BAD = { isFailure: true, latency_ms: 10 };

function holdOf(owner: string, othersCount: () => number): Hold {
  const get = (id: string) => {
    using snapshot = db.snapshot();
    return snapshot.get(id);
  };
  return new Hold({ submit: (plan) => db.submit(plan), get, othersCount, owner });
}

function poolsOf(one: Hold, owner: string, random: () => number = () => 0.5): Pools {
  const priceOf = (resource: object) => (resource as { price?: Price }).price;
  const get = (id: string) => {
    using snapshot = db.snapshot();
    return snapshot.get(id);
  };
  const submit: Submit = (plan) => db.submit(plan);
  return new Pools({ submit, get, hold: one, owner, now: () => now, random, priceOf });
}

function poolOf(fields: object): Pool {
  return { _id: `pool:${++made}`, _type: 'resource_pool', _rev: 1, ...fields } as unknown as Pool;
}

function setup(fields: object, random: () => number = () => 0.5) {
  const pool = poolOf(fields);
  const pools = poolsOf(hold, 'me', random);
  const take = (more: Partial<AcquireInput> = {}): Promise<Lease> => taken(pools, pool, more);
  const state = (resource: string) => pools.stateOf(pool._id, resource);
  return { pool, pools, take, state };
}

async function taken(pools: Pools, pool: Pool, more: Partial<AcquireInput> = {}): Promise<Lease> {
  return pools.acquire({ pool, need: { tokens: 10, features: [] }, signal: never, ...more });
}

const named = (...ids: string[]) => ids.map((id) => ({ id, provider: 'openai', model: 'm' }));

async function chosen(take: () => Promise<Lease>, count: number): Promise<string> {
  let ids = '';
  for (let n = 0; n < count; n++) {
    const lease = await take();
    ids += lease.resource.id;
    await lease.release(GOOD);
  }
  return ids;
}

/** Whether a promise is still open after everything that is due has happened. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(() => resolve('late'), 30));
  return (await Promise.race([promise.catch(() => 'failed'), late])) === 'late';
}

describe.each([
  ['counted in memory', 0],
  ['counted in documents', 1],
])('%s,', (_, others) => {
  beforeAll(async () => {
    db = await open(MEMORY, { clock: { now: () => now } });
    hold = holdOf('me', () => others);
  });
  afterAll(() => db.close());

  describe('a strategy', () => {
    it('goes round by default', async () => {
      const { take } = setup({ resources: named('a', 'b', 'c') });
      expect(await chosen(take, 7)).toBe('abcabca');
    });

    it('weighs by chance', async () => {
      const random = seeded(3);
      const [a, b] = named('a', 'b');
      const resources = [
        { ...a, weight: 3 },
        { ...b, weight: 1 },
      ];
      const { take } = setup({ resources, allocation_strategy: 'weighted' }, random);
      const ids = await chosen(take, 200);
      const share = ids.replaceAll('b', '').length / ids.length;
      expect(share).toBeGreaterThan(0.65);
      expect(share).toBeLessThan(0.85);
    });

    it('takes the least busy', async () => {
      const resources = named('a', 'b').map((one) => ({ ...one, concurrency: 4 }));
      const { take } = setup({ resources, allocation_strategy: 'least_busy' });
      const leases = [await take(), await take(), await take()];
      expect(leases.map(({ resource }) => resource.id).join('')).toBe('aba');
      await leases[0]?.release(GOOD);
      await leases[2]?.release(GOOD);
      expect((await take()).resource.id).toBe('a');
    });

    it('takes the cheapest, and what has no price last', async () => {
      const [a, b, c] = named('a', 'b', 'c');
      const price = (per: number) => ({
        price: { input_per_million: per, output_per_million: per },
      });
      const resources = [
        a,
        { ...b, ...price(2), concurrency: 1 },
        { ...c, ...price(1), concurrency: 1 },
      ];
      const { take } = setup({ resources, allocation_strategy: 'cheapest' });
      const ids = [await take(), await take(), await take()].map(({ resource }) => resource.id);
      expect(ids).toEqual(['c', 'b', 'a']);
    });

    it('takes the fastest once each was tried', async () => {
      const { take } = setup({ resources: named('a', 'b'), allocation_strategy: 'fastest' });
      await (await take()).release({ ...GOOD, latency_ms: 300 });
      await (await take()).release({ ...GOOD, latency_ms: 100 });
      expect(await chosen(take, 3)).toBe('bbb');
    });

    it('may be overruled by what a transformer picked', async () => {
      const { take } = setup({ resources: named('a', 'b') });
      expect((await take({ first: 'b' })).resource.id).toBe('b');
    });
  });

  describe('a limit', () => {
    it('lets a minute’s worth through at once, and then one at a time', () => {
      let until = 0;
      for (let n = 0; n < 60; n++) until = (admit(until, 1, 60, 5_000) as { until: number }).until;
      expect(admit(until, 1, 60, 5_000)).toEqual({ waitMs: 1_000 });
      expect(admit(until, 1, 60, 6_000)).toHaveProperty('until');
    });

    it('is never passed by more than a burst, whatever comes', () => {
      const calls = fc.array(
        fc.record({ after: fc.nat(20_000), cost: fc.integer({ min: 1, max: 50 }) }),
        { maxLength: 80 },
      );
      fc.assert(
        fc.property(calls, fc.integer({ min: 50, max: 500 }), (list, limit) => {
          let [until, time, filled] = [0, 1_000, 0];
          const start = time;
          for (const { after, cost } of list) {
            time += after;
            const result = admit(until, cost, limit, time);
            if ('until' in result) {
              until = result.until;
              filled += cost;
              expect(filled).toBeLessThanOrEqual(limit + ((time - start) * limit) / 60_000 + 1e-6);
            } else {
              expect(result.waitMs).toBeGreaterThan(0);
              expect(admit(until, cost, limit, time + result.waitMs)).toHaveProperty('until');
            }
          }
        }),
        { seed: 11 },
      );
    });

    it('on calls at once holds until one ends', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, concurrency: 1 }] });
      const first = await take();
      const second = take();
      expect(await isWaiting(second)).toBe(true);
      await first.release(GOOD);
      expect((await second).resource.id).toBe('a');
    });

    it('on tokens counts what was used, not what was set aside', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, tokens_per_minute: 100 }] });
      const need = { tokens: 90, features: [] };
      const first = await take({ need });
      const second = take({ need });
      expect(await isWaiting(second)).toBe(true);
      await first.release({ ...GOOD, tokens: 5 });
      await second;
    });

    it('lets a call that is larger than a minute’s worth through when nothing else is', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, tokens_per_minute: 5 }] });
      await take();
      expect(await isWaiting(take())).toBe(true);
    });
  });

  describe('a queue', () => {
    it('goes by priority, and of equals by who came first', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, concurrency: 1 }] });
      let holder = await take();
      const order: string[] = [];
      const wait = async (name: string, priority: number) => {
        const lease = await take({ priority });
        order.push(name);
        return lease;
      };
      const waiting = [wait('low', 0), wait('high 1', 5), wait('low 2', 0), wait('high 2', 5)];
      const byName = ['high 1', 'high 2', 'low', 'low 2'];
      for (const name of byName) {
        await holder.release(GOOD);
        while (!order.includes(name)) await new Promise((resolve) => setTimeout(resolve, 2));
        const place = ['low', 'high 1', 'low 2', 'high 2'].indexOf(name);
        holder = (await waiting[place]) as Lease;
      }
      expect(order).toEqual(byName);
    });

    it('refuses past its bound', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, concurrency: 1 }], queue_max: 1 });
      const first = await take();
      const second = take();
      expect(await failure(take())).toMatchObject({ code: 'POOL_FULL', details: { waiting: 1 } });
      await first.release(GOOD);
      await second;
    });

    it('refuses none of those who come at once and need not wait', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, concurrency: 4 }], queue_max: 1 });
      const [taken, waiting, refused] = [[], [], []] as unknown[][] as [Lease[], number[], Error[]];
      const all = [1, 2, 3, 4, 5, 6, 7].map((n) =>
        take().then(
          (lease) => void taken.push(lease),
          (error) => void (error.code === 'POOL_FULL' ? refused.push(error) : waiting.push(n)),
        ),
      );
      await Promise.all(all.filter((_, at) => at !== 4));
      expect([taken.length, refused.length, waiting.length]).toEqual([4, 2, 0]);
      await taken[0]?.release(GOOD);
      await Promise.all(all);
      expect(taken).toHaveLength(5);
    });

    it('is left by who aborts, and the next in line goes on', async () => {
      const [a] = named('a');
      const { take, pools, pool } = setup({ resources: [{ ...a, concurrency: 1 }] });
      const first = await take();
      const controller = new AbortController();
      const second = take({ signal: controller.signal });
      const third = take();
      controller.abort(new Error('enough'));
      expect((await failure(second)).message).toBe('enough');
      expect(pools.waiting(pool._id)).toBe(1);
      await first.release(GOOD);
      await third;
    });
  });

  describe('a resource that fails', () => {
    const rule = { failures: 2, open_ms: 5_000 };

    it('is left alone, tried by one call, and taken back when that succeeds', async () => {
      const { take, state } = setup({ resources: named('a', 'b'), circuit: rule });
      for (let n = 0; n < 4; n++) {
        const lease = await take();
        await lease.release(lease.resource.id === 'a' ? BAD : GOOD);
      }
      expect(await state('a')).toMatchObject({
        circuit: { state: 'open', failures: 2 },
        failures: 2,
      });
      expect(await chosen(take, 3)).toBe('bbb');
      now += 5_000;
      const probe = await take();
      expect(probe.resource.id).toBe('a');
      expect(await state('a')).toMatchObject({ circuit: { state: 'probing' } });
      expect((await take()).resource.id).toBe('b');
      await probe.release(GOOD);
      expect(await state('a')).toMatchObject({ circuit: { state: 'closed', failures: 0 } });
    });

    it('stays open when the one that tries fails', async () => {
      const { take, state } = setup({ resources: named('a'), circuit: { ...rule, failures: 1 } });
      await (await take()).release(BAD);
      now += 5_000;
      await (await take()).release(BAD);
      expect(await state('a')).toMatchObject({ circuit: { state: 'open', until: now + 5_000 } });
    });

    it('that asks for a pause gets it', async () => {
      const { take } = setup({ resources: named('a', 'b') });
      await (await take()).release({ ...BAD, retry_after_ms: 9_000 });
      expect(await chosen(take, 3)).toBe('bbb');
      now += 9_000;
      expect(await chosen(take, 1)).toBe('a');
    });

    it('is not asked twice by one call', async () => {
      const { take } = setup({ resources: named('a') });
      const error = await failure(take({ exclude: new Set(['a']) }));
      expect(error).toMatchObject({ code: 'POOL_EXHAUSTED' });
      expect(error.message).toContain('beside a');
    });

    it('that a dead process held is free again in time', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, concurrency: 1 }] });
      await take();
      now += 15 * 60_000;
      await take();
    });
  });

  describe('what a call needs', () => {
    it('keeps it from resources that lack it', async () => {
      const [a, b] = named('a', 'b');
      const resources = [{ ...a, lacks: ['tools'], context_tokens: 1_000 }, b];
      const { take } = setup({ resources });
      expect((await take({ need: { tokens: 1, features: ['tools'] } })).resource.id).toBe('b');
      expect((await take({ need: { tokens: 1_001, features: [] } })).resource.id).toBe('b');
    });

    it('that no resource has is refused at once', async () => {
      const [a] = named('a');
      const { take } = setup({ resources: [{ ...a, context_tokens: 10 }] });
      const error = await failure(take({ need: { tokens: 11, features: ['images'] } }));
      expect(error).toMatchObject({ code: 'POOL_EXHAUSTED' });
      expect(error.message).toContain('11 tokens, images');
    });
  });
});

describe('two processes', () => {
  let count = 0;
  beforeAll(async () => {
    db = await open(MEMORY, { clock: { now: () => now } });
  });
  afterAll(() => db.close());

  const [a] = named('a');

  it('share one limit', async () => {
    const others = () => 1;
    const [mine, yours] = ['me', 'you'].map((who) => poolsOf(holdOf(who, others), who));
    const pool = poolOf({ resources: [{ ...a, rate_limit: 2 }] });
    await taken(mine as Pools, pool);
    await taken(yours as Pools, pool);
    expect(await isWaiting(taken(mine as Pools, pool))).toBe(true);
  });

  it('hear at once of a pause, and later of a call that went well', async () => {
    const mine = poolsOf(
      holdOf('me', () => 0),
      'me',
    );
    const pool = poolOf({ resources: [a] });
    const written = () => {
      using snapshot = db.snapshot();
      return snapshot.get(`pool_state:${pool._id}/a`);
    };
    // Whoever makes the first call takes the hold, which is a commit.
    await (await taken(mine, poolOf({ resources: [a] }))).release(GOOD);
    await (await taken(mine, pool)).release(GOOD);
    // Nothing but promises were waited for, so no timer can have written it.
    expect(written()).toBeUndefined();
    await (await taken(mine, pool)).release({ ...GOOD, retry_after_ms: 1 });
    expect(written()).toMatchObject({ calls: 2, blocked_until: now + 1 });
  });

  it('share it from the moment that the second one comes', async () => {
    const first = holdOf('first', () => count);
    const mine = poolsOf(first, 'first');
    const pool = poolOf({ resources: [{ ...a, concurrency: 1 }] });
    const lease = await taken(mine, pool);
    expect(first.isMine).toBe(true);
    expect(await db.get(`pool_state:${pool._id}/a`)).toBeUndefined();
    count = 1;
    const yours = poolsOf(
      holdOf('second', () => 1),
      'second',
    );
    const second = taken(yours, pool);
    expect(await isWaiting(second)).toBe(true);
    while (first.isMine) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await db.get(`pool_state:${pool._id}/a`)).toMatchObject({ in_flight: 1 });
    await lease.release(GOOD);
    expect((await second).resource.id).toBe('a');
    expect(await db.get(`pool_state:${pool._id}/a`)).toMatchObject({
      in_flight: 1,
      calls: 1,
      holders: { second: { calls: 1 } },
    });
  });
});

describe('a pool document', () => {
  const [a] = named('a');
  it.each([
    ['no resources', {}, 'resources'],
    ['a resource that is none', { resources: ['a'] }, 'resources.0'],
    ['a nameless resource', { resources: [{ provider: 'openai' }] }, 'resources.0.id'],
    ['a resource from nowhere', { resources: [{ id: 'a' }] }, 'resources.0'],
    ['a resource twice', { resources: [a, a] }, 'resources'],
    ['a limit of nothing', { resources: [{ ...a, rate_limit: 0 }] }, 'resources.0.rate_limit'],
    ['a weight below zero', { resources: [{ ...a, weight: -1 }] }, 'resources.0.weight'],
    ['an unknown strategy', { resources: [a], allocation_strategy: 'best' }, 'allocation_strategy'],
    ['a queue of no length', { resources: [a], queue_max: 'long' }, 'queue_max'],
    ['a circuit that is none', { resources: [a], circuit: 5 }, 'circuit'],
    [
      'a circuit that never opens',
      { resources: [a], circuit: { failures: 0 } },
      'circuit.failures',
    ],
  ])('with %s is refused', (_, fields, path) => {
    const check = () => checkPool({ _id: 'pool:x', _type: 'resource_pool', ...fields } as never);
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_DOCUMENT', path }));
  });

  it('as the seed writes it is taken', () => {
    const resources = [
      {
        id: 'llm:claude-1',
        provider: 'anthropic',
        model: 'm',
        rate_limit: 50,
        tokens_per_minute: 1e5,
      },
    ];
    const strategy = { allocation_strategy: 'transformer:resource-allocator' };
    checkPool({ _id: 'pool:x', _type: 'resource_pool', resources, ...strategy } as never);
  });
});

/** Numbers in [0, 1) from a seed: a linear congruence, whose high bits are good enough here. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}
