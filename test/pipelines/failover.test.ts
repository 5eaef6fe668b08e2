/**
 * The sixteen kinds of fault of the public failoverbench catalogue (methodology 0.1,
 * https://github.com/failoverbench/failoverbench, scenarios/catalogue.yaml): a primary that
 * misbehaves, a fallback that does not, and what a correct client does. Its waits of
 * seconds are shortened, the order of events is kept.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import {
  type Behaviour,
  drop,
  eventStream,
  FaultServer,
  hang,
  type Seen,
  slow,
  status,
} from '../support/fault-server.js';
import { integration, openStore, pipeline, runFailure } from './support.js';

let primary: FaultServer;
let fallback: FaultServer;
let db: Jdbx;
let now = Date.now();
beforeAll(async () => {
  primary = await FaultServer.start([hang()]);
  fallback = await FaultServer.start([hang()]);
});
afterAll(() => Promise.all([primary.close(), fallback.close()]));
beforeEach(async () => {
  db = await openStore({ clock: { now: () => now } });
  fallback.play([stream('fb-ok')]);
  return () => db.close();
});

const WORDS = Array.from({ length: 60 }, (_, n) => `w${n} `);
const WHOLE = WORDS.join('');
const usage = { prompt_tokens: 20, completion_tokens: 60 };
const word = (model: string) => (content: string) => ({
  model,
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const ending = (model: string) => [
  { model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { model, choices: [], usage },
];
const events = (model: string) => [...WORDS.map(word(model)), ...ending(model)];
const stream = (model: string) => eventStream([...events(model), 'data: [DONE]\n\n']);
const some = (count: number) => WORDS.slice(0, count).map(word('primary'));

const LIMITS = {
  retry_strategy: { max_retries: 2, delay_ms: 5 },
  price: { input_per_million: 1, output_per_million: 1 },
};

/** Of a primary that is silent; others have all the time that a busy machine needs. */
const SHORT = { first_byte_timeout_ms: 250, idle_timeout_ms: 250 };

async function ask(script: readonly Behaviour[], more: object = {}, limits: object = {}) {
  primary.play(script);
  await db.put([
    integration('primary', primary.url, { ...LIMITS, ...limits }),
    integration('fallback', fallback.url, LIMITS),
    {
      _id: 'orchestrator:both',
      _type: 'llm_orchestrator',
      fallback_chain: ['integration:primary', 'integration:fallback'],
    },
    pipeline('ask', [{ name: 'ask', integration: 'orchestrator:both', stream: true, ...more }]),
  ]);
  return db.run('pipeline:ask', 'Explain', { key: 'r' });
}
const refusal = (code: string): Behaviour =>
  status(400, {}, { error: { message: `no: ${code}`, code } });

/** The whole answer, from whom, after how many attempts at the primary. */
type Row = readonly [string, readonly Behaviour[], 'primary' | 'fb-ok', number];

const RESCUED: readonly Row[] = [
  [
    'S01 429 with Retry-After',
    [status(429, { 'retry-after': '1' }), stream('primary')],
    'primary',
    2,
  ],
  ['S02 429 without Retry-After, persistent', [status(429)], 'fb-ok', 3],
  ['S03 500 once, then healthy', [status(500), stream('primary')], 'primary', 2],
  ['S04 503 persistent', [status(503)], 'fb-ok', 3],
  ['S05 a reset before headers', [drop(), stream('primary')], 'primary', 2],
  ['S06 no response at all: the silent route is not asked again', [hang()], 'fb-ok', 1],
  ['S07 a slow first token', [slow(5_000, stream('primary'))], 'fb-ok', 1],
  ['S08 a stream cut in the middle', [eventStream(some(40), { cut: true })], 'fb-ok', 3],
  ['S08 a stream that ends in the middle', [eventStream(some(40))], 'fb-ok', 3],
  ['S09 a stream that stalls', [eventStream(some(20), { stall: true })], 'fb-ok', 1],
  [
    'S10 a malformed chunk',
    [eventStream([...some(9), 'data: {"choices": [\n\n', ...events('primary').slice(10)])],
    'fb-ok',
    1,
  ],
  ['S11 a stream without [DONE]', [eventStream(events('primary'))], 'primary', 1],
  ['S12 the context is too long', [refusal('context_length_exceeded')], 'fb-ok', 1],
];

describe('the caller of a chain gets the whole answer', () => {
  it.each(RESCUED)('%s', async (name, script, model, attempts) => {
    const began = performance.now();
    const isSilent = /^S0[679]/.test(name);
    const { output } = await ask(script, {}, isSilent ? SHORT : {});
    expect(output).toMatchObject({ text: WHOLE, model, usage: { output_tokens: 60 } });
    expect(primary.requests).toHaveLength(attempts);
    if (name.startsWith('S01')) expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  it('S07 headers at once and the first token late', async () => {
    const late: Behaviour = (response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    expect((await ask([late], {}, SHORT)).output).toMatchObject({ text: WHOLE, model: 'fb-ok' });
    expect(primary.requests).toHaveLength(1);
  });

  it('S14 from a fallback that takes no prefill, by beginning anew', async () => {
    const noPrefill: Behaviour = (response, seen: Seen) => {
      const isPrefilled = seen.body.messages.some(
        ({ role }: { role: string }) => role === 'assistant',
      );
      return (isPrefilled ? refusal('prefill_not_supported') : stream('fb-ok'))(response, seen);
    };
    fallback.play([noPrefill]);
    const { output } = await ask([eventStream(some(40), { cut: true })], { rescue: true });
    expect(output).toMatchObject({ text: WHOLE, model: 'fb-ok' });
  });
});

it('S13 a refusal of what was said comes out with its reason, and nobody else is asked', async () => {
  const { code, message } = await runFailure(ask([refusal('content_policy_violation')]));
  expect(code).toBe('MODEL_REFUSED');
  expect(message).toContain('content_policy_violation');
  expect([primary.requests.length, fallback.requests.length]).toEqual([1, 0]);
});

it('S15 a primary that flaps is left alone while it is down, and returned to', async () => {
  primary.play([status(503)]);
  const own = { ...LIMITS, retry_strategy: { max_retries: 0 } };
  await db.put([
    {
      _id: 'pool:p',
      _type: 'resource_pool',
      allocation_strategy: 'weighted',
      circuit: { failures: 2, open_ms: 10_000 },
      resources: [
        { id: 'primary', weight: 1e9, integration: 'integration:primary' },
        { id: 'fallback', weight: 1e-9, integration: 'integration:fallback' },
      ],
    },
    integration('primary', primary.url, own),
    integration('fallback', fallback.url, own),
    pipeline('ask', [{ name: 'ask', integration: 'pool:p', stream: true }]),
  ]);
  const served: string[] = [];
  for (let request = 0; request < 20; request++) {
    if (request === 10) primary.play([stream('primary')]);
    const { output } = await db.run('pipeline:ask', 'Explain');
    expect(output).toMatchObject({ text: WHOLE });
    served.push((output as { model: string }).model);
    if (request === 9) expect(primary.requests.length).toBeLessThanOrEqual(8);
    now += 4_000;
  }
  expect(served.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'fb-ok'));
  expect(served.slice(-5)).toEqual(Array.from({ length: 5 }, () => 'primary'));
});

it('S16 the answer is accounted for as the fallback’s, the failed attempts as nothing', async () => {
  await db.put({ _id: 'budget:b', _type: 'budget', limits: { tokens: 10_000 } });
  const { output, usage: used } = await ask([status(503)], { budget: 'budget:b' });
  expect(output).toMatchObject({ model: 'fb-ok', usage: { input_tokens: 20, output_tokens: 60 } });
  expect(used).toMatchObject({ input_tokens: 20, output_tokens: 60, calls: 4 });
  expect(await db.get('budget:b')).toMatchObject({ spent: { tokens: 80 } });
  const failed = await db.audit.query({
    run: 'run:r',
    'error.code': 'MODEL_UNAVAILABLE',
    kind: 'llm-call',
  });
  expect(failed.map(({ usage: told, cost_usd }) => [told, cost_usd])).toEqual(
    Array.from({ length: 3 }, () => [{}, undefined]),
  );
});
