/**
 * One suite for every HTTP API that the package speaks: the same talk goes in, and the
 * same neutral answer comes out, whole and streamed. What each API's own words are
 * stands in `api-answers.ts`, in the shape of its public reference.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelRequest } from '#jdbx/llm/contract.js';
import { answer, eventStream, FaultServer, status } from '../support/fault-server.js';
import { APIS } from './api-answers.js';
import { CANARY, failure, input, integration, request, setup } from './calling.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([status(500)]);
});
afterAll(() => server.close());

const messages: ModelRequest['messages'] = [
  { role: 'system', content: 'Be brief.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is on it?' },
      { type: 'image', data: 'aGk=', media_type: 'image/png' },
    ],
  },
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 1 } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
];
const asked = request({
  messages,
  tools: [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }],
  tool_choice: 'required',
  response_schema: { schema: { type: 'object' } },
  settings: { temperature: 0, max_tokens: 50, top_p: 0.9 },
});

describe.each(APIS)('$provider', (api) => {
  const call = (more: object = {}, onEvent?: () => void) => {
    const { caller } = setup();
    const once = { retry_strategy: { max_retries: 0 } };
    const fields = { provider: api.provider, endpoint: server.url + api.base, ...once };
    const document = integration({ ...fields, credentials_ref: 'cred:key' });
    return caller.call(input(document, { request: asked, onEvent, ...more }));
  };

  it('is asked in its own words, the secret in its header alone', async () => {
    server.play([answer(api.whole)]);
    await call();
    const [seen] = server.requests;
    expect(seen?.path).toBe(api.path);
    expect(seen?.body).toEqual(api.body);
    expect(JSON.stringify(seen?.headers)).toContain(CANARY);
    expect(seen?.path).not.toContain(CANARY);
  });

  it('answers with text, thinking, tool calls and usage', async () => {
    server.play([answer(api.whole)]);
    expect((await call()).response).toMatchObject(api.response);
  });

  it('means the same when it streams', async () => {
    for (const pieceBytes of [undefined, 5]) {
      const options = pieceBytes === undefined ? {} : { pieceBytes };
      server.play([eventStream(api.stream, options)]);
      expect((await call({}, () => {})).response).toMatchObject(api.response);
      expect(server.requests[0]?.path).toBe(api.streamPath ?? api.path);
    }
  });

  it('is no answer when its stream ends early', async () => {
    for (let count = 0; count < api.stream.length - api.afterFinish; count++) {
      server.play([eventStream(api.stream.slice(0, count))]);
      expect(await failure(call({}, () => {}))).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    }
  });

  it('is no answer when it is another one’s', async () => {
    server.play([answer({ hello: 'world' })]);
    expect(await failure(call())).toMatchObject({ code: 'MODEL_RESPONSE' });
  });
});

describe('what only some say', () => {
  const caller = setup().caller;
  const ask = (provider: string, body: unknown) => {
    server.play([answer(body)]);
    return caller.call(input(integration({ provider, endpoint: server.url })));
  };

  it('Gemini may block the question', async () => {
    const { response } = await ask('gemini', { promptFeedback: { blockReason: 'SAFETY' } });
    expect(response).toMatchObject({ text: '', finish: 'filter' });
  });

  it('a response may be incomplete, refused or failed', async () => {
    const said = (type: string, text: string) => [
      { type: 'message', content: [{ type, [type === 'refusal' ? 'refusal' : 'text']: text }] },
    ];
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    const half = { ...cut, output: said('output_text', 'x') };
    expect((await ask('openai-responses', half)).response.finish).toBe('length');
    const refused = { status: 'completed', output: said('refusal', 'No.') };
    expect((await ask('openai-responses', refused)).response).toMatchObject({
      finish: 'filter',
      extra: { refusal: 'No.' },
    });
    const failed = { status: 'failed', error: null, output: [] };
    expect(await failure(ask('openai-responses', failed))).toMatchObject({
      code: 'MODEL_RESPONSE',
    });
  });
});
