/**
 * One suite for the tool calls of every API: what the model asks for comes out the same, whole
 * and streamed, alone and in parallel, and its results go back in the API's own words.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelMessage, ToolCall } from '#jdbx/llm/contract.js';
import { answer, eventStream, FaultServer, status } from '../support/fault-server.js';
import { input, integration, request, setup } from './calling.js';
import { CALLS, RESULTS, TEXT, TOOL_TALKS, type ToolSay } from './tool-talks.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([status(500)]);
});
afterAll(() => server.close());

const question: ModelMessage = { role: 'user', content: 'What is it like?' };
const tools = ['weather', 'clock'].map((name) => ({ name, parameters: { type: 'object' } }));

const resultsOf = (calls: readonly ToolCall[]): ModelMessage[] =>
  calls.map(({ id }, index) => ({
    role: 'tool',
    tool_call_id: id,
    content: RESULTS[index] as string,
    ...(index === 1 ? { is_error: true } : {}),
  }));

describe.each(TOOL_TALKS)('$name', (api) => {
  const call = (messages: readonly ModelMessage[], onEvent?: () => void) => {
    const once = { retry_strategy: { max_retries: 0 }, region: 'eu-west-1' };
    const fields = { provider: api.provider, endpoint: server.url + api.base, ...once };
    const document = integration({ ...fields, credentials_ref: 'cred:key' });
    return setup().caller.call(input(document, { request: request({ messages, tools }), onEvent }));
  };
  const typed = api.contentType === undefined ? {} : { contentType: api.contentType };
  const asked = {
    whole: (say: ToolSay) => [answer(say.whole)],
    streamed: (say: ToolSay) => [eventStream(say.stream, typed)],
    'streamed in small pieces': (say: ToolSay) => [
      eventStream(say.stream, { ...typed, pieceBytes: 61 }),
    ],
  };

  describe.each(['one', 'parallel'] as const)('%s', (kind) => {
    const say = api[kind];
    const calls = say.ids.map((id, index) => ({ id, ...CALLS[index] }));
    const text = kind === 'one' ? TEXT : '';

    it.each(Object.entries(asked))('is read %s', async (way, script) => {
      server.play(script(say));
      const { response } = await call([question], way === 'whole' ? undefined : () => {});
      expect(response.tool_calls).toEqual(calls);
      expect(response).toMatchObject({
        text,
        finish: 'tool',
        usage: { input_tokens: 82, output_tokens: 17 },
      });
    });

    it('is answered with the results', async () => {
      server.play([answer(say.whole)]);
      const { response } = await call([question]);
      const made = response.tool_calls ?? [];
      const said: ModelMessage = { role: 'assistant', content: response.text, tool_calls: made };
      await call([question, said, ...resultsOf(made)]);
      const body = server.requests.at(-1)?.body as Record<string, object[]>;
      expect(api.turns(body)?.slice(1)).toEqual(say.back);
    });
  });

  it('tells the calls of two turns apart', async () => {
    const turn = (name: string): ModelMessage[] => {
      const id = api.one.ids[0] as string;
      return [
        { role: 'assistant', content: '', tool_calls: [{ id, name, arguments: {} }] },
        { role: 'tool', tool_call_id: id, content: `of ${name}` },
      ];
    };
    server.play([answer(api.one.whole)]);
    await call([question, ...turn('weather'), ...turn('clock')]);
    const body = server.requests.at(-1)?.body as Record<string, object[]>;
    const [, , first, , second] = api.turns(body) ?? [];
    if (api.provider === 'gemini') {
      expect([first, second].map((one) => JSON.stringify(one))).toEqual([
        expect.stringContaining('"name":"weather"'),
        expect.stringContaining('"name":"clock"'),
      ]);
    } else expect(JSON.stringify(second)).toContain('of clock');
  });
});
