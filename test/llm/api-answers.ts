/**
 * The words of each API for one talk, in the shape of its public reference, with values
 * of our own.
 */
import { bedrockAnswers } from './bedrock-answers.js';
import { chunk } from './stream-answers.js';

export interface ApiAnswers {
  readonly provider: string;
  /** What the integration's endpoint ends in. */
  readonly base: string;
  readonly path: string;
  readonly streamPath?: string;
  /** What is sent for the suite's request. */
  readonly body: object;
  readonly whole: object;
  readonly stream: readonly unknown[];
  /** Of the stream. Default `text/event-stream`. */
  readonly contentType?: string;
  /** How many events of the stream come after its finish. */
  readonly afterFinish: number;
  /** What the integration document says besides. */
  readonly fields?: object;
  /** What comes out, as far as it is the same for whole and streamed answers. */
  readonly response: object;
}

const named = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

const schema = { type: 'object' };
const response = {
  text: 'I look.',
  model: 'model-1',
  finish: 'tool',
  tool_calls: [{ name: 'look', arguments: { at: 2 } }],
} as const;

/** https://ai.google.dev/api/generate-content */
function geminiPart(parts: object[], more: object = {}): object {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    modelVersion: 'model-1',
    responseId: 'r1',
  };
}
const geminiUsage = {
  promptTokenCount: 9,
  candidatesTokenCount: 4,
  thoughtsTokenCount: 3,
  cachedContentTokenCount: 2,
  totalTokenCount: 16,
};
const geminiCall = { functionCall: { name: 'look', args: { at: 2 } } };

const gemini: ApiAnswers = {
  provider: 'gemini',
  base: '/v1beta',
  path: '/v1beta/models/test-model:generateContent',
  streamPath: '/v1beta/models/test-model:streamGenerateContent?alt=sse',
  body: {
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [
      {
        role: 'user',
        parts: [
          { text: 'What is on it?' },
          { inlineData: { mimeType: 'image/png', data: 'aGk=' } },
        ],
      },
      { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'look', args: { at: 1 } } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { id: 'c1', name: 'look', response: { result: 'a cat' } } }],
      },
    ],
    tools: [
      {
        functionDeclarations: [
          { name: 'look', description: 'Looks.', parametersJsonSchema: schema },
        ],
      },
    ],
    toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    generationConfig: {
      temperature: 0,
      maxOutputTokens: 50,
      topP: 0.9,
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    },
  },
  whole: {
    ...geminiPart([{ text: 'Hm.', thought: true }, { text: 'I look.' }, geminiCall], {
      finishReason: 'STOP',
    }),
    usageMetadata: geminiUsage,
  },
  stream: [
    geminiPart([{ text: 'Hm.', thought: true }]),
    geminiPart([{ text: 'I ' }]),
    geminiPart([{ text: 'look.' }, geminiCall]),
    { ...geminiPart([{ text: '' }], { finishReason: 'STOP' }), usageMetadata: geminiUsage },
  ],
  afterFinish: 0,
  response: {
    ...response,
    reasoning: 'Hm.',
    usage: { input_tokens: 9, output_tokens: 7, cached_tokens: 2, reasoning_tokens: 3 },
  },
};

/** https://platform.openai.com/docs/api-reference/responses */
const responsesBase = { id: 'resp_1', object: 'response', model: 'model-1' };
const responsesDone = {
  ...responsesBase,
  status: 'completed',
  usage: {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 2 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
  },
};
const thought = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] };
const calling = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look' };

const responses: ApiAnswers = {
  provider: 'openai-responses',
  base: '/v1',
  path: '/v1/responses',
  body: {
    model: 'test-model',
    store: false,
    include: ['reasoning.encrypted_content'],
    temperature: 0,
    top_p: 0.9,
    max_output_tokens: 50,
    input: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is on it?' },
          { type: 'input_image', image_url: 'data:image/png;base64,aGk=', detail: 'auto' },
        ],
      },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":1}' },
      { type: 'function_call_output', call_id: 'c1', output: 'a cat' },
    ],
    tools: [
      { type: 'function', strict: false, name: 'look', description: 'Looks.', parameters: schema },
    ],
    tool_choice: 'required',
    text: { format: { type: 'json_schema', name: 'answer', schema, strict: false } },
  },
  whole: {
    ...responsesDone,
    output: [
      thought,
      {
        type: 'message',
        id: 'm1',
        content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
      },
      { ...calling, arguments: '{"at":2}' },
    ],
  },
  stream: [
    named({ type: 'response.created', response: { ...responsesBase, status: 'in_progress' } }),
    named({ type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'Hm.' }),
    named({ type: 'response.output_text.delta', output_index: 1, delta: 'I ' }),
    named({ type: 'response.output_text.delta', output_index: 1, delta: 'look.' }),
    named({
      type: 'response.output_item.added',
      output_index: 2,
      item: { ...calling, arguments: '' },
    }),
    named({ type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"at"' }),
    named({ type: 'response.function_call_arguments.delta', output_index: 2, delta: ':2}' }),
    named({ type: 'response.completed', response: responsesDone }),
  ],
  afterFinish: 0,
  response: {
    ...response,
    reasoning: 'Hm.',
    usage: { input_tokens: 9, output_tokens: 7, cached_tokens: 2, reasoning_tokens: 3 },
  },
};

/** https://docs.mistral.ai/api/endpoint/chat */
const mistralUsage = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 };
const mistralCall = (json: string, more: object = {}) => ({
  tool_calls: [{ index: 0, id: 'D681PevKs', function: { name: 'look', arguments: json }, ...more }],
});
const mistralChunk = (delta: object, finish: string | null = null) => ({
  ...chunk(delta, finish),
  model: 'model-1',
});

const mistral: ApiAnswers = {
  provider: 'mistral',
  base: '',
  path: '/v1/chat/completions',
  body: {
    model: 'test-model',
    temperature: 0,
    top_p: 0.9,
    max_tokens: 50,
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is on it?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
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
      { type: 'function', function: { name: 'look', description: 'Looks.', parameters: schema } },
    ],
    tool_choice: 'any',
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'answer', schema, strict: false },
    },
  },
  whole: {
    id: 'm1',
    model: 'model-1',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'I look.', ...mistralCall('{"at":2}') },
        finish_reason: 'tool_calls',
      },
    ],
    usage: mistralUsage,
  },
  stream: [
    mistralChunk({ role: 'assistant', content: 'I ' }),
    mistralChunk({ content: 'look.' }),
    { ...mistralChunk(mistralCall('{"at":2}'), 'tool_calls'), usage: mistralUsage },
    'data: [DONE]\n\n',
  ],
  afterFinish: 1,
  response: { ...response, usage: { input_tokens: 9, output_tokens: 7 } },
};

/** An API of nobody's, spoken by transformer documents alone. */
const transformer = (name: string, code: string) => ({ _id: `transformer:${name}`, code });
const custom: ApiAnswers = {
  provider: 'custom',
  base: '/acme',
  path: '/acme/talk?v=2',
  body: {
    engine: 'test-model',
    talk: [
      'system: Be brief.',
      'user: What is on it? [image/png]',
      'assistant:  look({"at":1})',
      'tool: a cat',
    ],
    can: ['look'],
    must: true,
    shape: schema,
    options: { temperature: 0, max_tokens: 50, top_p: 0.9 },
    live: false,
  },
  fields: {
    auth_header: 'x-acme-key',
    request_transformer: transformer(
      'acme-request',
      `function toAcme({ request, streaming }) {
        const said = (content) => typeof content === 'string' ? content
          : content.map((part) => part.text ?? '[' + part.media_type + ']').join(' ');
        const calls = ({ tool_calls = [] }) =>
          tool_calls.map((c) => ' ' + c.name + '(' + JSON.stringify(c.arguments) + ')').join('');
        return {
          path: 'talk?v=2',
          headers: { 'x-acme-version': '2' },
          body: {
            engine: request.model,
            talk: request.messages.map((m) => m.role + ': ' + said(m.content) + calls(m)),
            can: request.tools.map((t) => t.name),
            must: request.tool_choice === 'required',
            shape: request.response_schema.schema,
            options: request.settings,
            live: streaming,
          },
        };
      }`,
    ),
    response_transformer: transformer(
      'acme-response',
      `function fromAcme({ body }) {
        if (!body.reply) return null;
        const { says, thinks, does, ate, gave, engine } = body.reply;
        return {
          text: says, reasoning: thinks, model: engine, finish: does ? 'tool' : 'stop',
          tool_calls: does, usage: { input_tokens: ate, output_tokens: gave },
        };
      }`,
    ),
    stream_transformer: transformer(
      'acme-stream',
      `function fromPiece({ event, data, end, state }) {
        if (end) return { events: state?.over ? [{ kind: 'finish', finish: 'tool' }] : [], state };
        if (data.engine) return { events: [{ kind: 'start', model: data.engine }], state };
        if (data.thinks) return { events: [{ kind: 'reasoning', text: data.thinks }], state };
        if (data.says) return { events: [{ kind: 'text', text: data.says }], state };
        if (data.does) return { events: [{ kind: 'tool-call', index: 0, ...data.does }], state };
        const usage = { input_tokens: data.ate, output_tokens: data.gave };
        return { events: [{ kind: 'usage', usage }], state: { over: true } };
      }`,
    ),
  },
  whole: {
    reply: {
      engine: 'model-1',
      says: 'I look.',
      thinks: 'Hm.',
      does: [{ id: 'a1', name: 'look', arguments: { at: 2 } }],
      ate: 9,
      gave: 7,
    },
  },
  stream: [
    { engine: 'model-1' },
    { thinks: 'Hm.' },
    { says: 'I ' },
    { says: 'look.' },
    { does: { id: 'a1', name: 'look', arguments: '{"at"' } },
    { does: { arguments: ':2}' } },
    { ate: 9, gave: 7 },
  ],
  afterFinish: 0,
  response: { ...response, reasoning: 'Hm.', usage: { input_tokens: 9, output_tokens: 7 } },
};

export const APIS: readonly ApiAnswers[] = [custom, gemini, responses, mistral, bedrockAnswers];
