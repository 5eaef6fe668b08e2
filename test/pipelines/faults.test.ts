/**
 * Every fault of a provider, asked for whole and in pieces: what the stage's caller sees,
 * what the audit trail says, and what the budget was charged. A call that may have been
 * billed, but told no usage, is charged as what was set aside for it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import {
  answer,
  type Behaviour,
  cut,
  empty,
  eventStream,
  FaultServer,
  garbage,
  hang,
  html,
  huge,
  inPieces,
  redirect,
  slow,
  stall,
  status,
} from '../support/fault-server.js';
import { integration, openStore, pipeline, withEnoughTime } from './support.js';

let server: FaultServer;
let elsewhere: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  server = await FaultServer.start([hang()]);
  elsewhere = await FaultServer.start([hang()]);
});
afterAll(() => Promise.all([server.close(), elsewhere.close()]));
beforeEach(async () => {
  db = await openStore();
  return () => db.close();
});

const TEXT = 'Grüße 👋 an alle';
const usage = { prompt_tokens: 10, completion_tokens: 5 };
const whole = (more: object = {}, message: object = { content: TEXT }) => ({
  model: 'm',
  choices: [{ message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
  usage,
  ...more,
});
const delta = (fields: object, finish_reason: string | null = null) => ({
  model: 'm',
  choices: [{ index: 0, delta: fields, finish_reason }],
});
const texts = [...TEXT].map((content) => delta({ content }));
const last = [delta({}, 'stop'), { model: 'm', choices: [], usage }];
const streamed = [...texts, ...last, 'data: [DONE]\n\n'];

const callOf = (id: string, args: string) => ({
  id,
  type: 'function',
  function: { name: 'look', arguments: args },
});
const twins = [callOf('same', '{"a":1}'), callOf('same', '{"a":2}')];
const ARGUMENTS = '{"where":"Zürich 👋","deep":[1,{"x":"\\"y\\""}]}';
const inCharacters = [
  delta({ tool_calls: [{ index: 0, ...callOf('c1', '') }] }),
  ...[...ARGUMENTS].map((one) =>
    delta({ tool_calls: [{ index: 0, function: { arguments: one } }] }),
  ),
  delta({}, 'tool_calls'),
  last[1],
];

/** What is seen: an error's code, or what the answer holds. What is charged: nothing, as told, or as set aside. */
type Row = readonly [
  name: string,
  whole: readonly Behaviour[],
  streamed: readonly Behaviour[] | undefined,
  sees: string | object,
  charged: 'nothing' | 'told' | 'reserved',
  attempts: readonly (string | undefined)[],
];

const refused = (code: number, seen: string): Row => [
  `${code}`,
  [status(code)],
  undefined,
  seen,
  'nothing',
  [seen, seen],
];

const ROWS: readonly Row[] = [
  [
    '429 with Retry-After, then an answer',
    [status(429, { 'retry-after': '0' }), answer(whole())],
    [status(429, { 'retry-after': '0' }), eventStream(streamed)],
    { text: TEXT },
    'told',
    ['MODEL_RATE_LIMITED', undefined],
  ],
  refused(429, 'MODEL_RATE_LIMITED'),
  refused(500, 'MODEL_UNAVAILABLE'),
  refused(502, 'MODEL_UNAVAILABLE'),
  refused(503, 'MODEL_UNAVAILABLE'),
  refused(529, 'MODEL_UNAVAILABLE'),
  [
    'a slow first byte',
    [slow(60_000, answer(whole()))],
    undefined,
    'MODEL_TIMEOUT',
    'reserved',
    ['MODEL_TIMEOUT'],
  ],
  [
    'an answer that stalls',
    [stall()],
    [eventStream(texts.slice(0, 3), { stall: true })],
    'MODEL_TIMEOUT',
    'reserved',
    ['MODEL_TIMEOUT'],
  ],
  [
    'an answer that is cut',
    [cut(whole())],
    [eventStream(texts.slice(0, 3), { cut: true })],
    'MODEL_UNAVAILABLE',
    'reserved',
    ['MODEL_UNAVAILABLE', 'MODEL_UNAVAILABLE'],
  ],
  [
    'garbage',
    [garbage()],
    [eventStream([...texts.slice(0, 3), 'data: }{ no json\n\n', ...last])],
    'MODEL_RESPONSE',
    'reserved',
    ['MODEL_RESPONSE'],
  ],
  ['a web page', [html()], undefined, 'MODEL_RESPONSE', 'reserved', ['MODEL_RESPONSE']],
  ['an empty body', [empty()], [empty()], 'MODEL_RESPONSE', 'reserved', ['MODEL_RESPONSE']],
  [
    'half characters at the ends of pieces',
    [inPieces(whole(), 1)],
    [eventStream(streamed, { pieceBytes: 1 })],
    { text: TEXT },
    'told',
    [undefined],
  ],
  [
    'arguments of a tool in single characters',
    [answer(whole({}, { content: null, tool_calls: [callOf('c1', ARGUMENTS)] }))],
    [eventStream(inCharacters)],
    { tool_calls: [{ id: 'c1', name: 'look', arguments: JSON.parse(ARGUMENTS) }] },
    'told',
    [undefined],
  ],
  [
    'usage that is missing',
    [answer(whole({ usage: undefined }))],
    [eventStream(streamed.slice(0, -2))],
    { text: TEXT, usage: {} },
    'reserved',
    [undefined],
  ],
  [
    'usage that comes twice, the last one right',
    [answer(whole())],
    [
      eventStream([
        { ...texts[0], usage: { prompt_tokens: 10, completion_tokens: 1 } },
        ...texts.slice(1),
        ...last,
      ]),
    ],
    { text: TEXT, usage: { input_tokens: 10, output_tokens: 5 } },
    'told',
    [undefined],
  ],
  [
    'one id for two calls',
    [answer(whole({}, { content: null, tool_calls: twins }))],
    [
      eventStream([
        delta({ tool_calls: twins.map((one, index) => ({ index, ...one })) }),
        delta({}, 'tool_calls'),
        last[1],
      ]),
    ],
    { tool_calls: [{ arguments: { a: 1 } }, { arguments: { a: 2 } }] },
    'told',
    [undefined],
  ],
  [
    'an answer of 2 GB',
    [huge(2 * 2 ** 30)],
    [huge(2 * 2 ** 30, 'text/event-stream')],
    'MODEL_RESPONSE',
    'reserved',
    ['MODEL_RESPONSE'],
  ],
];

describe.each(['whole', 'streamed'] as const)('asked for %s', (way) => {
  it.each(ROWS)('%s', async (_, wholly, inStream, sees, charged, attempts) => {
    server.play(way === 'whole' ? wholly : (inStream ?? wholly));
    // Where the deadline is not what is tried, a busy machine has all the time it needs.
    const isLate = sees === 'MODEL_TIMEOUT';
    const retry_strategy = { max_retries: 1, delay_ms: 1 };
    const price = { input_per_million: 1, output_per_million: 1 };
    let key = '';
    const ask = async (ms: number) => {
      key = `within-${ms}`;
      const limits = isLate ? { first_byte_timeout_ms: ms, idle_timeout_ms: ms } : {};
      await db.put([
        integration('one', server.url, { ...limits, retry_strategy, price }),
        { _id: 'budget:b', _type: 'budget', limits: { tokens: 10_000, cost_usd: 1 } },
        pipeline('ask', [
          {
            name: 'ask',
            integration: 'integration:one',
            params: { max_tokens: 500 },
            budget: 'budget:b',
            ...(way === 'streamed' ? { stream: true } : {}),
          },
        ]),
      ]);
      return db.run('pipeline:ask', 'What is it?', { key }).then(
        ({ output }) => output,
        (error) => error.details.code,
      );
    };
    const seen = await withEnoughTime(ask, () => server.requests.length > 0);
    if (typeof sees === 'string') expect(seen).toBe(sees);
    else expect(seen).toMatchObject(sees);
    const calls = await db.audit.query({ run: `run:${key}`, kind: 'llm-call' });
    expect(calls.map(({ error }) => (error as { code: string } | undefined)?.code)).toEqual(
      attempts,
    );
    const { spent, reserved } = (await db.get('budget:b')) as never as {
      spent: { tokens: number; cost_usd: number };
      reserved: { tokens: number };
    };
    expect(reserved.tokens).toBe(0);
    if (charged === 'nothing') expect(spent.tokens).toBe(0);
    if (charged === 'told') expect(spent).toMatchObject({ tokens: 15, cost_usd: 15e-6 });
    if (charged === 'reserved') expect(spent.tokens).toBeGreaterThan(500 * attempts.length);
    expect(await db.audit.verify()).toMatchObject({ ok: true });
  });

  it('a redirect to another host is not followed', async () => {
    elsewhere.play([answer(whole())]);
    server.play([redirect(`${elsewhere.url}/v1/chat/completions`)]);
    await db.put([
      integration('one', server.url),
      pipeline('ask', [
        { name: 'ask', integration: 'integration:one', stream: way === 'streamed' },
      ]),
    ]);
    const code = await db.run('pipeline:ask', 'x').catch((error) => error.details.code);
    expect(code).toBe('MODEL_RESPONSE');
    expect(elsewhere.requests).toHaveLength(0);
  });
});
