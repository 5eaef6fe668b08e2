/**
 * A turn with reasoning and two tool calls in the words of each API, in the shape of its public
 * reference, with values of our own: what comes, whole and streamed, and the model's turn as it
 * has to go back. The official clients' types check what there is one for.
 */
import type {
  Message,
  MessageParam,
  RawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/messages';
import type {
  Response,
  ResponseInputItem,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import { awsFrame } from './bedrock-answers.js';

export interface ReasoningTalk {
  readonly name: string;
  readonly provider: string;
  /** What the integration's endpoint ends in. */
  readonly base: string;
  readonly model: string;
  /** Of the stream. Default `text/event-stream`. */
  readonly contentType?: string;
  readonly whole: object;
  readonly stream: readonly unknown[];
  readonly reasoning: string;
  readonly text: string;
  /** The model's turn, as it goes back. */
  readonly back: readonly object[];
  /** The same turn from another API. */
  readonly foreign: readonly object[];
  /** The turns in a body that was sent. */
  readonly turns: (body: Record<string, object[]>) => object[] | undefined;
}

/** Stands in every signature and seal here. */
export const SEALED = 'U0VBTEVE';
export const CALLS = [
  { id: 'a8k2', name: 'weather', arguments: { city: 'Köln' } },
  { id: 'b9l3', name: 'clock', arguments: {} },
] as const;
const TEXT = 'I look.';
const json = CALLS.map((call) => JSON.stringify(call.arguments));

const named = (data: { readonly type: string }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

/** https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#streaming-thinking */
function anthropic(): ReasoningTalk {
  const thought = { type: 'thinking' as const, thinking: 'Where? When?', signature: `${SEALED}1` };
  const hidden = { type: 'redacted_thinking' as const, data: `${SEALED}2` };
  const again = { type: 'thinking' as const, thinking: '', signature: `${SEALED}3` };
  const text = { type: 'text' as const, text: TEXT };
  const uses = CALLS.map(({ id, name, arguments: input }) => ({
    type: 'tool_use' as const,
    id,
    name,
    input,
  }));
  const [first, second] = uses as [(typeof uses)[0], (typeof uses)[0]];
  const content = [thought, hidden, text, first, again, second];
  const whole = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'model-1',
    content: content as Message['content'],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 82, output_tokens: 17 },
  } satisfies Omit<Partial<Message>, 'usage'> & { readonly usage: Partial<Message['usage']> };
  type Block = Extract<RawMessageStreamEvent, { type: 'content_block_start' }>['content_block'];
  type Delta = Extract<RawMessageStreamEvent, { type: 'content_block_delta' }>['delta'];
  const block = (index: number, content_block: object, ...deltas: readonly Delta[]) => {
    const events: RawMessageStreamEvent[] = [
      { type: 'content_block_start', index, content_block: content_block as Block },
      ...deltas.map((delta) => ({ type: 'content_block_delta' as const, index, delta })),
      { type: 'content_block_stop', index },
    ];
    return events.map(named);
  };
  const think = (thinking: string): Delta => ({ type: 'thinking_delta', thinking }) as Delta;
  const sign = (signature: string): Delta => ({ type: 'signature_delta', signature });
  const open = { type: 'thinking', thinking: '', signature: '' };
  const use = (index: number, at: number) =>
    block(
      index,
      { ...uses[at], input: {} },
      {
        type: 'input_json_delta',
        partial_json: json[at] as string,
      },
    );
  const back: MessageParam[] = [{ role: 'assistant', content }];
  const foreign: MessageParam[] = [{ role: 'assistant', content: [text, ...uses] }];
  return {
    name: 'Anthropic messages',
    provider: 'anthropic',
    base: '/v1',
    model: 'claude-sonnet-4-5',
    whole,
    stream: [
      named({ type: 'message_start', message: { ...whole, content: [] } } as { type: string }),
      ...block(0, open, think('Where? '), think('When?'), sign(thought.signature)),
      ...block(1, hidden),
      ...block(2, { type: 'text', text: '' }, { type: 'text_delta', text: TEXT }),
      ...use(3, 0),
      ...block(4, open, sign(again.signature)),
      ...use(5, 1),
      named({
        type: 'message_delta',
        delta: { stop_reason: 'tool_use' },
        usage: { output_tokens: 17 },
      } as { type: string }),
      named({ type: 'message_stop' }),
    ],
    reasoning: 'Where? When?',
    text: TEXT,
    back,
    foreign,
    turns: ({ messages }) => messages,
  };
}

/** https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items */
function responses(): ReasoningTalk {
  const item = (id: string, summary: string[]): ResponseReasoningItem => ({
    type: 'reasoning',
    id,
    summary: summary.map((text) => ({ type: 'summary_text', text })),
    encrypted_content: SEALED + id,
  });
  const [first, second] = [item('rs_1', ['Where?', 'When?']), item('rs_2', [])];
  const message = {
    type: 'message' as const,
    id: 'msg_1',
    role: 'assistant' as const,
    status: 'completed' as const,
    content: [{ type: 'output_text' as const, text: TEXT, annotations: [] }],
  };
  const calls = CALLS.map(({ id: call_id, name }, at) => ({
    type: 'function_call' as const,
    call_id,
    name,
    arguments: json[at] as string,
  }));
  const [weather, clock] = calls as [(typeof calls)[0], (typeof calls)[0]];
  const done = { status: 'completed' as const };
  const output: Response['output'] = [
    { ...first, ...done },
    message,
    { ...weather, id: 'fc_0', ...done },
    { ...second, ...done },
    { ...clock, id: 'fc_1', ...done },
  ];
  const whole = {
    id: 'resp_1',
    object: 'response',
    model: 'model-1',
    output,
    ...done,
    usage: { input_tokens: 82, output_tokens: 17 },
  };
  const stream: object[] = [
    { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
    ...['Where?', 'When?'].flatMap((delta, summary_index) => [
      { type: 'response.reasoning_summary_part.added', output_index: 0, summary_index },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index, delta },
    ]),
    ...output.flatMap((one, output_index): object[] => [
      { type: 'response.output_item.added', output_index, item: { ...one, arguments: '' } },
      ...(one.type === 'message'
        ? [{ type: 'response.output_text.delta', output_index, delta: TEXT }]
        : []),
      ...(one.type === 'function_call'
        ? [
            {
              type: 'response.function_call_arguments.delta',
              output_index,
              delta: one.arguments,
            },
          ]
        : []),
      {
        type: 'response.output_item.done',
        output_index,
        sequence_number: 1,
        item: one,
      } satisfies ResponseStreamEvent,
    ]),
    { type: 'response.completed', response: whole },
  ];
  const said = { role: 'assistant' as const, content: TEXT };
  const back: ResponseInputItem[] = [first, said, weather, second, clock];
  const foreign: ResponseInputItem[] = [said, weather, clock];
  return {
    name: 'OpenAI responses',
    provider: 'openai-responses',
    base: '/v1',
    model: 'o4-mini',
    whole,
    stream: stream.map((data) => named(data as { type: string })),
    reasoning: 'Where?\nWhen?',
    text: TEXT,
    back,
    foreign,
    turns: ({ input }) => input,
  };
}

/** https://ai.google.dev/gemini-api/docs/thought-signatures */
function gemini(): ReasoningTalk {
  const [weather, clock] = CALLS.map(({ id, name, arguments: args }) => ({
    functionCall: { id, name, args },
  })) as [object, object];
  const signed = { thoughtSignature: `${SEALED}2` };
  const parts = [
    { text: 'Where? When?', thought: true },
    { text: 'I ' },
    { text: 'look.', thoughtSignature: `${SEALED}1` },
    { ...weather, ...signed },
    clock,
    { text: '', thoughtSignature: `${SEALED}3` },
  ];
  const piece = (list: object[], more: object = {}) => ({
    candidates: [{ content: { role: 'model', parts: list }, index: 0, ...more }],
    modelVersion: 'model-1',
  });
  const usageMetadata = { promptTokenCount: 82, candidatesTokenCount: 17 };
  return {
    name: 'Gemini',
    provider: 'gemini',
    base: '/v1beta',
    model: 'gemini-3-pro',
    whole: { ...piece(parts, { finishReason: 'STOP' }), usageMetadata },
    stream: [
      piece(parts.slice(0, 2)),
      piece(parts.slice(2, 4)),
      piece(parts.slice(4, 5)),
      { ...piece(parts.slice(5), { finishReason: 'STOP' }), usageMetadata },
    ],
    reasoning: 'Where? When?',
    text: TEXT,
    back: [{ role: 'model', parts: parts.slice(1) }],
    // What the reference gives for calls that another model made.
    foreign: [
      {
        role: 'model',
        parts: [
          { text: TEXT },
          { ...weather, thoughtSignature: 'skip_thought_signature_validator' },
          clock,
        ],
      },
    ],
    turns: ({ contents }) => contents,
  };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningContentBlock.html */
function bedrock(): ReasoningTalk {
  const reasoningText = { text: 'Where? When?', signature: `${SEALED}1` };
  const redactedContent = Buffer.from(`${SEALED}2`).toString('base64');
  const uses = CALLS.map(({ id: toolUseId, name, arguments: input }) => ({
    toolUse: { toolUseId, name, input },
  }));
  const content = [
    { reasoningContent: { reasoningText } },
    { reasoningContent: { redactedContent } },
    { text: TEXT },
    ...uses,
  ];
  const usage = { inputTokens: 82, outputTokens: 17 };
  const event = (name: string, body: object) =>
    awsFrame({ ':message-type': 'event', ':event-type': name }, body);
  const block = (contentBlockIndex: number, deltas: readonly object[], start?: object) => [
    ...(start ? [event('contentBlockStart', { contentBlockIndex, start })] : []),
    ...deltas.map((delta) => event('contentBlockDelta', { contentBlockIndex, delta })),
    event('contentBlockStop', { contentBlockIndex }),
  ];
  const told = (reasoningContent: object) => ({ reasoningContent });
  return {
    name: 'Bedrock Converse and ConverseStream',
    provider: 'bedrock',
    base: '',
    model: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    contentType: 'application/vnd.amazon.eventstream',
    whole: { output: { message: { role: 'assistant', content } }, stopReason: 'tool_use', usage },
    stream: [
      event('messageStart', { role: 'assistant' }),
      ...block(0, [
        told({ text: 'Where? ' }),
        told({ text: 'When?' }),
        told({ signature: reasoningText.signature }),
      ]),
      ...block(1, [told({ redactedContent })]),
      ...block(2, [{ text: TEXT }]),
      ...CALLS.flatMap(({ id: toolUseId, name }, at) =>
        block(3 + at, [{ toolUse: { input: json[at] } }], { toolUse: { toolUseId, name } }),
      ),
      event('messageStop', { stopReason: 'tool_use' }),
      event('metadata', { usage }),
    ],
    reasoning: 'Where? When?',
    text: TEXT,
    back: [{ role: 'assistant', content }],
    foreign: [{ role: 'assistant', content: content.slice(2) }],
    turns: ({ messages }) => messages,
  };
}

const chatCalls = CALLS.map(({ id, name }, at) => ({
  id,
  type: 'function',
  function: { name, arguments: json[at] },
}));
const chatUsage = { prompt_tokens: 82, completion_tokens: 17, total_tokens: 99 };
const chatWhole = (message: object) => ({
  id: 'c1',
  model: 'model-1',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'tool_calls' }],
  usage: chatUsage,
});
const chatStream = (deltas: readonly object[]) => [
  ...[...deltas, {}].map((delta, at) => ({
    id: 'c1',
    model: 'model-1',
    choices: [{ index: 0, delta, finish_reason: at < deltas.length ? null : 'tool_calls' }],
  })),
  { choices: [], usage: chatUsage },
  'data: [DONE]\n\n',
];
const callDeltas = (more: object = {}) =>
  chatCalls.map((call, index) => ({
    tool_calls: [{ index, ...call, ...(index === 0 ? more : {}) }],
  }));
const chatTalk = {
  provider: 'openai',
  base: '/v1',
  model: 'm',
  text: TEXT,
  foreign: [{ role: 'assistant', content: TEXT, tool_calls: chatCalls }],
  turns: ({ messages }: Record<string, object[]>) => messages,
};

/** https://api-docs.deepseek.com/guides/thinking_mode#tool-calls */
function deepseek(): ReasoningTalk {
  const message = {
    content: TEXT,
    reasoning_content: `Where? ${SEALED}`,
    tool_calls: chatCalls,
  };
  return {
    ...chatTalk,
    name: 'DeepSeek’s chat completions',
    whole: chatWhole(message),
    stream: chatStream([
      { role: 'assistant', content: null, reasoning_content: 'Where? ' },
      { content: null, reasoning_content: SEALED },
      { content: TEXT, reasoning_content: null },
      ...callDeltas(),
    ]),
    reasoning: `Where? ${SEALED}`,
    back: [{ role: 'assistant', ...message }],
  };
}

/** https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks */
function openrouter(): ReasoningTalk {
  const format = 'anthropic-claude-v1';
  const text = {
    type: 'reasoning.text',
    text: 'Where? When?',
    signature: SEALED,
    format,
    index: 0,
  };
  const sealed = { type: 'reasoning.encrypted', data: SEALED, id: 'r1', format, index: 1 };
  const message = {
    content: TEXT,
    reasoning: 'Where? When?',
    reasoning_details: [text, sealed],
    tool_calls: chatCalls,
  };
  const { reasoning: _, ...back } = message;
  return {
    ...chatTalk,
    name: 'OpenRouter’s chat completions',
    whole: chatWhole(message),
    stream: chatStream([
      {
        content: '',
        reasoning: 'Where? ',
        reasoning_details: [{ ...text, text: 'Where? ', signature: null }],
      },
      {
        content: '',
        reasoning: 'When?',
        reasoning_details: [{ ...text, text: 'When?', signature: null }],
      },
      {
        content: '',
        reasoning_details: [{ type: 'reasoning.text', signature: SEALED, format, index: 0 }],
      },
      { content: '', reasoning_details: [sealed] },
      { content: TEXT },
      ...callDeltas(),
    ]),
    reasoning: 'Where? When?',
    back: [{ role: 'assistant', ...back }],
  };
}

/** https://ai.google.dev/gemini-api/docs/thought-signatures#openai */
function compatible(): ReasoningTalk {
  const mark = { extra_content: { google: { thought_signature: SEALED } } };
  const [first, ...rest] = chatCalls;
  const message = { content: TEXT, tool_calls: [{ ...first, ...mark }, ...rest] };
  return {
    ...chatTalk,
    name: 'Gemini’s chat completions',
    whole: chatWhole(message),
    stream: chatStream([{ content: TEXT }, ...callDeltas(mark)]),
    reasoning: '',
    back: [{ role: 'assistant', ...message }],
  };
}

/** https://docs.mistral.ai/capabilities/reasoning/: streamed, text is a plain string again. */
function mistral(): ReasoningTalk {
  const think = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] });
  const content = [think(`Where? ${SEALED}`), { type: 'text', text: TEXT }];
  return {
    ...chatTalk,
    name: 'Mistral chat completions',
    provider: 'mistral',
    base: '',
    whole: chatWhole({ content, tool_calls: chatCalls }),
    stream: chatStream([
      { role: 'assistant', content: '' },
      { content: [think('Where? ')] },
      { content: [think(SEALED)] },
      { content: TEXT },
      ...callDeltas(),
    ]),
    reasoning: `Where? ${SEALED}`,
    back: [{ role: 'assistant', content, tool_calls: chatCalls }],
  };
}

export const REASONING_TALKS: readonly ReasoningTalk[] = [
  anthropic(),
  responses(),
  gemini(),
  bedrock(),
  deepseek(),
  openrouter(),
  compatible(),
  mistral(),
];
