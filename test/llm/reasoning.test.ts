/**
 * Reasoning that has to travel back: whatever an API signed, sealed or marked comes out of its
 * answers, whole and streamed, and goes back to it in its place, word for word; to every other
 * API goes none of it.
 */
import type { ResponseCreateParams } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelMessage, ModelResponse } from '#jdbx/llm/contract.js';
import { toRequest } from '#jdbx/llm/messages.js';
import { answer, eventStream, FaultServer, status } from '../support/fault-server.js';
import { input, integration, request, setup } from './calling.js';
import { CALLS, REASONING_TALKS, type ReasoningTalk, SEALED } from './reasoning-talks.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([status(500)]);
});
afterAll(() => server.close());

const { caller } = setup();
const question: ModelMessage = { role: 'user', content: 'What is it like?' };
const results = CALLS.map(
  ({ id }): ModelMessage => ({ role: 'tool', tool_call_id: id, content: 'fine' }),
);

type Asked = Pick<ReasoningTalk, 'provider' | 'base' | 'model'>;

async function ask(
  { provider, base, model }: Asked,
  messages: readonly ModelMessage[],
  { onEvent, ...fields }: { readonly onEvent?: () => void; readonly [field: string]: unknown } = {},
): Promise<ModelResponse> {
  const once = { retry_strategy: { max_retries: 0 }, region: 'eu-west-1' };
  const endpoint = server.url + base;
  const document = integration({ provider, endpoint, model, ...once, ...fields });
  const { response } = await caller.call(
    input(document, { request: request({ messages }), onEvent }),
  );
  return response;
}

/** The talk as the tool loop goes on with it. */
function goOn({ text, tool_calls, reasoning_parts }: ModelResponse): ModelMessage[] {
  const said: ModelMessage = { role: 'assistant', content: text, tool_calls, reasoning_parts };
  return [question, said, ...results];
}

const ways = {
  whole: (talk: ReasoningTalk) => [answer(talk.whole)],
  streamed: ({ stream, contentType }: ReasoningTalk) => [
    eventStream(stream, contentType === undefined ? {} : { contentType }),
  ],
  'streamed in small pieces': ({ stream, contentType }: ReasoningTalk) => [
    eventStream(stream, { pieceBytes: 7, ...(contentType === undefined ? {} : { contentType }) }),
  ],
};

/** Who speaks the same API and cannot read it, where that is not another host. */
const ELSEWHERE: Readonly<Record<string, { readonly [field: string]: unknown }>> = {
  'openai-responses': { _id: 'integration:other' },
  bedrock: { model: 'amazon.nova-2-lite-v1:0' },
};

describe.each(REASONING_TALKS)('$name', (talk) => {
  const sentBack = () => {
    const body = server.requests.at(-1)?.body as Record<string, object[]>;
    return talk.turns(body)?.slice(1, 1 + talk.back.length);
  };

  it.each(Object.entries(ways))('gives and takes back its reasoning, %s', async (way, script) => {
    server.play(script(talk));
    const onEvent = way === 'whole' ? {} : { onEvent: () => {} };
    const response = await ask(talk, [question], onEvent);
    expect(response).toMatchObject({ text: talk.text, tool_calls: CALLS, finish: 'tool' });
    expect(response.reasoning ?? '').toBe(talk.reasoning);
    server.play([answer(talk.whole)]);
    await ask(talk, goOn(response));
    expect(sentBack()).toEqual(talk.back);
  });

  it('takes back what was written down and read again', async () => {
    server.play([answer(talk.whole)]);
    const response = await ask(talk, [question]);
    await ask(talk, JSON.parse(JSON.stringify(goOn(response))));
    expect(sentBack()).toEqual(talk.back);
  });

  it('gets no other’s', async () => {
    for (const other of REASONING_TALKS.filter(({ provider }) => provider !== talk.provider)) {
      server.play([answer(other.whole), answer(talk.whole)]);
      await ask(talk, goOn(await ask(other, [question])));
      const body = server.requests.at(-1)?.body as Record<string, object[]>;
      expect(JSON.stringify(body)).not.toContain(SEALED);
      expect(talk.turns(body)?.slice(1, 1 + talk.foreign.length)).toEqual(talk.foreign);
    }
  });

  it('is not given it by one that it may not be from', async () => {
    server.play([answer(talk.whole)]);
    const parts = (await ask(talk, [question])).reasoning_parts ?? [];
    const fields = ELSEWHERE[talk.provider] ?? {
      endpoint: `${server.url.replace('127.0.0.1', 'localhost')}${talk.base}`,
    };
    const said = { role: 'assistant' as const, content: talk.text, tool_calls: CALLS };
    await ask(talk, [question, { ...said, reasoning_parts: parts }, ...results], fields);
    expect(JSON.stringify(server.requests.at(-1)?.body)).not.toContain(SEALED);
  });
});

describe('what only some say', () => {
  const responses = REASONING_TALKS.find(({ provider }) => provider === 'openai-responses');
  const other = REASONING_TALKS.find(({ provider }) => provider === 'anthropic');
  const bodyOf = async (fields: object, messages: readonly ModelMessage[] = [question]) => {
    server.play([answer(responses?.whole)]);
    await ask(responses as ReasoningTalk, messages, { ...fields });
    return server.requests.at(-1)?.body as Record<string, object[]>;
  };

  it('OpenAI is asked for sealed reasoning where it keeps nothing and the model reasons', async () => {
    const include: ResponseCreateParams['include'] = ['reasoning.encrypted_content'];
    expect(await bodyOf({ model: 'gpt-5' })).toMatchObject({ store: false, include });
    for (const model of ['gpt-4.1', 'gpt-4o-mini', 'chatgpt-4o-latest', 'gpt-5-chat-latest']) {
      expect(await bodyOf({ model })).not.toHaveProperty('include');
    }
  });

  it('OpenAI does not get back by its id what it does not keep', async () => {
    server.play([answer(responses?.whole)]);
    const response = await ask(responses as ReasoningTalk, [question]);
    const open = response.reasoning_parts?.map(
      ({ data: { encrypted_content: _, ...data }, ...part }) => ({
        ...part,
        data,
      }),
    );
    const talk = goOn({ ...response, reasoning_parts: open });
    expect(JSON.stringify(await bodyOf({}, talk))).not.toContain('rs_1');
  });

  it('Gemini needs no signature before version 3', async () => {
    const gemini = REASONING_TALKS.find(({ provider }) => provider === 'gemini') as ReasoningTalk;
    server.play([answer(other?.whole), answer(gemini.whole)]);
    const talk = goOn(await ask(other as ReasoningTalk, [question]));
    await ask(gemini, talk, { model: 'gemini-2.5-flash' });
    expect(JSON.stringify(server.requests.at(-1)?.body)).not.toContain('thoughtSignature');
  });

  it('a provider made of documents keeps what its transformers find, for itself alone', async () => {
    const transformers = {
      request_transformer: {
        code: `function ask({ request }) { return { body: { talk: request.messages } }; }`,
      },
      response_transformer: {
        code: `function read({ body }) {
          const kept = { after: { text: 0, calls: 0 }, data: { seal: body.seal }, scope: 'anthropic' };
          return { text: 'I look.', tool_calls: body.does, reasoning_parts: [kept] };
        }`,
      },
      stream_transformer: {
        code: `function take({ data, end }) {
          if (end) return { events: [{ kind: 'finish', finish: 'tool' }] };
          if (data.seal) return { events: [{ kind: 'reasoning-part', data }] };
          if (data.text) return { events: [{ kind: 'text', text: data.text }] };
          return { events: data.does.map((call, index) => ({
            ...call, kind: 'tool-call', index, arguments: JSON.stringify(call.arguments),
          })) };
        }`,
      },
    };
    const own = { provider: 'custom', base: '/x', model: 'm' };
    for (const [script, onEvent] of [
      [answer({ seal: SEALED, does: CALLS }), {}],
      [
        eventStream([{ seal: SEALED }, { text: 'I look.' }, { does: CALLS }]),
        { onEvent: () => {} },
      ],
    ] as const) {
      server.play([script]);
      const response = await ask(own, [question], { ...transformers, ...onEvent });
      const part = { scope: 'custom@integration:test', after: { text: 0, calls: 0 } };
      expect(response.reasoning_parts).toEqual([{ ...part, data: { seal: SEALED } }]);
      server.play([answer({ seal: SEALED, does: CALLS })]);
      await ask(own, goOn(response), transformers);
      expect(JSON.stringify(server.requests.at(-1)?.body)).toContain(SEALED);
    }
  });

  it('Mistral cites, whole and streamed', async () => {
    const mistral = REASONING_TALKS.find(({ provider }) => provider === 'mistral') as ReasoningTalk;
    const chunks = [
      { type: 'text', text: 'It rains' },
      { type: 'reference', reference_ids: [0, 2] },
      { type: 'text', text: '.' },
    ];
    const whole = { choices: [{ message: { content: chunks }, finish_reason: 'stop' }] };
    const piece = (delta: object, finish_reason: string | null = null) => ({
      choices: [{ index: 0, delta, finish_reason }],
    });
    const stream = [
      piece({ content: 'It ' }),
      piece({ content: [{ type: 'text', text: 'rains' }] }),
      piece({ content: chunks.slice(1) }),
      piece({ content: '' }, 'stop'),
    ];
    for (const [script, onEvent] of [
      [answer(whole), undefined],
      [eventStream(stream), () => {}],
    ] as const) {
      server.play([script]);
      const response = await ask(mistral, [question], onEvent ? { onEvent } : {});
      expect(response).toMatchObject({
        text: 'It rains.',
        finish: 'stop',
        extra: { references: [{ at: 8, reference_ids: [0, 2] }] },
      });
    }
  });
});

it('names the place of a part that is none', () => {
  const part = { scope: 'a', after: { text: 0, calls: 0 }, data: {} };
  const wrong: readonly (readonly [string, object])[] = [
    ['scope', { ...part, scope: 1 }],
    ['after', { ...part, after: { text: -1, calls: 0 } }],
    ['marks', { ...part, marks: 'text' }],
    ['data', { ...part, data: 'x' }],
  ];
  for (const [field, made] of wrong) {
    const said = { role: 'assistant', content: 'x', reasoning_parts: [part, made] };
    expect(() => toRequest({ messages: [said] })).toThrow(
      expect.objectContaining({
        code: 'MISSING_INPUT',
        path: `messages.0.reasoning_parts.1.${field}`,
      }),
    );
  }
});
