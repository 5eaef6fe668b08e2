import { describe, expect, test } from 'vitest';
import { createRecorded } from '#jdbx/llm/providers/recorded.js';
import { requestHash } from '#jdbx/llm/request-hash.js';
import { failure, input, integration, never, request, setup } from './calling.js';

const document = integration({ provider: 'recorded', model: undefined });
const asked = request({ model: 'recorded' });

const byHash = {
  _id: 'recorded_call:1',
  _type: 'recorded_call' as const,
  integration: 'integration:test',
  request_hash: requestHash(asked),
  response: { text: 'By hash.', model: '6B', usage: { input_tokens: 3, output_tokens: 2 } },
};
const byKey = {
  _id: 'recorded_call:2',
  _type: 'recorded_call' as const,
  integration: 'integration:test',
  key: 'question:7',
  response: { text: 'By key.', finish: 'length' as const },
  latency_ms: 40,
};

describe('the recorded provider', () => {
  const { caller } = setup([byHash, byKey]);

  test('answers a request without a key by its hash', async () => {
    const { response, attempts } = await caller.call(input(document));
    expect(response).toEqual({
      text: 'By hash.',
      model: '6B',
      finish: 'stop',
      usage: { input_tokens: 3, output_tokens: 2 },
      extra: { recording: 'recorded_call:1' },
    });
    expect(attempts[0]).toMatchObject({ model: '6B', request: { model: 'recorded' } });
  });

  test('answers a request with a key by the key alone, and invents no usage', async () => {
    const messages = [{ role: 'user', content: 'Something else entirely.' }] as const;
    const call = input(document, { request: request({ key: 'question:7', messages }) });
    const { response, attempts } = await caller.call(call);
    expect(response).toMatchObject({ text: 'By key.', finish: 'length', usage: {} });
    expect(attempts[0]?.cost_usd).toBeUndefined();
  });

  test.each([
    ['key', request({ key: 'question:8' }), 'key "question:8"'],
    ['hash', request({ settings: { temperature: 1 } }), 'request_hash "'],
  ])('a miss by %s is an error that is not tried again', async (_, missed, text) => {
    const error = await failure(caller.call(input(document, { request: missed })));
    expect(error).toMatchObject({
      code: 'RECORDING_MISSING',
      details: { integration: 'integration:test' },
    });
    expect(error.message).toContain(text);
    expect(error.details.attempts).toHaveLength(1);
  });

  test('answers all that the audit trail keeps of an answer', async () => {
    const said = {
      text: '',
      finish: 'tool' as const,
      reasoning: 'Hm.',
      tool_calls: [{ id: 'c', name: 'add', arguments: { a: 1 } }],
      usage: { input_tokens: 9, output_tokens: 2, cached_tokens: 4, reasoning_tokens: 1 },
    };
    const { model: _, ...recorded } = byHash.response;
    const { caller: other } = setup([{ ...byHash, response: { ...recorded, ...said } }]);
    const { response } = await other.call(input(document));
    expect(response).toEqual({ ...said, model: 'recorded', extra: { recording: byHash._id } });
    const { text: __, finish: ___, ...bare } = said;
    const { caller: third } = setup([{ ...byHash, response: bare }]);
    const { response: called } = await third.call(input(document));
    expect(called).toMatchObject({ text: '', finish: 'tool', tool_calls: said.tool_calls });
  });

  test('needs no credential', async () => {
    const named = { ...document, credentials_ref: 'cred:absent' };
    expect((await caller.call(input(named))).response.text).toBe('By hash.');
  });

  test('a recording without text is no answer', async () => {
    const broken = setup([{ ...byHash, response: {} as { text: string } }]);
    expect(await failure(broken.caller.call(input(document)))).toMatchObject({
      code: 'MODEL_RESPONSE',
    });
  });

  test('waits as long as the recorded call took when it is told to', async () => {
    const waits: number[] = [];
    const provider = createRecorded({
      findRecording: async () => byKey,
      sleep: async (ms) => void waits.push(ms),
    });
    const call = (fields: object) =>
      provider.generate({
        request: asked,
        integration: { ...document, ...fields } as never,
        idempotencyKey: 'k',
        signal: never,
      });
    await call({});
    expect(waits).toEqual([]);
    await call({ replay_latency: true });
    expect(waits).toEqual([40]);
  });
});

describe('the hash of a request', () => {
  test('does not depend on the order of settings, nor on the key', () => {
    const one = request({ settings: { temperature: 0, top_p: 1 }, key: 'a' });
    const two = request({ settings: { top_p: 1, temperature: 0 } });
    expect(requestHash(one)).toBe(requestHash(two));
    expect(requestHash(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['model', { model: 'x' }],
    ['messages', { messages: [{ role: 'user', content: 'Other.' }] as const }],
    ['roles', { messages: [{ role: 'system', content: 'What is it?' }] as const }],
    ['settings', { settings: { seed: 1 } }],
    ['context', { context: ['p'] }],
  ])('changes with its %s', (_, fields) => {
    expect(requestHash(request(fields))).not.toBe(requestHash(request()));
  });

  test('is part of the stored format', () => {
    // SHA-256 of {"messages":[{"content":"What is it?","role":"user"}],"model":"recorded","settings":{}}
    expect(requestHash(asked)).toBe(
      'eb81ba604f6d53d538ee41b99ef2bc815d8403780dbbff607714d373b26b0c57',
    );
  });
});
