/**
 * Language models of the AI SDK as providers. The model here is a real one of its
 * interface: it answers by itself, without a network, and says what it was asked.
 */
import {
  APICallError,
  type LanguageModelV3,
  type LanguageModelV3CallOptions,
  type LanguageModelV3Content,
  type LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { type AiSdkLanguageModel, aiSdk } from '#jdbx/llm/providers/ai-sdk/ai-sdk.js';

const usage = {
  inputTokens: { total: 9, noCache: 7, cacheRead: 2, cacheWrite: undefined },
  outputTokens: { total: 7, text: 4, reasoning: 3 },
};
const call = { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: '{"at":2}' } as const;
const finishReason = { unified: 'tool-calls', raw: 'calls' } as const;

/** Counts, thinks and calls a tool where it has one; says the last word where it has none. */
class LocalModel implements LanguageModelV3 {
  readonly specificationVersion = 'v3';
  readonly provider = 'local';
  readonly supportedUrls = {};
  readonly asked: LanguageModelV3CallOptions[] = [];
  parts: LanguageModelV3StreamPart[] = [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', modelId: 'local-1' },
    { type: 'reasoning-delta', id: 'r', delta: 'Hm.' },
    { type: 'text-delta', id: 't', delta: 'I ' },
    { type: 'text-delta', id: 't', delta: 'look.' },
    { type: 'tool-input-start', id: 'c1', toolName: 'look' },
    { type: 'tool-input-delta', id: 'c1', delta: '{"at"' },
    { type: 'tool-input-delta', id: 'c1', delta: ':2}' },
    call,
    { type: 'finish', usage, finishReason },
  ];
  content: LanguageModelV3Content[] = [
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'I look.' },
    call,
  ];
  fails: unknown;

  constructor(readonly modelId: string) {}

  async doGenerate(options: LanguageModelV3CallOptions) {
    this.#take(options);
    if (this.fails === 'deaf') await never();
    return {
      content: this.content,
      finishReason,
      usage,
      response: { id: 'r1', modelId: 'local-1' },
      warnings: [],
    };
  }

  async doStream(options: LanguageModelV3CallOptions) {
    this.#take(options);
    const parts = this.fails === 'silent' ? new ReadableStream() : ReadableStream.from(this.parts);
    return { stream: parts as ReadableStream<LanguageModelV3StreamPart> };
  }

  #take(options: LanguageModelV3CallOptions): void {
    this.asked.push(options);
    if (this.fails instanceof Error) throw this.fails;
  }
}

/** Heeds no signal. */
const never = () => new Promise(() => {});

/** The same by the specification after it; of what is said here only files look otherwise. */
const asVersion4 = (model: LocalModel) => ({
  specificationVersion: 'v4' as const,
  provider: model.provider,
  modelId: model.modelId,
  doGenerate: (options: LanguageModelV3CallOptions) => model.doGenerate(options),
  doStream: (options: LanguageModelV3CallOptions) => model.doStream(options),
});

let model: LocalModel;
let given: (model: LocalModel) => AiSdkLanguageModel;
let db: Jdbx;
beforeEach(async () => {
  model = new LocalModel('local-1');
  given = (own) => own;
  const providers = [aiSdk('local', () => given(model))];
  db = await open(MEMORY, { env: {}, workers: 1, providers });
});
afterEach(() => db.close());

const look = { name: 'look', description: 'Looks.', parameters: { type: 'object' } };
const question = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What?' },
        { type: 'image', data: 'aGk=', media_type: 'image/png' },
        { type: 'image', url: 'https://example.org/a' },
      ],
    },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c0', name: 'look', arguments: { at: 1 } }],
    },
    { role: 'tool', tool_call_id: 'c0', content: 'a cat' },
  ],
  system: 'Be brief.',
  tools: [look],
  tool_choice: { name: 'look' },
};

async function ask(more: object = {}, integration: object = {}) {
  await db.put([
    {
      _id: 'integration:own',
      _type: 'integration',
      provider: 'local',
      model: 'local-1',
      retry_strategy: { max_retries: 0 },
      price: { input_per_million: 1e6, output_per_million: 1e6 },
      ...integration,
    },
    {
      _id: 'pipeline:p',
      _type: 'pipeline',
      stages: [
        {
          name: 'ask',
          integration: 'integration:own',
          params: { max_tokens: 50, top_p: 0.9 },
          ...more,
        },
      ],
    },
  ]);
  return db.run('pipeline:p', question);
}
const code = (run: Promise<unknown>) =>
  run.then(
    () => 'done',
    (error) => error.details.code,
  );

describe('a language model of the AI SDK', () => {
  it.each([{}, { stream: true }])(
    'is asked in its own words and answers in ours: %o',
    async (more) => {
      const { output, usage: used } = await ask(more);
      expect(output).toMatchObject({
        text: 'I look.',
        reasoning: 'Hm.',
        model: 'local-1',
        finish: 'tool',
        tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 2 } }],
        usage: { input_tokens: 9, output_tokens: 7, cached_tokens: 2, reasoning_tokens: 3 },
      });
      expect(used).toMatchObject({ cost_usd: 16 });
      expect(model.asked[0]).toMatchObject({
        maxOutputTokens: 50,
        topP: 0.9,
        tools: [{ type: 'function', name: 'look', inputSchema: { type: 'object' } }],
        toolChoice: { type: 'tool', toolName: 'look' },
        prompt: [
          { role: 'system', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What?' },
              { type: 'file', data: 'aGk=', mediaType: 'image/png' },
              { type: 'file', data: new URL('https://example.org/a'), mediaType: 'image/*' },
            ],
          },
          {
            role: 'assistant',
            content: [{ type: 'tool-call', toolCallId: 'c0', toolName: 'look', input: { at: 1 } }],
          },
          {
            role: 'tool',
            content: [
              { type: 'tool-result', toolName: 'look', output: { type: 'text', value: 'a cat' } },
            ],
          },
        ],
      });
    },
  );

  it.each([{}, { stream: true }])('gets its own reasoning back: %o', async (more) => {
    const sign = (signature: string) => ({ providerMetadata: { local: { signature } } });
    const signed = { ...call, ...sign('c') };
    model.content = [{ type: 'reasoning', text: 'Hm.', ...sign('r') }, signed];
    model.parts = [
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'Hm.' },
      { type: 'reasoning-end', id: 'r', ...sign('r') },
      signed,
      { type: 'finish', usage, finishReason },
    ];
    await db.put({ _id: 'transformer:look', _type: 'transformer', code: 'function look() {}' });
    const looped = { ...more, tools: ['transformer:look'], max_turns: 2 };
    expect(await code(ask(looped))).toBe('TOOL_TURNS');
    const said = model.asked[1]?.prompt.findLast(({ role }) => role === 'assistant');
    expect(said?.content).toEqual([
      { type: 'reasoning', text: 'Hm.', providerOptions: { local: { signature: 'r' } } },
      {
        type: 'tool-call',
        toolCallId: 'c1',
        toolName: 'look',
        input: { at: 2 },
        providerOptions: { local: { signature: 'c' } },
      },
    ]);
  });

  it.each([{}, { stream: true }])('may be of specification v4: %o', async (more) => {
    given = asVersion4;
    const { output } = await ask(more);
    expect(output).toMatchObject({ text: 'I look.', reasoning: 'Hm.', finish: 'tool' });
    const user = model.asked[0]?.prompt.find(({ role }) => role === 'user');
    expect(user?.content).toEqual([
      { type: 'text', text: 'What?' },
      { type: 'file', data: { type: 'data', data: 'aGk=' }, mediaType: 'image/png' },
      {
        type: 'file',
        data: { type: 'url', url: new URL('https://example.org/a') },
        mediaType: 'image/*',
      },
    ]);
  });

  it('is refused when its specification is another', async () => {
    given = (own) => ({ ...asVersion4(own), specificationVersion: 'v2' as 'v4' });
    expect(await code(ask())).toBe('INVALID_INTEGRATION');
    expect(await code(ask({ stream: true }))).toBe('INVALID_INTEGRATION');
  });

  it('asks for the shape of the answer', async () => {
    await code(ask({ response_schema: { type: 'object' } }));
    expect(model.asked[0]?.responseFormat).toEqual({
      type: 'json',
      schema: { type: 'object' },
      name: 'answer',
    });
  });

  it('fails by our codes', async () => {
    const refusal = (statusCode: number) =>
      new APICallError({
        message: 'no',
        url: 'http://x',
        requestBodyValues: {},
        statusCode,
        responseHeaders: { 'retry-after': '0' },
      });
    for (const [status, expected] of [
      [429, 'MODEL_RATE_LIMITED'],
      [400, 'MODEL_REFUSED'],
      [503, 'MODEL_UNAVAILABLE'],
    ] as const) {
      model.fails = refusal(status);
      expect(await code(ask())).toBe(expected);
      expect(await code(ask({ stream: true }))).toBe(expected);
    }
    model.fails = new TypeError('fetch failed');
    expect(await code(ask())).toBe('MODEL_UNAVAILABLE');
    model.fails = 'deaf';
    expect(await code(ask({}, { timeout_ms: 30 }))).toBe('MODEL_TIMEOUT');
    model.fails = 'silent';
    expect(await code(ask({ stream: true }, { timeout_ms: 30 }))).toBe('MODEL_TIMEOUT');
  });

  it('is no answer when its stream breaks off, or tells an error', async () => {
    model.parts = model.parts.slice(0, 5);
    expect(await code(ask({ stream: true }))).toBe('MODEL_UNAVAILABLE');
    model.parts = [...model.parts, { type: 'error', error: new Error('gone') }];
    expect(await code(ask({ stream: true }))).toBe('MODEL_UNAVAILABLE');
  });
});
