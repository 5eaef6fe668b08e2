/** What bounds a run's model calls, over a real store and a provider on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx, NewDocument } from '#jdbx/index.js';
import { answer, FaultServer, hang, type Seen, status } from '../support/fault-server.js';
import { openStore, pipeline, runFailure, transformer, withEnoughTime } from './support.js';

let server: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  server = await FaultServer.start([answer(chat(10, 5))]);
});
afterAll(() => server.close());
beforeEach(async () => {
  db = await openStore();
  await db.put(integration());
  return () => db.close();
});

function chat(prompt_tokens: number, completion_tokens: number) {
  const message = { role: 'assistant', content: 'Yes.' };
  const usage = { prompt_tokens, completion_tokens };
  return { model: 'm', choices: [{ message, finish_reason: 'stop' }], usage };
}

function integration(more: object = {}): NewDocument {
  return {
    _id: 'integration:one',
    _type: 'integration',
    provider: 'openai',
    endpoint: server.url,
    model: 'm',
    price: { input_per_million: 1_000, output_per_million: 2_000 },
    retry_strategy: { max_retries: 0 },
    ...more,
  };
}

const budget = (name: string, limits: object, more: object = {}): NewDocument => ({
  _id: `budget:${name}`,
  _type: 'budget',
  limits,
  ...more,
});
const ask = { name: 'ask', integration: 'integration:one' };
const spentOf = async (name: string) => (await db.get(`budget:${name}`))?.spent;
const reservedOf = async (name: string) => (await db.get(`budget:${name}`))?.reserved ?? nothing;
const nothing = { tokens: 0, calls: 0, cost_usd: 0 };

describe('a call within budgets', () => {
  it('counts in those of its run, pipeline, session and stage, and above them', async () => {
    server.play([answer(chat(10, 5))]);
    await db.put([
      budget('all', { tokens: 1e6 }),
      ...['run', 'pipeline', 'session', 'stage'].map((name) =>
        budget(name, { cost_usd: 10 }, { parent: 'budget:all' }),
      ),
      { _id: 'session:s', _type: 'session', budget: 'budget:session' },
      pipeline('p', [{ ...ask, budget: 'budget:stage' }], { budget: 'budget:pipeline' }),
    ]);
    await db.run('pipeline:p', 'Well?', { budget: 'budget:run', session: 'session:s' });
    for (const name of ['run', 'pipeline', 'session', 'stage', 'all']) {
      expect(await spentOf(name)).toMatchObject({ tokens: 15, calls: 1, cost_usd: 0.02 });
      expect(await reservedOf(name)).toEqual(nothing);
    }
    expect(await db.query({ _type: 'reservation' }).count()).toBe(0);
  });

  it('asks for no longer an answer than can be paid for', async () => {
    server.play([answer(chat(10, 5))]);
    await db.put([budget('b', { cost_usd: 0.2 }), pipeline('p', [ask], { budget: 'budget:b' })]);
    await db.run('pipeline:p', 'Well?');
    const asked = server.requests[0]?.body.max_tokens;
    expect(asked).toBeGreaterThan(50);
    expect(asked).toBeLessThanOrEqual(100);
  });

  it('counts what guests and child runs call', async () => {
    server.play([answer(chat(10, 5))]);
    const code =
      "function f() { return [llm.call('integration:one', 'a'), llm.call('integration:one', 'b')].length }";
    await db.put([
      budget('b', { calls: 10 }),
      transformer('t', code, { permissions: ['llm.call'] }),
      pipeline('child', [ask]),
      pipeline('p', [
        { name: 't', transformer: 'transformer:t' },
        { name: 'c', pipeline: 'pipeline:child', inputs: '$input' },
      ]),
    ]);
    await db.run('pipeline:p', 'Well?', { budget: 'budget:b' });
    expect(await spentOf('b')).toMatchObject({ calls: 3, tokens: 45 });
  });

  it('that the provider refuses costs nothing', async () => {
    server.play([status(400)]);
    await db.put([budget('b', { tokens: 1e6 }), pipeline('p', [ask], { budget: 'budget:b' })]);
    await runFailure(db.run('pipeline:p', 'Well?'));
    expect(await spentOf('b')).toMatchObject({ tokens: 0, cost_usd: 0, calls: 1 });
    expect(await reservedOf('b')).toEqual(nothing);
  });

  it('that nobody could be reached for costs nothing, however often it was tried', async () => {
    const gone = await FaultServer.start([]);
    const endpoint = gone.url;
    await gone.close();
    const retry_strategy = { max_retries: 2, delay_ms: 1 };
    await db.put([
      integration({ endpoint, retry_strategy }),
      budget('b', { cost_usd: 100 }),
      pipeline('p', [ask], { budget: 'budget:b' }),
    ]);
    await runFailure(db.run('pipeline:p', 'Well?'));
    expect(await spentOf('b')).toMatchObject({ tokens: 0, cost_usd: 0, calls: 1 });
    expect(await db.costReport()).toMatchObject([{ calls: 3, failures: 3, unknown: 0 }]);
  });

  it('is refused in dollars where nobody knows the price, before it goes out', async () => {
    const { price: _, ...unpriced } = integration() as Record<string, unknown>;
    await db.put([
      unpriced as never,
      budget('dollars', { cost_usd: 5 }),
      budget('tokens', { tokens: 5_000 }),
      pipeline('p', [ask]),
    ]);
    server.play([answer(chat(10, 5))]);
    const error = await runFailure(db.run('pipeline:p', 'Well?', { budget: 'budget:dollars' }));
    expect(error).toMatchObject({ code: 'PRICE_MISSING', cause: { path: 'price' } });
    expect(error.message).toContain('budget:dollars');
    expect(server.requests).toHaveLength(0);
    await db.run('pipeline:p', 'Well?', { budget: 'budget:tokens' });
    expect(await spentOf('tokens')).toMatchObject({ tokens: 15 });
  });

  it('that tells half of its usage counts as what was set aside', async () => {
    const half = { ...chat(10, 5), usage: { prompt_tokens: 10 } };
    server.play([answer(half)]);
    await db.put([
      budget('b', { cost_usd: 5 }),
      pipeline('p', [{ ...ask, params: { max_tokens: 100 } }], { budget: 'budget:b' }),
    ]);
    await db.run('pipeline:p', 'Well?');
    const { cost_usd } = (await spentOf('b')) as { cost_usd: number };
    expect(cost_usd).toBeGreaterThan(0.2);
    // The audit trail names what the budget counts.
    expect(await db.costReport()).toMatchObject([
      { cost_usd: 0, at_most_usd: expect.closeTo(cost_usd, 9), unknown: 1 },
    ]);
  });

  it('of a long input is set aside at the price of its tier, and by the call', async () => {
    const tiers = [{ above_input_tokens: 3, input_per_million: 1e6 }];
    const price = { input_per_million: 0, output_per_million: 0, calls_per_thousand: 2_000, tiers };
    await db.put([integration({ price }), budget('b', { cost_usd: 4 })]);
    await db.put(pipeline('p', [ask], { budget: 'budget:b' }));
    expect(await runFailure(db.run('pipeline:p', 'Well?'))).toMatchObject({
      code: 'BUDGET_EXCEEDED',
    });
    await db.put(integration({ price: { ...price, tiers: [] } }));
    await db.run('pipeline:p', 'Well?');
    expect(await spentOf('b')).toMatchObject({ cost_usd: 2 });
  });

  it('that breaks off counts as what was set aside', async () => {
    server.play([hang()]);
    const late = async (timeout_ms: number) => {
      await db.put([
        integration({ timeout_ms }),
        budget('b', { tokens: 1e6 }),
        pipeline('p', [{ ...ask, params: { max_tokens: 100 } }], { budget: 'budget:b' }),
      ]);
      await runFailure(db.run('pipeline:p', 'Well?'));
    };
    await withEnoughTime(late, () => server.requests.length > 0);
    expect((await spentOf('b')) as object).toMatchObject({ calls: 1 });
    expect(((await spentOf('b')) as { tokens: number }).tokens).toBeGreaterThan(100);
    expect(await reservedOf('b')).toEqual(nothing);
  });

  it('ends when the time of its budget is over', async () => {
    server.play([hang()]);
    await db.put([budget('b', { time_ms: 40 }), pipeline('p', [ask], { budget: 'budget:b' })]);
    const error = await runFailure(db.run('pipeline:p', 'Well?'));
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    expect(error.message).toContain('40 ms');
  });
});

describe('a run whose budget ends', () => {
  it('fails with what it had done, what was cut, and why', async () => {
    server.play([answer(chat(600, 300))]);
    const stages = ['one', 'two', 'three'].map((name) => ({ ...ask, name, inputs: '$input' }));
    await db.put([budget('b', { tokens: 1_000 }), pipeline('p', stages, { budget: 'budget:b' })]);
    const run = db.run('pipeline:p', 'Well? '.repeat(100), { key: 'k' });
    const error = await run.catch((thrown) => thrown);
    const partial = { finished: ['one'], cut: 'two', why: expect.stringContaining('budget:b') };
    expect(error).toMatchObject({
      code: 'RUN_FAILED',
      details: { code: 'BUDGET_EXCEEDED', partial },
    });
    expect(await db.runOf('run:k')).toMatchObject({ status: 'failed', partial });
    const again = await db.run('pipeline:p', '', { key: 'k' }).catch((thrown) => thrown);
    expect(again.details.partial).toEqual(error.details.partial);
  });

  it('may go on with something cheaper', async () => {
    await db.put([
      budget('b', { calls: 0 }),
      pipeline('p', [{ ...ask, on_error: { continue: 'too dear' } }], { budget: 'budget:b' }),
    ]);
    expect((await db.run('pipeline:p', 'Well?')).output).toBe('too dear');
  });

  it('names a budget that does not exist', async () => {
    await db.put(pipeline('p', [ask], { budget: 'budget:none' }));
    expect(await runFailure(db.run('pipeline:p', 'Well?'))).toMatchObject({
      code: 'MISSING_DOCUMENT',
    });
  });
});

describe('the budget of a key', () => {
  const run = (budgetKey: string) => db.run('pipeline:p', 'Well?', { budgetKey });
  beforeEach(async () => {
    server.play([answer(chat(10, 5))]);
    await db.put(pipeline('p', [ask]));
  });

  it('counts what runs for that key call, and no other’s', async () => {
    await db.put([
      budget('all', { calls: 100 }),
      budget('key:ann', { calls: 2 }, { parent: 'budget:all' }),
      budget('key:bob', { calls: 2 }, { parent: 'budget:all' }),
    ]);
    const { id } = await run('ann');
    await run('ann');
    expect(await runFailure(run('ann'))).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    await run('bob');
    expect(await spentOf('key:ann')).toMatchObject({ calls: 2 });
    expect(await spentOf('key:bob')).toMatchObject({ calls: 1 });
    expect(await spentOf('all')).toMatchObject({ calls: 3, tokens: 45 });
    expect(await db.runOf(id)).toMatchObject({ budget_key: 'ann', budgets: ['budget:key:ann'] });
    // A fork is made for the same key.
    const fork = db.fork(id, undefined, { input: 'Else?' });
    expect(await runFailure(fork as never)).toMatchObject({ code: 'BUDGET_EXCEEDED' });
  });

  it('is made like the one for every key when it has none', async () => {
    await db.put([
      budget('all', { calls: 3 }),
      budget('key:*', { calls: 2 }, { parent: 'budget:all' }),
    ]);
    for (const key of ['ann', 'ann', 'bob']) await run(key);
    expect(await runFailure(run('ann'))).toMatchObject({
      cause: { details: { budget: 'budget:key:ann' } },
    });
    expect(await runFailure(run('bob'))).toMatchObject({
      cause: { details: { budget: 'budget:all' } },
    });
    expect(await db.get('budget:key:ann')).toMatchObject({ key: 'ann', spent: { calls: 2 } });
    expect(await spentOf('key:*')).toBeUndefined();
  });

  it('has to be there: a key without a bound is refused before anything is written', async () => {
    const { seq } = db;
    await expect(run('eve')).rejects.toMatchObject({ code: 'MISSING_DOCUMENT' });
    await expect(run('')).rejects.toThrow(TypeError);
    expect(db.seq).toBe(seq);
  });
});

/** Random budgets above one another, of keys, sessions, runs and stages, and many runs at once. */
it('runs of many keys, sessions and stages never pass a limit of any', async () => {
  server.play([answer(({ body }: Seen) => chat(5, Math.min(30, body.max_tokens)))]);
  const limit = (seed: number) => ({ tokens: 60 + ((seed * 97) % 400) });
  for (let round = 0; round < 3; round++) {
    const at = (name: string) => `${name}${round}`;
    await db.put([
      budget(at('all'), { tokens: 700 + 200 * round }),
      ...['a', 'b', 'c'].map((key, n) =>
        budget(`key:${at(key)}`, limit(n + round), { parent: `budget:${at('all')}` }),
      ),
      budget(at('stage'), limit(5 + round), { parent: `budget:${at('all')}` }),
      budget(at('session'), limit(9 + round)),
      { _id: `session:${at('s')}`, _type: 'session', budget: `budget:${at('session')}` },
      pipeline(at('p'), [
        { ...ask, params: { max_tokens: 30 } },
        {
          ...ask,
          name: 'again',
          inputs: '$input',
          params: { max_tokens: 30 },
          budget: `budget:${at('stage')}`,
        },
      ]),
    ]);
    await Promise.all(
      Array.from({ length: 24 }, (_, n) => {
        const session = n % 4 === 0 ? { session: `session:${at('s')}` } : {};
        const options = { budgetKey: at('abc'[n % 3] as string), ...session };
        return db.run(`pipeline:${at('p')}`, 'Well?', options).catch(() => {});
      }),
    );
    const spent = new Map<string, number>();
    for (const name of ['all', 'stage', 'session', 'key:a', 'key:b', 'key:c'].map(at)) {
      const { limits, spent: used } = (await db.get(`budget:${name}`)) as never as {
        limits: { tokens: number };
        spent?: { tokens: number };
      };
      spent.set(name, used?.tokens ?? 0);
      expect(used?.tokens ?? 0).toBeLessThanOrEqual(limits.tokens);
    }
    const ofKeys = ['key:a', 'key:b', 'key:c'].map((name) => spent.get(at(name)) ?? 0);
    expect(ofKeys.reduce((sum, each) => sum + each)).toBe(spent.get(at('all')));
    expect(spent.get(at('all'))).toBeGreaterThan(0);
  }
});

it('many runs at once never pass their budget', async () => {
  server.play([answer(chat(5, 30))]);
  await db.put([
    budget('b', { tokens: 600 }),
    pipeline('p', [{ ...ask, params: { max_tokens: 30 } }], { budget: 'budget:b' }),
  ]);
  const runs = Array.from({ length: 40 }, () =>
    db.run('pipeline:p', 'Well?').catch(() => undefined),
  );
  const done = (await Promise.all(runs)).filter((run) => run !== undefined).length;
  expect(done).toBeGreaterThan(4);
  expect(await spentOf('b')).toMatchObject({ tokens: done * 35, calls: done });
  expect(done * 35).toBeLessThanOrEqual(600);
  expect(await reservedOf('b')).toMatchObject({ tokens: 0 });
});
