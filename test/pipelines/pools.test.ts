/** Stages whose integration is a resource pool, over providers on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer, status } from '../support/fault-server.js';
import { openStore, pipeline, runFailure, transformer, until } from './support.js';

let a: FaultServer;
let b: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  [a, b] = await Promise.all([FaultServer.start([status(500)]), FaultServer.start([status(500)])]);
});
afterAll(async () => {
  await Promise.all([a.close(), b.close()]);
});
beforeEach(async () => {
  db = await openStore();
  a.play([chat('from a')]);
  b.play([chat('from b')]);
  return () => db.close();
});

function chat(content: string) {
  const choices = [{ message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return answer({ model: 'm', choices, usage: { prompt_tokens: 5, completion_tokens: 5 } });
}

async function put(pool: object, ...more: object[]): Promise<void> {
  const once = { retry_strategy: { max_retries: 0 } };
  const resource = (id: string, { url }: FaultServer) => ({
    id,
    provider: 'openai',
    endpoint: url,
    model: `model-${id}`,
    ...once,
  });
  const resources = [resource('a', a), resource('b', b)];
  await db.put([
    { _id: 'pool:p', _type: 'resource_pool', resources, ...pool },
    pipeline('p', [{ name: 'ask', integration: 'pool:p' }]),
    ...more,
  ] as never);
}

const run = async () => ((await db.run('pipeline:p', 'Well?')).output as { text: string }).text;

describe('a stage that asks a pool', () => {
  it('goes round its resources, and the audit says which', async () => {
    await put({});
    expect([await run(), await run(), await run()]).toEqual(['from a', 'from b', 'from a']);
    expect(a.requests.map(({ body }) => body.model)).toEqual(['model-a', 'model-a']);
    const stages = await db.audit.query({ kind: 'stage' }).sort({ n: 1 }).toArray();
    expect(stages[1]).toMatchObject({ pool: 'pool:p', resource: 'b', integration: 'pool:p/b' });
  });

  it('falls back to another resource, and leaves a broken one alone', async () => {
    a.play([status(503)]);
    await put({ circuit: { failures: 2, open_ms: 60_000 } });
    for (let n = 0; n < 6; n++) expect(await run()).toBe('from b');
    expect(a.requests).toHaveLength(2);
    expect(await db.get('pool_state:pool:p/a')).toMatchObject({
      circuit: { state: 'open' },
      failures: 2,
      in_flight: 0,
    });
  });

  it('fails as the last resource did when all fail', async () => {
    a.play([status(500)]);
    b.play([status(529)]);
    await put({});
    const error = await runFailure(db.run('pipeline:p', 'Well?'));
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(error.message).toContain('529');
  });

  it('does not blame a resource for a request that is refused', async () => {
    a.play([status(400, {}, { error: { code: 'content_filter' } })]);
    await put({});
    expect(await runFailure(db.run('pipeline:p', 'Well?'))).toMatchObject({
      code: 'MODEL_REFUSED',
    });
    expect(b.requests).toHaveLength(0);
    const state = () => db.get('pool_state:pool:p/a');
    await until(async () => (await state())?.calls === 1);
    expect(await state()).toMatchObject({ failures: 0, in_flight: 0 });
  });

  it('leaves the choice to a transformer that sees how the resources do', async () => {
    const code = `function pick({ resources, tokens }) {
      if (!(tokens > 0)) throw new Error('no tokens');
      const free = resources.filter(({ state }) => !state || state.calls < 1);
      return (free.at(-1) ?? resources[0]).id;
    }`;
    await put({ allocation_strategy: 'transformer:pick' }, transformer('pick', code));
    expect([await run(), await run(), await run()]).toEqual(['from b', 'from a', 'from a']);
  });

  it('refuses what a transformer picks from nowhere', async () => {
    const code = "function pick() { return 'c' }";
    await put({ allocation_strategy: 'transformer:pick' }, transformer('pick', code));
    expect(await runFailure(db.run('pipeline:p', 'Well?'))).toMatchObject({ code: 'GUEST_OUTPUT' });
  });

  it('pins the integrations that its resources name', async () => {
    const integration = { _id: 'integration:a', _type: 'integration', provider: 'openai' };
    const named = { ...integration, endpoint: a.url, model: 'named' };
    await put({ resources: [{ id: 'a', integration: 'integration:a' }] }, named);
    const { id } = await db.run('pipeline:p', 'Well?');
    expect((await db.runOf(id))?.definitions).toMatchObject({ 'integration:a': 1, 'pool:p': 1 });
    await put({ resources: [{ id: 'a', integration: 'integration:none' }] });
    const missing = db.run('pipeline:p', 'Well?');
    await expect(missing).rejects.toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('goes by what the integrations say that its resources name', async () => {
    const say = (name: string, { url }: FaultServer, dollars: number, more: object) => ({
      _id: `integration:${name}`,
      _type: 'integration',
      provider: 'openai',
      endpoint: url,
      model: name,
      ...(dollars === 0 ? {} : { price: { input_per_million: dollars, output_per_million: 1 } }),
      ...more,
    });
    const resources = ['a', 'b'].map((id) => ({ id, integration: `integration:${id}` }));
    const listed = { _id: 'price:openai/b', _type: 'price', provider: 'openai', model: 'b' };
    await put(
      { resources, allocation_strategy: 'cheapest' },
      say('a', a, 5, {}),
      say('b', b, 0, { lacks: ['schema'] }),
      { ...listed, prices: [{ input_per_million: 2, output_per_million: 1 }] },
    );
    expect([await run(), await run()]).toEqual(['from b', 'from b']);
    await db.put([{ ...listed, prices: [{ input_per_million: 9, output_per_million: 1 }] }]);
    expect(await run()).toBe('from a');
    await put({ resources: [resources[1]] });
    const stage = { name: 'ask', integration: 'pool:p', response_schema: { type: 'object' } };
    await db.put(pipeline('p', [stage]));
    expect(await runFailure(db.run('pipeline:p', 'Well?'))).toMatchObject({
      code: 'POOL_EXHAUSTED',
    });
  });

  it('leaves a resource alone that says its limit is used up', async () => {
    const choices = [{ message: { role: 'assistant', content: 'from a' }, finish_reason: 'stop' }];
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' };
    a.play([answer({ model: 'm', choices }, headers)]);
    await put({});
    expect([await run(), await run(), await run()]).toEqual(['from a', 'from b', 'from b']);
    const state = await db.get<{ blocked_until: number }>('pool_state:pool:p/a');
    expect(state?.blocked_until).toBeGreaterThan(Date.now() + 300_000);
    // Whatever a provider asks for, it is tried again some time.
    a.play([answer({ model: 'm', choices }, { ...headers, 'x-ratelimit-reset-requests': '900d' })]);
    await put({ _id: 'pool:q' }, pipeline('p', [{ name: 'ask', integration: 'pool:q' }]));
    expect(await run()).toBe('from a');
    const far = await db.get<{ blocked_until: number }>('pool_state:pool:q/a');
    expect(far?.blocked_until).toBeLessThan(Date.now() + 3_600_000);
  });

  it('takes no place of a resource for an answer that is kept', async () => {
    const resource = { id: 'a', provider: 'openai', endpoint: a.url, model: 'm', concurrency: 1 };
    const [deterministic, kept] = [{ temperature: 0 }, { response_cache: true }];
    await put({ resources: [{ ...resource, rate_limit: 1 }] });
    await db.put(
      pipeline('p', [{ name: 'ask', integration: 'pool:p', params: deterministic, ...kept }]),
    );
    // A second call within the minute would wait until the next one.
    expect([await run(), await run(), await run()]).toEqual(['from a', 'from a', 'from a']);
    expect(a.requests).toHaveLength(1);
    expect(await db.audit.query({ kind: 'llm-call', cached: true }).count()).toBe(2);
  });

  it('keeps within its limits under many runs', async () => {
    const [limited] = [
      { id: 'a', provider: 'openai', endpoint: a.url, model: 'm', concurrency: 2 },
    ];
    let open = 0;
    let most = 0;
    a.play([
      async (response, seen) => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 10));
        open--;
        await chat('done')(response, seen);
      },
    ]);
    await put({ resources: [limited] });
    await Promise.all(Array.from({ length: 12 }, run));
    expect(most).toBe(2);
  });
});
