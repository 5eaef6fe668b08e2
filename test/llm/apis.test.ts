/**
 * One suite for every HTTP API that the package speaks: the same talk goes in, and the
 * same neutral answer comes out, whole and streamed. What each API's own words are
 * stands in `api-answers.ts`, in the shape of its public reference.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelRequest } from '#jdbx/llm/contract.js';
import { answer, eventStream, FaultServer, status } from '../support/fault-server.js';
import { APIS } from './api-answers.js';
import { awsFrame, bedrockAnswers } from './bedrock-answers.js';
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
  const typed = api.contentType === undefined ? {} : { contentType: api.contentType };
  const call = (more: object = {}, onEvent?: () => void) => {
    const { caller } = setup();
    const once = { retry_strategy: { max_retries: 0 } };
    const fields = { provider: api.provider, endpoint: server.url + api.base, ...once };
    const document = integration({ ...fields, ...api.fields, credentials_ref: 'cred:key' });
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
      server.play([eventStream(api.stream, { ...typed, ...(pieceBytes ? { pieceBytes } : {}) })]);
      expect((await call({}, () => {})).response).toMatchObject(api.response);
      expect(server.requests[0]?.path).toBe(api.streamPath ?? api.path);
    }
  });

  it('is no answer when its stream ends early', async () => {
    for (let count = 0; count < api.stream.length - api.afterFinish; count++) {
      server.play([eventStream(api.stream.slice(0, count), typed)]);
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

  const converse = (server: FaultServer, secret: string, more: object = {}) => {
    const { caller } = setup([], secret);
    const fields = { provider: 'bedrock', endpoint: server.url, credentials_ref: 'cred:key' };
    const once = { retry_strategy: { max_retries: 0 } };
    const document = integration({ ...fields, ...once, region: 'eu-west-1' });
    return caller.call(input(document, more));
  };

  it('Bedrock takes keys that sign, for the region and the moment, and shows no part of them', async () => {
    const key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzKEY';
    server.play([answer(bedrockAnswers.whole), status(403, {}, { message: `bad ${key}` })]);
    await converse(server, `AKIDEXAMPLE000000000:${key}:session+token/0123456789`);
    const { headers } = server.requests[0] as { headers: Record<string, string> };
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000000\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /,
    );
    expect(headers['x-amz-security-token']).toBe('session+token/0123456789');
    const error = await failure(converse(server, `AKIDEXAMPLE000000000:${key}`));
    expect(error.message).toContain('403: bad [redacted]');
  });

  it('Bedrock may break off with an exception, or with bytes that are none', async () => {
    const contentType = 'application/vnd.amazon.eventstream';
    const play = (frame: Uint8Array) => {
      server.play([eventStream([...bedrockAnswers.stream.slice(0, 2), frame], { contentType })]);
      return failure(converse(server, CANARY, { onEvent: () => {} }));
    };
    const throttled = awsFrame(
      { ':exception-type': 'throttlingException' },
      { message: 'Slow down' },
    );
    expect(await play(throttled)).toMatchObject({ code: 'MODEL_RATE_LIMITED' });
    const flipped = Uint8Array.from(throttled, (byte, at) => (at === 20 ? byte ^ 1 : byte));
    expect(await play(flipped)).toMatchObject({ code: 'MODEL_RESPONSE' });
    expect(await play(new Uint8Array(20))).toMatchObject({ code: 'MODEL_RESPONSE' });
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
