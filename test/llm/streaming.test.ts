/**
 * Answers that come in pieces, over real connections: what the listener is told,
 * that the whole equals what a whole answer would have been, and what each fault
 * in the middle becomes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelEvent } from '#jdbx/llm/contract.js';
import {
  answer,
  type Behaviour,
  eventStream,
  FaultServer,
  garbage,
  hang,
  html,
  status,
} from '../support/fault-server.js';
import { CANARY, failure, input, integration, request, setup } from './calling.js';
import { chatAnswer, messagesAnswer } from './provider-answers.js';
import { chatChunks, chunk, messageEvents } from './stream-answers.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([answer(chatAnswer)]);
});
afterAll(() => server.close());

function stream(fields: object = {}, more: object = {}) {
  const { caller } = setup();
  const told: ModelEvent[] = [];
  const attempts: number[] = [];
  const document = integration({ endpoint: `${server.url}/v1`, ...fields });
  const onEvent = (event: ModelEvent, attempt: number) => {
    told.push(event);
    attempts.push(attempt);
  };
  return { result: caller.call(input(document, { onEvent, ...more })), told, attempts };
}

const textOf = (told: readonly ModelEvent[]) =>
  told.map((event) => (event.kind === 'text' ? event.text : '')).join('');

describe('a streamed chat completion', () => {
  test('is asked for with its usage, and told piece by piece', async () => {
    server.play([eventStream([...chatChunks, 'data: [DONE]\n\n'])]);
    const { result, told } = stream();
    const { response } = await result;
    expect(server.requests[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(server.requests[0]?.headers.accept).toBe('text/event-stream');
    expect(told.filter(({ kind }) => kind === 'text')).toEqual([
      { kind: 'text', text: 'The answer' },
      { kind: 'text', text: ' is 42 ✓.' },
    ]);
    expect(response).toMatchObject({
      text: 'The answer is 42 ✓.',
      model: 'gpt-4.1-2025-04-14',
      finish: 'stop',
      usage: { input_tokens: 19, output_tokens: 10, cached_tokens: 4 },
    });
  });

  test.each([1, 2, 3, 7, 64])('means the same in pieces of %i bytes', async (pieceBytes) => {
    const noise = ': OPENROUTER PROCESSING\r\n\r\n';
    server.play([eventStream([noise, ...chatChunks, noise, 'data: [DONE]\n\n'], { pieceBytes })]);
    expect((await stream().result).response).toMatchObject({
      text: 'The answer is 42 ✓.',
      finish: 'stop',
      usage: { input_tokens: 19, output_tokens: 10 },
    });
  });

  test('puts parallel tool calls together from single characters', async () => {
    const part = (index: number, fields: object) => chunk({ tool_calls: [{ index, ...fields }] });
    const letters = (index: number, json: string) =>
      [...json].map((letter) => part(index, { function: { arguments: letter } }));
    const first = letters(0, '{"city":"Köln"}');
    const second = letters(1, '{"city":"Rom"}');
    const mixed = first.flatMap((one, n) => (second[n] ? [one, second[n]] : [one]));
    server.play([
      eventStream([
        part(0, { id: 'a', type: 'function', function: { name: 'weather', arguments: '' } }),
        part(1, { id: 'b', type: 'function', function: { name: 'weather', arguments: '' } }),
        ...mixed,
        chunk({}, 'tool_calls'),
      ]),
    ]);
    expect((await stream().result).response).toMatchObject({
      text: '',
      finish: 'tool',
      tool_calls: [
        { id: 'a', name: 'weather', arguments: { city: 'Köln' } },
        { id: 'b', name: 'weather', arguments: { city: 'Rom' } },
      ],
    });
  });

  test('a tool without parameters may be called with nothing', async () => {
    const call = { index: 0, id: 'a', function: { name: 'now', arguments: '' } };
    server.play([eventStream([chunk({ tool_calls: [call] }), chunk({}, 'tool_calls')])]);
    expect((await stream().result).response.tool_calls).toEqual([
      { id: 'a', name: 'now', arguments: {} },
    ]);
  });

  test('the last usage counts where a server sends one with every chunk', async () => {
    const counted = (completion_tokens: number) => ({
      ...chunk({ content: 'x' }),
      usage: { prompt_tokens: 3, completion_tokens },
    });
    server.play([eventStream([counted(1), counted(2), chunk({}, 'stop')])]);
    expect((await stream().result).response.usage).toEqual({ input_tokens: 3, output_tokens: 2 });
  });

  test('thinking is told apart from the answer', async () => {
    const thought = chunk({ reasoning_content: 'Hm.' });
    server.play([eventStream([thought, chunk({ content: 'Yes.' }), chunk({}, 'stop')])]);
    const { response } = await stream().result;
    expect(response).toMatchObject({ text: 'Yes.', reasoning: 'Hm.' });
  });

  test('a server that does not stream is understood all the same', async () => {
    server.play([answer(chatAnswer)]);
    const { result, told } = stream();
    expect((await result).response.text).toBe('The answer is 42.');
    expect(textOf(told)).toBe('The answer is 42.');
  });
});

describe('a streamed message', () => {
  test('is told piece by piece, with usage from its first and last event', async () => {
    server.play([eventStream(messageEvents)]);
    const { result, told } = stream({ provider: 'anthropic' });
    expect((await result).response).toMatchObject({
      text: 'The answer is 42.',
      reasoning: 'A well-known number.',
      model: messagesAnswer.model,
      finish: 'tool',
      usage: { input_tokens: 2095, output_tokens: 503 },
      tool_calls: [{ id: 'toolu_1', name: 'weather', arguments: { city: 'Köln' } }],
    });
    expect(textOf(told)).toBe('The answer is 42.');
    expect(told.at(-1)).toMatchObject({ kind: 'finish', finish: 'tool' });
  });

  test('an error in the middle counts by its type', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const cut = [...messageEvents.slice(0, 4), `event: error\ndata: ${JSON.stringify(error)}\n\n`];
    server.play([eventStream(cut), eventStream(messageEvents)]);
    const { result, attempts } = stream({ provider: 'anthropic' });
    const { response, attempts: made } = await result;
    expect(response.text).toBe('The answer is 42.');
    expect(made[0]?.error?.code).toBe('MODEL_UNAVAILABLE');
    expect(new Set(attempts)).toEqual(new Set([1, 2]));
  });
});

describe('a stream that fails', () => {
  const begun = chatChunks.slice(0, 2);
  const once = { retry_strategy: { max_retries: 0 } };

  test.each([
    ['is cut', eventStream(begun, { cut: true }), 'MODEL_UNAVAILABLE', 'broke off'],
    ['ends before its finish', eventStream(begun), 'MODEL_UNAVAILABLE', 'broke off'],
    ['ends before it begins', eventStream([]), 'MODEL_UNAVAILABLE', 'broke off'],
    ['turns into garbage', eventStream([...begun, 'data: }{\n\n']), 'MODEL_RESPONSE', '}{'],
    ['tells an error', eventStream([...begun, { error: 'no' }]), 'MODEL_RESPONSE', 'an error: no'],
    ['is a web page', html(), 'MODEL_RESPONSE', 'text/html'],
    ['is no JSON', garbage(), 'MODEL_RESPONSE', 'JSON object'],
    ['is refused', status(400), 'MODEL_REFUSED', '400'],
  ])('because it %s is no answer', async (_, behaviour, code, text) => {
    server.play([behaviour]);
    const error = await failure(stream(once).result);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(text);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['does not begin', hang(), { first_byte_timeout_ms: 60 }, 'did not begin to answer within 60'],
    ['stalls', eventStream(begun, { stall: true }), { idle_timeout_ms: 60 }, 'for 60 ms in the m'],
    [
      'takes too long',
      eventStream(Array(200).fill(chunk({ content: 'x' })), { everyMs: 10 }),
      { timeout_ms: 150 },
      'within 150 ms',
    ],
  ])('because it %s is MODEL_TIMEOUT', async (_, behaviour, limits, text) => {
    server.play([behaviour]);
    const error = await failure(stream({ ...once, ...limits }).result);
    expect(error).toMatchObject({ code: 'MODEL_TIMEOUT' });
    expect(error.message).toContain(text);
  });

  test('a slow stream that goes on is not idle', async () => {
    const slowly = [...Array(8).fill(chunk({ content: 'x' })), chunk({}, 'stop')];
    server.play([eventStream(slowly, { everyMs: 40 })]);
    const { response } = await stream({ idle_timeout_ms: 300, first_byte_timeout_ms: 300 }).result;
    expect(response.text).toBe('xxxxxxxx');
  });

  test('nor is a whole answer that comes bit by bit', async () => {
    server.play([
      async (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        // As some servers do, so that nobody gives up while the model thinks.
        for (let n = 0; n < 12; n++) {
          response.write(' ');
          await sleep(40);
        }
        response.end(JSON.stringify(chatAnswer));
      },
    ]);
    const { response } = await stream({ idle_timeout_ms: 300 }).result;
    expect(response.text).toBe('The answer is 42.');
  });

  describe('is not late where it was this process that stood still', () => {
    const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const frame = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
    const rest = frame(chunk({ content: 'b' })) + frame(chunk({}, 'stop'));

    test('before the first byte', async () => {
      server.play([
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).end(rest);
          standStill();
        },
      ]);
      const { response } = await stream({ first_byte_timeout_ms: 250 }).result;
      expect(response.text).toBe('b');
    });

    test('in the middle', async () => {
      let finish = () => {};
      server.play([
        (response) => {
          finish = () => void response.end(rest);
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(frame(chunk({ content: 'a' })));
        },
      ]);
      const onEvent = (event: ModelEvent) => {
        if (event.kind !== 'text' || event.text !== 'a') return;
        finish();
        standStill();
      };
      const { response } = await stream({ idle_timeout_ms: 250 }, { onEvent }).result;
      expect(response.text).toBe('ab');
    });
  });

  test('aborting closes the socket, and throws the reason', async () => {
    let closed = false;
    server.play([
      (response, seen) => {
        response.on('close', () => {
          closed = true;
        });
        return eventStream(begun, { stall: true })(response, seen);
      },
    ]);
    const controller = new AbortController();
    const { result, told } = stream({}, { signal: controller.signal });
    while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('enough'));
    expect((await failure(result)).message).toBe('enough');
    while (!closed) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('pieces that come all at once', () => {
  const many = Array.from({ length: 500 }, (_, n) => chunk({ content: `${n} ` }));
  const frames = [...many, chunk({}, 'stop')].map((one) => `data: ${JSON.stringify(one)}\n\n`);
  const whole = many.map((_, n) => `${n} `).join('');
  const type = { 'content-type': 'text/event-stream' };
  /** Each in an HTTP chunk of its own, in as few packets as they fit. */
  const atOnce: Behaviour = (response) => {
    response.writeHead(200, type);
    response.socket?.cork();
    for (const frame of frames) response.write(frame);
    response.end();
    response.socket?.uncork();
  };
  const squeezed: Behaviour = (response) => {
    response.writeHead(200, { ...type, 'content-encoding': 'gzip, br' });
    const bytes = brotliCompressSync(gzipSync(frames.join('')));
    for (let at = 0; at < bytes.length; at += 100) response.write(bytes.subarray(at, at + 100));
    response.end();
  };
  const counting = {
    provider: 'custom',
    request_transformer: { code: 'function ask() { return { body: {} }; }' },
    response_transformer: { code: 'function read() { return null; }' },
    stream_transformer: {
      code: `function take({ data, end, state }) {
        if (end) return { events: [{ kind: 'finish', finish: 'stop' }] };
        const text = data.choices[0].delta.content;
        if (text && Number(text) !== (state ?? 0)) throw new Error('out of order: ' + text);
        return { events: text ? [{ kind: 'text', text }] : [], state: (state ?? 0) + 1 };
      }`,
    },
  };

  test.each([
    ['plain', {}, atOnce],
    ['compressed twice', {}, squeezed],
    ['to a slow reader', counting, atOnce],
    ['compressed, to a slow reader', counting, squeezed],
  ])('are all told, in their order: %s', async (_, fields, behaviour) => {
    server.play([behaviour]);
    const { result, told } = stream(fields);
    const { response } = await result;
    expect(response.text).toBe(whole);
    expect(textOf(told)).toBe(whole);
  });
});

test('what a listener throws is thrown as it is, and closes the socket', async () => {
  const closed = new Promise<void>((resolve) => {
    server.play([
      (response, seen) => {
        response.on('close', resolve);
        return eventStream([chunk({ content: 'x' })], { stall: true })(response, seen);
      },
    ]);
  });
  const listener = new RangeError('not that');
  const onEvent = () => {
    throw listener;
  };
  expect(await failure(stream({}, { onEvent }).result)).toMatchObject({
    name: 'RangeError',
    message: 'not that',
  });
  await closed;
});

describe('a secret that a stream echoes', () => {
  test.each([1, 3, 10])('is taken out also where it is cut, pieces of %i', async (size) => {
    const letters = [...`Your key ${CANARY}, is it? ${CANARY.slice(0, 6)}`];
    const texts = Array.from({ length: Math.ceil(letters.length / size) }, (_, n) =>
      letters.slice(n * size, (n + 1) * size).join(''),
    );
    const call = (text: string) => ({
      tool_calls: [{ index: 0, id: CANARY, function: { name: 'f', arguments: text } }],
    });
    server.play([
      eventStream([
        ...texts.map((content) => chunk({ content })),
        ...texts.map((text) => chunk(call(text))),
        chunk({}, 'stop'),
      ]),
    ]);
    const { result, told } = stream({ credentials_ref: 'cred:key' });
    const { response } = await result;
    const shown = told.map((event) => ('text' in event ? event.text : '')).join('');
    expect(shown).toBe(response.text);
    expect(shown).toBe(`Your key [redacted], is it? ${CANARY.slice(0, 6)}`);
    const pieces = told.map((event) => ('arguments' in event ? event.arguments : '')).join('');
    expect(pieces + JSON.stringify([response, told])).not.toContain(CANARY);
  });
});

test('a recorded answer is told in one piece', async () => {
  const recording = {
    _id: 'recorded_call:1',
    _type: 'recorded_call',
    integration: 'integration:test',
    key: 'k',
    response: { text: 'recorded', usage: { input_tokens: 1, output_tokens: 2 } },
  } as const;
  const told: ModelEvent[] = [];
  const { caller } = setup([recording]);
  const asked = request({ key: 'k' });
  const onEvent = (event: ModelEvent) => void told.push(event);
  await caller.call(input(integration({ provider: 'recorded' }), { request: asked, onEvent }));
  expect(told.map(({ kind }) => kind)).toEqual(['start', 'text', 'usage', 'finish']);
});
