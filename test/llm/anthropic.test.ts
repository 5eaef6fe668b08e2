import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, FaultServer, status } from '../support/fault-server.js';
import { CANARY, failure, input, integration, request, setup } from './calling.js';
import { messagesAnswer, overloadedAnswer } from './provider-answers.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([answer(messagesAnswer)]);
});
afterAll(() => server.close());

const { caller, waits } = setup();

function call(fields: object = {}, asked = request()) {
  const document = integration({ provider: 'anthropic', endpoint: server.url, ...fields });
  return caller.call(input(document, { request: asked }));
}

test('lifts system messages out and renames the settings', async () => {
  server.play([answer(messagesAnswer)]);
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is it?' },
    { role: 'system', content: 'Be kind.' },
  ] as const;
  const settings = { temperature: 0.2, stop: ['END'], seed: 7, top_k: 3 };
  const { response } = await call({ credentials_ref: 'cred:key' }, request({ messages, settings }));
  const [seen] = server.requests;
  expect(seen?.body).toEqual({
    model: 'test-model',
    max_tokens: 4096,
    system: 'Be brief.\n\nBe kind.',
    messages: [{ role: 'user', content: 'What is it?' }],
    temperature: 0.2,
    stop_sequences: ['END'],
    top_k: 3,
  });
  expect(seen?.headers).toMatchObject({ 'x-api-key': CANARY, 'anthropic-version': '2023-06-01' });
  expect(seen?.headers.authorization).toBeUndefined();
  expect(response.extra).toMatchObject({ ignored_settings: ['seed'] });
});

test('reads the text blocks, model, finish and usage', async () => {
  server.play([answer(messagesAnswer, { 'request-id': 'req-2' })]);
  expect((await call()).response).toEqual({
    text: 'The answer is 42.',
    model: 'claude-sonnet-4-5-20250929',
    finish: 'stop',
    usage: { input_tokens: 2095, output_tokens: 503 },
    reasoning: 'A well-known number.',
    reasoning_parts: [
      {
        scope: `anthropic@${new URL(server.url).host}`,
        after: { text: 0, calls: 0 },
        data: messagesAnswer.content[0],
      },
    ],
    extra: { id: messagesAnswer.id, request_id: 'req-2', usage: messagesAnswer.usage },
  });
});

test.each([
  ['', '/v1/messages'],
  ['/v1', '/v1/messages'],
  ['/proxy/v1/messages/', '/proxy/v1/messages'],
])('an endpoint with the path "%s" is asked at %s', async (path, asked) => {
  server.play([answer(messagesAnswer)]);
  await call({ endpoint: server.url + path });
  expect(server.requests[0]?.path).toBe(asked);
});

test.each([
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool'],
  ['refusal', 'filter'],
  ['pause_turn', 'other'],
  [null, 'other'],
])('the stop reason %s is the finish %s', async (stop_reason, finish) => {
  server.play([answer({ ...messagesAnswer, stop_reason })]);
  expect((await call()).response.finish).toBe(finish);
});

test('another version of the API may be asked for in headers', async () => {
  server.play([answer(messagesAnswer)]);
  await call({ headers: { 'Anthropic-Version': '2030-01-01' } });
  expect(server.requests[0]?.headers['anthropic-version']).toBe('2030-01-01');
});

test('an overloaded provider is asked again', async () => {
  server.play([status(529, {}, overloadedAnswer), answer(messagesAnswer)]);
  const { attempts } = await call();
  expect(attempts.map(({ error }) => error?.code)).toEqual(['MODEL_UNAVAILABLE', undefined]);
  expect(attempts[0]?.error?.message).toContain('529: Overloaded');
  expect(waits).toEqual([250]);
});

test('an answer of another API is refused', async () => {
  server.play([answer({ choices: [] })]);
  expect(await failure(call())).toMatchObject({ code: 'MODEL_RESPONSE' });
});

test('the provider is found by the name of the document', async () => {
  server.play([answer(messagesAnswer)]);
  await call({ provider: undefined, name: 'Anthropic', _type: 'llm_provider' });
  expect(server.requests).toHaveLength(1);
});

test('tools, their results and files go over in the words of the API', async () => {
  server.play([answer(messagesAnswer)]);
  const calls = [
    { id: 'a', name: 'look', arguments: { at: 1 } },
    { id: 'b', name: 'look', arguments: { at: 2 } },
  ];
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'image', data: 'aGk=', media_type: 'image/png' },
        { type: 'file', url: 'https://example.com/a.pdf' },
        { type: 'text', text: 'Compare.' },
      ],
    },
    { role: 'assistant', content: 'I look.', tool_calls: calls },
    { role: 'tool', tool_call_id: 'a', content: 'a cat' },
    { role: 'tool', tool_call_id: 'b', content: 'none', is_error: true },
  ] as const;
  const tools = [{ name: 'look', parameters: { type: 'object' } }];
  await call({}, request({ messages, tools, tool_choice: 'required' }));
  expect(server.requests[0]?.body).toMatchObject({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
          { type: 'text', text: 'Compare.' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } },
          { type: 'tool_use', id: 'b', name: 'look', input: { at: 2 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: 'a cat' },
          { type: 'tool_result', tool_use_id: 'b', content: 'none', is_error: true },
        ],
      },
    ],
    tools: [{ name: 'look', input_schema: { type: 'object' } }],
    tool_choice: { type: 'any' },
  });
});

test('input that was cached counts as input, and is told apart', async () => {
  const usage = { input_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
  server.play([answer({ ...messagesAnswer, usage })]);
  expect((await call()).response.usage).toEqual({
    input_tokens: 125,
    cached_tokens: 100,
    cache_write_tokens: 20,
  });
});
