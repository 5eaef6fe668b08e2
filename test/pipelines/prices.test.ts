/** What calls cost by price documents, as the audit trail says it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer } from '../support/fault-server.js';
import { chat, integration, openStore, pipeline } from './support.js';

const now = Date.parse('2026-05-01T12:00:00Z');
let server: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  server = await FaultServer.start([answer(chat('yes'))]);
  db = await openStore({ clock: { now: () => now } });
});
afterAll(async () => {
  await db.close();
  await server.close();
});

/** Runs one stage that asks, and gives what the audit trail says of its call. */
async function call(fields: object) {
  await db.put([
    integration('one', server.url, fields),
    pipeline('ask', [{ name: 'ask', integration: 'integration:one' }]),
  ]);
  const { id } = await db.run('pipeline:ask', 'Is it?');
  return db.audit.query({ run: id, kind: 'llm-call' }).first();
}

const price = (provider: string, model: string, prices: object[], match?: object) =>
  db.put({ _id: `price:${provider}/${model}`, _type: 'price', provider, model, prices, match });

const each = (input_per_million: number, more: object = {}) => ({
  input_per_million,
  output_per_million: 0,
  ...more,
});

it('is that of the day and hour, for whatever name the model goes by', async () => {
  const hours = { from: '11:00', until: '13:00' };
  await price(
    'openai',
    'big-model',
    [each(1), each(2, { from: '2026-04-01' }), each(3, { from: '2026-04-01', hours })],
    { or: [{ dated: 'big-model' }, { starts_with: 'the-big-model' }] },
  );
  for (const model of ['big-model', 'big-model-2026-01-31', 'The-Big-Model-latest']) {
    expect([model, (await call({ model }))?.cost_usd]).toEqual([model, 30 / 1e6]);
  }
  expect(await call({ model: 'bigger-model' })).not.toHaveProperty('cost_usd');
  // A price that is changed counts from then on.
  await price('openai', 'big-model', [each(50)], { starts_with: 'the-big' });
  expect((await call({ model: 'the-big-one' }))?.cost_usd).toBe(500 / 1e6);
});

it('is that of another provider whose API is the same, where the integration says so', async () => {
  await price('deepseek', 'deepseek-chat', [each(7)]);
  expect(await call({ model: 'deepseek-chat' })).not.toHaveProperty('cost_usd');
  const priced = await call({ model: 'deepseek-chat', priced_as: 'deepseek' });
  expect(priced?.cost_usd).toBe(70 / 1e6);
});

it('counts what is kept an hour, and names what was looked up for no price', async () => {
  server.play([
    answer({
      model: 'claude',
      content: [{ type: 'text', text: 'yes' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 100,
        cache_creation_input_tokens: 1_000,
        cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 },
        output_tokens: 0,
        server_tool_use: { web_search_requests: 2 },
      },
    }),
  ]);
  const kept = { cached_per_million: 0.1, cache_write_per_million: 1.25 };
  const hour = each(1, { ...kept, cache_write_1h_per_million: 2 });
  const anthropic = { provider: 'anthropic', model: 'claude' };
  const unpriced = await call({ ...anthropic, price: hour });
  expect(unpriced).toMatchObject({
    cost_usd: expect.closeTo((10 + 10 + 500 + 1_200) / 1e6, 12),
    unpriced: ['web_searches'],
    usage: { input_tokens: 1_110, cache_write_1h_tokens: 600, web_searches: 2 },
  });
  const searches = { ...hour, web_searches_per_thousand: 10 };
  const priced = await call({ ...anthropic, price: searches });
  expect(priced).not.toHaveProperty('unpriced');
  expect(priced?.cost_usd).toBeCloseTo(0.00172 + 0.02, 12);
  expect(await db.costReport({ by: 'model' })).toContainEqual(
    expect.objectContaining({ group: 'claude', calls: 2, unknown: 1 }),
  );
});

it('counts searches of the Responses API, and not the pages that were opened', async () => {
  const item = (type: string, more: object = {}) => ({
    type,
    id: type,
    status: 'completed',
    ...more,
  });
  const text = { type: 'output_text', text: 'yes' };
  server.play([
    answer({
      model: 'm',
      status: 'completed',
      output: [
        item('web_search_call', { action: { type: 'search', query: 'a' } }),
        item('web_search_call', { action: { type: 'open_page' } }),
        item('file_search_call'),
        item('message', { role: 'assistant', content: [text] }),
      ],
      usage: { input_tokens: 1_000, output_tokens: 0 },
    }),
  ]);
  const looked = { web_searches_per_thousand: 10, file_searches_per_thousand: 2 };
  const told = await call({ provider: 'openai-responses', model: 'm', price: each(1, looked) });
  expect(told?.usage).toMatchObject({ web_searches: 1, file_searches: 1 });
  expect(told?.cost_usd).toBeCloseTo(0.001 + 0.01 + 0.002, 12);
});
