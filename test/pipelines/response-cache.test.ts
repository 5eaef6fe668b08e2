/** Answers that are given again, over a provider on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer, type Seen, slow, status } from '../support/fault-server.js';
import {
  chat,
  integration,
  openStore,
  pipeline,
  runStage,
  storeFolder,
  transformer,
} from './support.js';

let server: FaultServer;
let db: Jdbx;
let now = 1_700_000_000_000;
beforeAll(async () => {
  server = await FaultServer.start([answer(chat('x'))]);
});
afterAll(() => server.close());
const price = { input_per_million: 100, output_per_million: 200 };
beforeEach(async () => {
  db = await openStore({ clock: { now: () => now } });
  await db.put(integration('one', server.url, { price }));
  server.play([answer(chat('first')), answer(chat('second'))]);
  return () => db.close();
});

const stage = { integration: 'integration:one', response_cache: true, params: { temperature: 0 } };
const ask = (more: object = {}, input = 'What?') => runStage(db, { ...stage, ...more }, input);

describe('a kept answer', () => {
  it('is given again for an equal request, and is on record with what it saved', async () => {
    await db.put(pipeline('ask', [{ name: 'ask', ...stage }]));
    expect((await db.run('pipeline:ask', 'What?')).usage).toMatchObject({ calls: 1 });
    const { id, output, usage } = await db.run('pipeline:ask', 'What?');
    expect(output).toMatchObject({ text: 'first' });
    expect(usage).toEqual({ calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 });
    expect(server.requests).toHaveLength(1);
    const call = await db.audit.query({ run: id, kind: 'llm-call' }).first();
    expect(call).toMatchObject({
      cached: true,
      integration: 'integration:one',
      usage: {},
      saves: {
        input_tokens: 10,
        output_tokens: 5,
        cost_usd: 0.002,
        latency_ms: expect.any(Number),
      },
    });
    expect(call?.cost_usd).toBeUndefined();
    expect((await db.replay(id)).same).toBe(true);
  });

  it('costs its budget nothing', async () => {
    await db.put({ _id: 'budget:b', _type: 'budget', limits: { calls: 1 } });
    await ask({ budget: 'budget:b' });
    expect(await ask({ budget: 'budget:b' })).toMatchObject({ text: 'first' });
    expect(await db.get('budget:b')).toMatchObject({ spent: { calls: 1 } });
  });

  it.each([
    ['what is asked', {}, 'Who?'],
    ['a setting', { params: { temperature: 0, seed: 7 } }, 'What?'],
    ['the model', { model: 'other' }, 'What?'],
    ['the schema', { response_schema: { type: 'string' } }, '"What?"'],
  ])('is not given when %s differs', async (_, more, input) => {
    server.play([answer(chat('"first"'))]);
    await ask();
    await ask(more, input);
    expect(server.requests).toHaveLength(2);
  });

  it('ends with the revision of the integration that gave it', async () => {
    await ask();
    await db.put(integration('one', server.url, { price, description: 'another' }));
    expect(await ask()).toMatchObject({ text: 'second' });
  });

  it('ends with what makes a custom provider’s answer of what came, and what that imports', async () => {
    const says = (text: string) =>
      transformer('words', `export const words = () => ${JSON.stringify(text)};`);
    await db.put([
      says('one'),
      transformer('to', 'function f({ request }) { return { body: { at: request.model } } }'),
      transformer(
        'from',
        "import { words } from 'transformer:words'; export default () => ({ text: words() });",
      ),
      integration('own', server.url, {
        provider: 'custom',
        request_transformer: 'transformer:to',
        response_transformer: 'transformer:from',
      }),
    ]);
    const own = { integration: 'integration:own' };
    for (const text of ['one', 'one']) expect(await ask(own)).toMatchObject({ text });
    expect(server.requests).toHaveLength(1);
    await db.put(says('two'));
    expect(await ask(own)).toMatchObject({ text: 'two' });
    expect(server.requests).toHaveLength(2);
  });

  it('is given until it is too old', async () => {
    const response_cache = { max_age_ms: 1_000 };
    await ask({ response_cache });
    now += 999;
    expect(await ask({ response_cache })).toMatchObject({ text: 'first' });
    now += 1;
    expect(await ask({ response_cache })).toMatchObject({ text: 'second' });
    expect(await ask({ response_cache })).toMatchObject({ text: 'second' });
  });

  it('is kept of free settings only where the stage or the integration says always', async () => {
    await ask({ params: {} });
    await ask({ params: { temperature: 0.5 } });
    expect(await db.query({ _type: 'cached_response' }).count()).toBe(0);
    await ask({ params: {}, response_cache: { always: true } });
    expect(await ask({ params: {}, response_cache: { always: true } })).toMatchObject({
      text: 'second',
    });
    expect(server.requests).toHaveLength(3);
    await db.put(integration('two', server.url, { response_cache: { always: true } }));
    const own = { integration: 'integration:two' };
    await runStage(db, own, 'x');
    await runStage(db, own, 'x');
    await runStage(db, { ...own, response_cache: false }, 'x');
    expect(server.requests).toHaveLength(5);
  });

  it.each([
    [
      'was cut',
      { model: 'm', choices: [{ message: { content: 'hal' }, finish_reason: 'length' }] },
    ],
    ['does not fit its schema', chat('no JSON')],
  ])('is none that %s', async (_, body) => {
    server.play([answer(body)]);
    const response_schema = { type: 'object' };
    for (const _ of [1, 2]) await ask({ response_schema, on_error: 'continue' });
    expect(server.requests).toHaveLength(2);
    expect(await db.query({ _type: 'cached_response' }).count()).toBe(0);
  });

  it('makes way for newer ones, the oldest first, when they take too much room', async () => {
    server.play([
      answer((seen: Seen) => chat(`${seen.body.messages[0].content}${'.'.repeat(900)}`)),
    ]);
    const response_cache = { max_bytes: 3_500 };
    for (const n of [1, 2, 3, 4, 5]) {
      now += 1_000;
      await ask({ response_cache }, `q${n}`);
    }
    const kept = await db.query({ _type: 'cached_response' }).sort({ at: 1 });
    const texts = kept.map(({ response }) =>
      String((response as { text: string }).text).slice(0, 2),
    );
    expect(texts).toEqual(['q3', 'q4', 'q5']);
    const bytes = kept.reduce((sum, each) => sum + (each.bytes as number), 0);
    expect(bytes).toBeLessThanOrEqual(3_500);
    await ask({ response_cache: { max_bytes: 10 } }, 'too big');
    expect(await db.query({ _type: 'cached_response' }).count()).toBeLessThanOrEqual(3);
  });

  it('comes in pieces to those who listen', async () => {
    const heard: string[] = [];
    db.events.on('model-event', ({ event }) => {
      if (event.kind === 'text') heard.push(event.text);
    });
    await ask({ stream: true });
    await ask({ stream: true });
    expect(heard).toEqual(['first', 'first']);
  });
});

describe('equal requests at one time', () => {
  it('are asked once, and all but one are on record as kept', async () => {
    server.play([slow(50, answer(chat('shared')))]);
    await db.put(pipeline('ask', [{ name: 'ask', ...stage }]));
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => db.run('pipeline:ask', 'Same?')),
    );
    expect(new Set(runs.map(({ output }) => (output as { text: string }).text))).toEqual(
      new Set(['shared']),
    );
    expect(server.requests).toHaveLength(1);
    expect(await db.audit.query({ kind: 'llm-call', cached: true }).count()).toBe(7);
  });

  it('ask for themselves when the first one fails', async () => {
    server.play([slow(50, status(400)), answer(chat('fine'))]);
    await db.put(pipeline('ask', [{ name: 'ask', ...stage }]));
    const runs = await Promise.allSettled([1, 2].map(() => db.run('pipeline:ask', 'Same?')));
    expect(runs.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

it('answers survive the process', async () => {
  const folder = storeFolder();
  const { open } = await import('#jdbx/index.js');
  for (const _ of [1, 2]) {
    const own = await open(folder.path, { env: {}, workers: 1 });
    await own.put(pipeline('ask', [{ name: 'ask', ...stage }]));
    if (!(await own.get('integration:one'))) await own.put(integration('one', server.url));
    expect((await own.run('pipeline:ask', 'x')).output).toMatchObject({ text: 'first' });
    await own.close();
  }
  folder.remove();
  expect(server.requests).toHaveLength(1);
});
