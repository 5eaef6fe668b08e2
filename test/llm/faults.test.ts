/**
 * What a caller sees of each fault of a provider, over real connections. For
 * every fault the call ends in one coded error, and the audit's attempts say
 * how often it was tried and why it failed.
 */
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelAttempt } from '#jdbx/llm/contract.js';
import {
  answer,
  type Behaviour,
  compressed,
  cut,
  drop,
  empty,
  FaultServer,
  garbage,
  hang,
  html,
  huge,
  redirect,
  slow,
  stall,
  status,
} from '../support/fault-server.js';
import { failure, input, integration, setup } from './calling.js';
import { chatAnswer, refusedAnswer } from './provider-answers.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([answer(chatAnswer)]);
});
afterAll(() => server.close());

function call(fields: object = {}, more: object = {}) {
  const { caller, waits } = setup();
  const document = integration({ endpoint: `${server.url}/v1`, ...fields });
  return { result: caller.call(input(document, more)), waits };
}

describe('retries', () => {
  test('a 429 and then an answer is an answer, with both attempts accounted for', async () => {
    server.play([status(429, { 'retry-after': '2' }), answer(chatAnswer)]);
    const price = { input_per_million: 2, output_per_million: 8 };
    const { result, waits } = call({ price });
    const { response, attempts, cost_usd } = await result;
    expect(response.text).toBe('The answer is 42.');
    expect(waits).toEqual([2000]);
    expect(cost_usd).toBeCloseTo(0.000118, 12);
    expect(attempts).toHaveLength(2);
    expect(attempts[0]).toMatchObject({
      attempt: 1,
      integration: 'integration:test',
      integration_rev: 3,
      provider: 'openai',
      model: 'test-model',
      usage: {},
      error: { code: 'MODEL_RATE_LIMITED' },
    });
    expect(attempts[1]).toMatchObject({
      attempt: 2,
      model: 'gpt-4.1-2025-04-14',
      usage: { input_tokens: 19, output_tokens: 10 },
      response: { text: 'The answer is 42.' },
      request: { messages: [{ role: 'user', content: 'What is it?' }] },
    });
    expect(attempts[1]?.cost_usd).toBe(cost_usd);
    expect(attempts[0]?.request_hash).toBe(attempts[1]?.request_hash);
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys)).toEqual(new Set(['run:1/stage']));
  });

  test('without Retry-After the waits double, with jitter', async () => {
    server.play([status(429), status(503), status(500), answer(chatAnswer)]);
    const { result, waits } = call({ retry_strategy: { max_retries: 3, delay_ms: 100 } });
    expect((await result).attempts).toHaveLength(4);
    expect(waits).toEqual([50, 100, 200]);
  });

  test('Retry-After is honoured as milliseconds and as a date', async () => {
    const date = new Date(Date.now() + 2_500).toUTCString();
    server.play([
      status(429, { 'retry-after-ms': '150' }),
      status(503, { 'retry-after': date }),
      status(429, { 'retry-after': 'soon' }),
      answer(chatAnswer),
    ]);
    const { result, waits } = call({
      retry_strategy: { max_retries: 3, backoff: 'constant', delay_ms: 70, max_delay_ms: 3_000 },
    });
    await result;
    expect([waits[0], waits[2]]).toEqual([150, 70]);
    expect(waits[1]).toBeGreaterThan(70);
    expect(waits[1]).toBeLessThanOrEqual(2_500);
  });

  test('a provider that asks for longer than max_delay_ms is not asked again before', async () => {
    server.play([status(429, { 'retry-after': '61' }), answer(chatAnswer)]);
    const { result, waits } = call({ retry_strategy: { max_retries: 3 } });
    const error = await failure(result);
    expect(error).toMatchObject({ code: 'MODEL_RATE_LIMITED', details: { retryAfterMs: 61_000 } });
    expect(waits).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test('a 500 for ever ends after max_retries with every attempt in the details', async () => {
    server.play([status(500, { 'x-request-id': 'req-9' })]);
    const seen: ModelAttempt[] = [];
    const onAttempt = (attempt: ModelAttempt) => seen.push(attempt);
    const error = await failure(call({}, { onAttempt }).result);
    expect(error).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      details: { status: 500, requestId: 'req-9' },
    });
    expect(error.message).toContain('integration:test');
    expect(error.message).toContain('500: status 500 by script');
    expect(error.details.attempts.map((one: ModelAttempt) => one.attempt)).toEqual([1, 2, 3]);
    expect(seen).toEqual(error.details.attempts);
    expect(server.requests).toHaveLength(3);
  });

  test('a client error is not tried again, and carries the words of the provider', async () => {
    server.play([status(400, {}, refusedAnswer)]);
    const error = await failure(call().result);
    expect(error).toMatchObject({
      code: 'MODEL_REFUSED',
      details: { status: 400, type: 'unsupported_value' },
    });
    expect(error.message).toContain("'temperature' does not support 7");
    expect(server.requests).toHaveLength(1);
  });

  test('retry_on alone says which statuses are tried again', async () => {
    const retry_strategy = { retry_on: [409] };
    server.play([status(409), status(503)]);
    const error = await failure(call({ retry_strategy }).result);
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { status: 503 } });
    expect(server.requests).toHaveLength(2);
  });

  test('an error inside a 200 counts by the status that it names', async () => {
    server.play([answer({ error: { code: 502, message: 'upstream died' } }), answer(chatAnswer)]);
    const { attempts } = await call().result;
    expect(attempts[0]?.error?.code).toBe('MODEL_UNAVAILABLE');
    server.play([answer({ error: { message: 'what?' } })]);
    expect(await failure(call().result)).toMatchObject({ code: 'MODEL_RESPONSE' });
  });
});

describe('answers that are none', () => {
  test.each<[string, Behaviour, string, string]>([
    ['garbage', garbage(), 'MODEL_RESPONSE', 'a JSON object, got }{ "choices"'],
    ['half of an object', garbage('{"choices": ['), 'MODEL_RESPONSE', 'a JSON object'],
    ['JSON nested too deep', garbage('['.repeat(5e5)), 'MODEL_RESPONSE', 'a JSON object'],
    ['null', garbage('null'), 'MODEL_RESPONSE', 'a JSON object'],
    ['a web page', html(), 'MODEL_RESPONSE', 'text/html'],
    ['an empty body', empty(), 'MODEL_RESPONSE', 'an empty body'],
    [
      'a body without end',
      huge(Number.POSITIVE_INFINITY),
      'MODEL_RESPONSE',
      'at most 33554432 bytes',
    ],
    ['a 404 web page', html(404), 'MODEL_REFUSED', '404: <!doctype html>'],
    [
      'a redirect',
      redirect('https://example.com/x?t=1'),
      'MODEL_RESPONSE',
      'https://example.com/x',
    ],
  ])('%s is not tried again', async (_, behaviour, code, text) => {
    server.play([behaviour]);
    const error = await failure(call().result);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(text);
    expect(error.message.length).toBeLessThan(500);
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, Behaviour]>([
    ['a dropped connection', drop()],
    ['a body cut in half', cut(chatAnswer)],
  ])('%s is tried again', async (_, behaviour) => {
    server.play([behaviour, answer(chatAnswer)]);
    const { attempts } = await call().result;
    expect(attempts.map(({ error }) => error?.code)).toEqual(['MODEL_UNAVAILABLE', undefined]);
  });

  test('a redirect is not followed, so no other host is asked', async () => {
    await using elsewhere = await FaultServer.start([answer(chatAnswer)]);
    server.play([redirect(`${elsewhere.url}/v1/chat/completions`, 308)]);
    await failure(call({ credentials_ref: 'cred:key' }).result);
    expect(elsewhere.requests).toEqual([]);
  });

  test('a port where nobody listens is MODEL_UNAVAILABLE and says why', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}/v1`;
    const error = await failure(call({ endpoint }).result);
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.details.attempts).toHaveLength(3);
  });
});

describe('a compressed answer', () => {
  test.each(['gzip', 'br'] as const)('by %s is read all the same', async (encoding) => {
    server.play([compressed(chatAnswer, encoding)]);
    expect((await call().result).response.text).toBe('The answer is 42.');
  });

  test('that breaks off is no answer', async () => {
    server.play([compressed(chatAnswer, 'gzip', 9), answer(chatAnswer)]);
    const { attempts } = await call().result;
    expect(attempts[0]?.error?.code).toBe('MODEL_UNAVAILABLE');
  });
});

describe('deadlines and aborting', () => {
  test.each<[string, Behaviour]>([
    ['never answers', hang()],
    ['stalls in the middle', stall()],
    ['answers too late', slow(5_000, answer(chatAnswer))],
  ])('a provider that %s is MODEL_TIMEOUT', async (_, behaviour) => {
    server.play([behaviour]);
    const seen: ModelAttempt[] = [];
    const onAttempt = (one: ModelAttempt) => void seen.push(one);
    const fields = { timeout_ms: 50, retry_strategy: { max_retries: 1 } };
    const error = await failure(call(fields, { onAttempt }).result);
    expect(error).toMatchObject({ code: 'MODEL_TIMEOUT' });
    expect(error.message).toContain('50 ms');
    expect(seen).toHaveLength(1);
    const again = { ...fields, retry_strategy: { max_retries: 1, retry_timeouts: true } };
    await failure(call(again, { onAttempt }).result);
    expect(seen).toHaveLength(3);
  });

  test('aborting ends a call under way with the reason itself', async () => {
    const controller = new AbortController();
    const reason = new Error('the run was cancelled');
    server.play([() => controller.abort(reason)]);
    const seen: ModelAttempt[] = [];
    const { result } = call(
      {},
      { signal: controller.signal, onAttempt: (one: ModelAttempt) => seen.push(one) },
    );
    expect(await failure(result)).toBe(reason);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.error).toEqual({ code: 'Error', message: 'the run was cancelled' });
  });

  test('aborting ends a wait between attempts', async () => {
    const { createModelCaller } = await import('#jdbx/llm/call-model.js');
    const { createProviders } = await import('#jdbx/llm/create-providers.js');
    const { Transport } = await import('#jdbx/llm/transport/transport.js');
    const caller = createModelCaller({
      providers: createProviders({
        transport: new Transport(),
        findRecording: async () => undefined,
      }),
      credentials: async () => undefined,
      secrets: { env: {} },
      clock: { now: () => Date.now() },
      random: () => 0.5,
    });
    server.play([status(429, { 'retry-after': '30' })]);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onAttempt = () => setTimeout(() => controller.abort(reason), 20);
    const document = integration({ endpoint: server.url });
    const call = caller.call(input(document, { signal: controller.signal, onAttempt }));
    expect(await failure(call)).toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test('a signal that is aborted already sends nothing', async () => {
    server.play([answer(chatAnswer)]);
    const reason = new Error('too late');
    expect(await failure(call({}, { signal: AbortSignal.abort(reason) }).result)).toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test('the real wait between attempts is over in time', async () => {
    const { realSleep } = await import('#jdbx/llm/sleep.js');
    await realSleep(5, new AbortController().signal);
    expect(await failure(realSleep(5, AbortSignal.abort('stop')))).toBe('stop');
  });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
