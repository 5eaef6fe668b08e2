import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, FaultServer } from '../support/fault-server.js';
import { CANARY, failure, input, integration, request, setup } from './calling.js';
import { chatAnswer, chatAnswerWith, completionAnswer } from './provider-answers.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([answer(chatAnswer)]);
});
afterAll(() => server.close());

const { caller } = setup();

const toolCall = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } };

function call(path: string, fields: object = {}, asked = request()) {
  const document = integration({ endpoint: `${server.url}${path}`, ...fields });
  return caller.call(input(document, { request: asked }));
}

describe('chat completions', () => {
  test('posts the messages and settings under the names of the API', async () => {
    server.play([answer(chatAnswer)]);
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is it?' },
    ] as const;
    const settings = { temperature: 0.2, max_tokens: 100, stop: ['END'], seed: 7, top_k: 3 };
    await call('/v1', { credentials_ref: 'cred:key' }, request({ messages, settings }));
    const [seen] = server.requests;
    expect(seen?.path).toBe('/v1/chat/completions');
    expect(seen?.body).toEqual({ model: 'test-model', messages, ...settings });
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${CANARY}`,
      'content-type': 'application/json',
      'idempotency-key': 'run:1/stage',
    });
  });

  test('reads text, model, finish and usage from the answer', async () => {
    server.play([answer(chatAnswer, { 'x-request-id': 'req-1' })]);
    const { response } = await call('/v1');
    expect(response).toMatchObject({
      text: 'The answer is 42.',
      model: 'gpt-4.1-2025-04-14',
      finish: 'stop',
      usage: { input_tokens: 19, output_tokens: 10 },
    });
    expect(response.extra).toEqual({
      id: chatAnswer.id,
      request_id: 'req-1',
      usage: chatAnswer.usage,
    });
  });

  test.each([
    ['/v1', '/v1/chat/completions'],
    ['/v1/', '/v1/chat/completions'],
    ['', '/chat/completions'],
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['/deployments/x?api-version=1', '/deployments/x/chat/completions?api-version=1'],
  ])('an endpoint with the path "%s" is asked at %s', async (path, asked) => {
    server.play([answer(chatAnswer)]);
    await call(path);
    expect(server.requests[0]?.path).toBe(asked);
  });

  test.each([
    ['length', { message: { content: 'The ans' }, finish_reason: 'length' }, 'The ans'],
    [
      'tool',
      { message: { content: null, tool_calls: [toolCall] }, finish_reason: 'tool_calls' },
      '',
    ],
    ['filter', { message: { content: '' }, finish_reason: 'content_filter' }, ''],
    ['filter', { message: { content: null, refusal: 'I cannot.' }, finish_reason: 'stop' }, ''],
    ['other', { message: { content: 'x' }, finish_reason: 'invented' }, 'x'],
    ['other', { message: { content: 'x' }, finish_reason: 'constructor' }, 'x'],
    ['stop', { message: { content: [{ type: 'text', text: 'x' }] }, finish_reason: 'stop' }, 'x'],
  ])('finish is %s for %j', async (finish, choice, text) => {
    server.play([answer(chatAnswerWith(choice))]);
    expect((await call('/v1')).response).toMatchObject({ finish, text });
  });

  test.each([
    ['no choices', { ...chatAnswer, choices: [] }, 'choices.0'],
    ['no message', chatAnswerWith({ finish_reason: 'stop' }), 'choices.0.message'],
    ['no content', chatAnswerWith({ message: {} }), 'choices.0.message.content'],
    ['content 5', chatAnswerWith({ message: { content: 5 } }), 'choices.0.message.content'],
    ['a list', [], 'a JSON object'],
  ])('an answer with %s is refused by name', async (_, body, place) => {
    server.play([answer(body)]);
    const error = await failure(call('/v1'));
    expect(error).toMatchObject({ code: 'MODEL_RESPONSE' });
    expect(error.message).toContain(place);
  });

  test('usage that was not reported stays absent', async () => {
    server.play([answer({ ...chatAnswer, usage: { prompt_tokens: -1, completion_tokens: null } })]);
    expect((await call('/v1')).response.usage).toEqual({});
  });

  test('half of a surrogate pair in the answer is replaced', async () => {
    server.play([
      answer(chatAnswerWith({ message: { content: 'a\ud83d' }, finish_reason: 'stop' })),
    ]);
    expect((await call('/v1')).response.text).toBe('a\ufffd');
  });

  test('a server without authentication gets no authorization header', async () => {
    server.play([answer(chatAnswer)]);
    await call('/v1', { auth_type: 'none', credentials_ref: 'cred:absent' });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test("the integration's headers are sent along, and the key is safe in a header", async () => {
    server.play([answer(chatAnswer)]);
    const document = integration({ endpoint: server.url, headers: { 'X-Title': 'JDBX' } });
    await caller.call(input(document, { idempotencyKey: 'run:1/приём' }));
    expect(server.requests[0]?.headers).toMatchObject({
      'x-title': 'JDBX',
      'idempotency-key': `run:1/${encodeURIComponent('приём')}`,
    });
  });

  test('a model of the request goes before the one of the integration', async () => {
    server.play([answer(chatAnswer)]);
    await call('/v1', {}, request({ model: 'another' }));
    await call('/v1', { model: undefined, models: ['first', 'second'] });
    expect(server.requests.map(({ body }) => body.model)).toEqual(['another', 'first']);
  });
});

describe('tools, files and schemas', () => {
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is on it?' },
        { type: 'image', data: 'aGk=', media_type: 'image/png' },
        { type: 'image', url: 'https://example.com/a.png' },
        { type: 'file', data: 'aGk=', media_type: 'application/pdf', name: 'a.pdf' },
      ],
    },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 1 } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
  ] as const;
  const tools = [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }];

  test('go over in the words of the API', async () => {
    server.play([answer(chatAnswer)]);
    const response_schema = { schema: { type: 'object' } };
    const asked = request({ messages, tools, tool_choice: { name: 'look' }, response_schema });
    await call('/v1', {}, asked);
    expect(server.requests[0]?.body).toEqual({
      model: 'test-model',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is on it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            {
              type: 'file',
              file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' },
            },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object' }, strict: false },
      },
    });
  });

  test('calls come back with their arguments, and what is no JSON object as it came', async () => {
    const made = (id: string, json: unknown) => ({ id, function: { name: 'f', arguments: json } });
    const tool_calls = [made('1', '{"a":[1]}'), made('2', ''), made('3', '{"a":'), made('4', {})];
    const message = { content: null, tool_calls };
    server.play([answer(chatAnswerWith({ message, finish_reason: 'tool_calls' }))]);
    expect((await call('/v1')).response.tool_calls).toEqual([
      { id: '1', name: 'f', arguments: { a: [1] } },
      { id: '2', name: 'f', arguments: {} },
      { id: '3', name: 'f', arguments: {}, invalid: '{"a":' },
      { id: '4', name: 'f', arguments: {} },
    ]);
  });
});

describe('legacy completions', () => {
  test('an endpoint that ends in /completions gets one prompt', async () => {
    server.play([answer(completionAnswer)]);
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is it?' },
    ] as const;
    const { response } = await call('/v1/completions', {}, request({ messages }));
    expect(server.requests[0]).toMatchObject({
      path: '/v1/completions',
      body: { model: 'test-model', prompt: 'Be brief.\n\nWhat is it?' },
    });
    expect(response).toMatchObject({
      text: '\n\nForty-two.',
      finish: 'length',
      usage: { input_tokens: 5, output_tokens: 7 },
    });
  });

  test('a conversation names its speakers', async () => {
    server.play([answer(completionAnswer)]);
    const messages = [
      { role: 'user', content: 'Hi.' },
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: 'Bye.' },
    ] as const;
    await call('/v1/completions', {}, request({ messages }));
    expect(server.requests[0]?.body.prompt).toBe(
      'User: Hi.\n\nAssistant: Hello.\n\nUser: Bye.\n\nAssistant:',
    );
  });

  test('a chat answer at a legacy endpoint is refused', async () => {
    server.play([answer(chatAnswer)]);
    const error = await failure(call('/v1/completions'));
    expect(error.message).toContain('choices.0.text');
  });
});
