/** What the audit trail alone answers: cost, failures, savings. The README shows the same queries. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { DIMS, embeddings } from '../support/embedding-server.js';
import { answer, FaultServer, status } from '../support/fault-server.js';
import { chat, integration, openStore, pipeline } from './support.js';

const DAY = 86_400_000;
let now = Date.parse('2026-01-14T10:00:00Z');
let good: FaultServer;
let bad: FaultServer;
let vectors: FaultServer;
let db: Jdbx;
const price = { input_per_million: 100, output_per_million: 200 };

beforeAll(async () => {
  good = await FaultServer.start([answer(chat('yes'))]);
  bad = await FaultServer.start([status(500)]);
  vectors = await FaultServer.start([embeddings()]);
  db = await openStore({ clock: { now: () => now } });
  const stage = {
    name: 'ask',
    integration: 'orchestrator:o',
    params: { temperature: 0 },
    response_cache: true,
  };
  await db.put([
    integration('bad', bad.url, { price }),
    integration('good', good.url, { price }),
    {
      _id: 'orchestrator:o',
      _type: 'llm_orchestrator',
      fallback_chain: ['integration:bad', 'integration:good'],
    },
    pipeline('a', [stage]),
    pipeline('b', [{ ...stage, response_cache: false }]),
    {
      _id: 'embedder:words',
      _type: 'embedder',
      endpoint: `${vectors.url}/v1`,
      provider: 'openai',
      model: 'words',
      dims: DIMS,
      price: { input_per_million: 1_000, output_per_million: 0 },
    },
    pipeline('like', [
      {
        ...stage,
        integration: 'integration:good',
        response_cache: { semantic: { embedder: 'embedder:words', shadow: true } },
      },
    ]),
  ]);
  await db.run('pipeline:a', 'the day before');
  now += DAY;
  for (const input of ['one', 'two', 'one']) await db.run('pipeline:a', input);
  await db.run('pipeline:b', 'one');
  for (const input of ['a long question', 'a long question?']) await db.run('pipeline:like', input);
  now += DAY;
});
afterAll(async () => {
  await db.close();
  await Promise.all([good.close(), bad.close(), vectors.close()]);
});

const yesterday = { started_at: { $gte: '2026-01-15T00:00:00', $lt: '2026-01-16T00:00:00' } };

it('says what yesterday cost, by pipeline', async () => {
  const costs = await db.aggregate([
    { $match: { _type: 'audit', kind: { $in: ['llm-call', 'embed-call'] }, ...yesterday } },
    { $group: { _id: '$pipeline', cost_usd: { $sum: '$cost_usd' }, calls: { $sum: 1 } } },
    { $sort: { cost_usd: -1 } },
  ] as never);
  expect(costs).toMatchObject([
    // Two answers, and two questions as vectors: 15 and 16 tokens.
    { _id: 'pipeline:like', cost_usd: expect.closeTo(0.004 + 0.031, 9), calls: 4 },
    { _id: 'pipeline:a', cost_usd: 0.004 },
    { _id: 'pipeline:b', cost_usd: 0.002 },
  ]);
});

it('says which integration failed most', async () => {
  const [worst] = await db.aggregate([
    { $match: { _type: 'audit', kind: 'llm-call', error: { $exists: true } } },
    {
      $group: { _id: { integration: '$integration', code: '$error.code' }, failures: { $sum: 1 } },
    },
    { $sort: { failures: -1 } },
  ] as never);
  expect(worst).toEqual({
    _id: { integration: 'integration:bad', code: 'MODEL_UNAVAILABLE' },
    failures: 5,
  });
});

it('says what the cache saved', async () => {
  const [saved] = await db.aggregate([
    { $match: { _type: 'audit', kind: 'llm-call', cached: true } },
    {
      $group: {
        _id: null,
        hits: { $sum: 1 },
        cost_usd: { $sum: '$saves.cost_usd' },
        tokens: { $sum: { $add: ['$saves.input_tokens', '$saves.output_tokens'] } },
      },
    },
  ] as never);
  expect(saved).toEqual({ _id: null, hits: 1, cost_usd: 0.002, tokens: 15 });
});

it('says all of it at once', async () => {
  const day = { since: '2026-01-15T00:00:00', until: '2026-01-16T00:00:00' };
  const [like, a] = await db.costReport(day);
  expect(like).toMatchObject({ group: 'pipeline:like', cost_usd: expect.closeTo(0.035, 9) });
  expect(a).toMatchObject({
    group: 'pipeline:a',
    calls: 5,
    hits: 1,
    failures: 3,
    saved_usd: 0.002,
  });
  const rows = await db.costReport({ by: 'day' });
  expect(rows.map(({ group }) => group).sort()).toEqual(['2026-01-14', '2026-01-15']);
  const bad = (await db.costReport({ by: 'integration' })).find(
    ({ group }) => group === 'integration:bad',
  );
  expect(bad).toMatchObject({ calls: 5, failures: 5, unknown: 0, cost_usd: 0 });
});

it('says what the semantic cache would have given, and whether it was right', async () => {
  const checks = await db.aggregate([
    { $match: { _type: 'audit', kind: 'semantic-check' } },
    { $group: { _id: '$would_serve', agreed: { $sum: { $cond: ['$agreed', 1, 0] } } } },
  ] as never);
  // The embedder was never calibrated, so nothing would have been given.
  expect(checks).toEqual([{ _id: false, agreed: 1 }]);
  expect(await db.cacheReport()).toEqual({
    exact: 1,
    semantic: 0,
    saved_usd: 0.002,
    checked: 0,
    false_hits: 0,
  });
});
