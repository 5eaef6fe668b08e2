/**
 * Tool calls in the words of each API, in the shape of its public reference, with values of
 * our own: one call with text beside it, and three in parallel, two of them of one tool and
 * one without arguments; and how the results go back. The official clients' types check what
 * there is one for.
 */
import type {
  Message,
  MessageParam,
  RawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/messages';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type {
  Response,
  ResponseFunctionToolCall,
  ResponseInputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import { awsFrame } from './bedrock-answers.js';

/** What the model says once, and what the next request holds of it and of the results. */
export interface ToolSay {
  readonly ids: readonly string[];
  readonly whole: object;
  readonly stream: readonly unknown[];
  /** The turns after the question. */
  readonly back: readonly object[];
}

export interface ToolTalk {
  readonly provider: string;
  /** What the integration's endpoint ends in. */
  readonly base: string;
  /** Of the stream. Default `text/event-stream`. */
  readonly contentType?: string;
  /** The turns in a body that was sent. */
  readonly turns: (body: Record<string, object[]>) => object[] | undefined;
  readonly one: ToolSay;
  readonly parallel: ToolSay;
}

export const TEXT = 'I look.';
/** Those of `one` is the first. */
export const CALLS = [
  { name: 'weather', arguments: { city: 'Köln', days: 2 } },
  { name: 'weather', arguments: { city: 'Oslo', days: 1 } },
  { name: 'clock', arguments: {} },
] as const;
/** The second tool failed. */
export const RESULTS = ['rain', 'no such city', '12:00'] as const;

const named = (data: { readonly type: string }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const jsonOf = (index: number) => JSON.stringify(CALLS[index]?.arguments);
/** Arguments come in pieces, cut in the middle of a name. */
const pieces = (json: string) => (json === '{}' ? [json] : [json.slice(0, 4), json.slice(4)]);
const upTo = (count: number) => CALLS.slice(0, count).map((call, index) => ({ ...call, index }));

/** https://platform.openai.com/docs/guides/function-calling and /api-reference/chat/object */
function chatSay(ids: readonly string[]): ToolSay {
  const text = ids.length === 1 ? TEXT : null;
  const calls = upTo(ids.length).map(({ name, index }) => ({
    id: ids[index] as string,
    type: 'function' as const,
    function: { name, arguments: jsonOf(index) },
  }));
  const base = { id: 'chatcmpl-1', created: 1_741_569_952, model: 'model-1' };
  const usage = { prompt_tokens: 82, completion_tokens: 17, total_tokens: 99 };
  const whole: ChatCompletion = {
    ...base,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, tool_calls: calls, refusal: null },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ],
    usage,
  };
  type Choice = ChatCompletionChunk.Choice;
  const chunk = (
    delta: Choice['delta'],
    finish_reason: Choice['finish_reason'] = null,
  ): ChatCompletionChunk => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  const begun = calls.map(({ id, type, function: { name } }, index) =>
    chunk({ tool_calls: [{ index, id, type, function: { name, arguments: '' } }] }),
  );
  // The pieces of parallel calls may stand between one another.
  const given = [0, 1].flatMap((at) =>
    calls.flatMap((call, index) => {
      const json = pieces(call.function.arguments)[at];
      return json === undefined
        ? []
        : [chunk({ tool_calls: [{ index, function: { arguments: json } }] })];
    }),
  );
  const back: ChatCompletionMessageParam[] = [
    { role: 'assistant', content: text, tool_calls: calls },
    ...calls.map(({ id }, index) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: RESULTS[index] as string,
    })),
  ];
  return {
    ids,
    whole,
    back,
    stream: [
      chunk({ role: 'assistant', content: text }),
      ...begun,
      ...given,
      chunk({}, 'tool_calls'),
      { ...chunk({}), choices: [], usage },
      'data: [DONE]\n\n',
    ],
  };
}

/** https://platform.openai.com/docs/api-reference/responses and /responses-streaming */
function responsesSay(ids: readonly string[]): ToolSay {
  const hasText = ids.length === 1;
  const calls = upTo(ids.length).map(
    ({ name, index }): ResponseFunctionToolCall => ({
      type: 'function_call',
      id: `fc_${index}`,
      call_id: ids[index] as string,
      name,
      arguments: jsonOf(index),
      status: 'completed',
    }),
  );
  const message = {
    type: 'message' as const,
    id: 'msg_1',
    role: 'assistant' as const,
    status: 'completed' as const,
    content: [{ type: 'output_text' as const, text: TEXT, annotations: [] }],
  };
  const before = hasText ? [message] : [];
  const whole: Response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1_741_569_952,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: 'model-1',
    output: [...before, ...calls],
    output_text: hasText ? TEXT : '',
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: {
      input_tokens: 82,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 17,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 99,
    },
  };
  let sequence_number = 0;
  const streamed: ResponseStreamEvent[] = [
    {
      type: 'response.created',
      sequence_number: sequence_number++,
      response: { ...whole, status: 'in_progress', output: [] },
    },
  ];
  if (hasText) {
    streamed.push({
      type: 'response.output_text.delta',
      sequence_number: sequence_number++,
      output_index: 0,
      item_id: 'msg_1',
      content_index: 0,
      delta: TEXT,
      logprobs: [],
    });
  }
  for (const [index, call] of calls.entries()) {
    const item_id = `fc_${index}`;
    const output_index = index + before.length;
    streamed.push({
      type: 'response.output_item.added',
      sequence_number: sequence_number++,
      output_index,
      item: { ...call, arguments: '', status: 'in_progress' },
    });
    for (const delta of pieces(call.arguments)) {
      streamed.push({
        type: 'response.function_call_arguments.delta',
        sequence_number: sequence_number++,
        output_index,
        item_id,
        delta,
      });
    }
    streamed.push(
      {
        type: 'response.function_call_arguments.done',
        sequence_number: sequence_number++,
        output_index,
        item_id,
        name: call.name,
        arguments: call.arguments,
      },
      {
        type: 'response.output_item.done',
        sequence_number: sequence_number++,
        output_index,
        item: call,
      },
    );
  }
  streamed.push({ type: 'response.completed', sequence_number, response: whole });
  const back: ResponseInputItem[] = [
    ...(hasText ? [{ role: 'assistant' as const, content: TEXT }] : []),
    ...calls.map(({ type, call_id, name, arguments: json }) => ({
      type,
      call_id,
      name,
      arguments: json,
    })),
    ...calls.map(({ call_id }, index) => ({
      type: 'function_call_output' as const,
      call_id,
      output: RESULTS[index] as string,
    })),
  ];
  return { ids, whole, back, stream: streamed.map(named) };
}

/** https://docs.anthropic.com/en/docs/agents-and-tools/tool-use and /build-with-claude/streaming */
function messagesSay(ids: readonly string[]): ToolSay {
  const hasText = ids.length === 1;
  const uses = upTo(ids.length).map(({ name, arguments: input, index }) => ({
    type: 'tool_use' as const,
    id: ids[index] as string,
    name,
    input,
    caller: { type: 'direct' as const },
  }));
  const before = hasText ? [{ type: 'text' as const, text: TEXT, citations: null }] : [];
  const whole = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'model-1',
    content: [...before, ...uses],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: {
      input_tokens: 82,
      output_tokens: 17,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  } satisfies Omit<Partial<Message>, 'usage'> & { readonly usage: Partial<Message['usage']> };
  type Block = Extract<RawMessageStreamEvent, { type: 'content_block_start' }>['content_block'];
  type Delta = Extract<RawMessageStreamEvent, { type: 'content_block_delta' }>['delta'];
  const block = (index: number, content_block: Block, deltas: readonly Delta[]) => {
    const events: RawMessageStreamEvent[] = [
      { type: 'content_block_start', index, content_block },
      ...deltas.map((delta) => ({ type: 'content_block_delta' as const, index, delta })),
      { type: 'content_block_stop', index },
    ];
    return events.map(named);
  };
  const said = before.flatMap((text) =>
    block(0, { ...text, text: '' }, [{ type: 'text_delta', text: TEXT }]),
  );
  // Arguments begin with an empty piece; for a tool without any, it is all there is.
  const called = uses.flatMap((use, index) => {
    const json = jsonOf(index);
    const parts = ['', ...(json === '{}' ? [] : pieces(json))];
    const deltas = parts.map((partial_json): Delta => ({ type: 'input_json_delta', partial_json }));
    return block(index + before.length, { ...use, input: {} }, deltas);
  });
  const results = uses.map(({ id }, index) => ({
    type: 'tool_result' as const,
    tool_use_id: id,
    content: RESULTS[index] as string,
    ...(index === 1 ? { is_error: true } : {}),
  }));
  const back: MessageParam[] = [
    {
      role: 'assistant',
      content: [
        ...(hasText ? [{ type: 'text' as const, text: TEXT }] : []),
        ...uses.map(({ caller: _, ...use }) => use),
      ],
    },
    { role: 'user', content: results },
  ];
  return {
    ids,
    whole,
    back,
    stream: [
      named({
        type: 'message_start',
        message: { ...whole, content: [], stop_reason: null },
      } as { readonly type: string }),
      ...said,
      named({ type: 'ping' }),
      ...called,
      named({
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { output_tokens: 17 },
      } as { readonly type: string }),
      named({ type: 'message_stop' }),
    ],
  };
}

/**
 * https://ai.google.dev/gemini-api/docs/function-calling and /api/caching#FunctionCall: `id`
 * is optional there; where it comes, the result has to bear it.
 */
function geminiSay(ids: readonly string[], hasIds: boolean): ToolSay {
  const text = ids.length === 1 ? [{ text: TEXT }] : [];
  const idOf = (index: number) => (hasIds ? { id: ids[index] } : {});
  const calls = upTo(ids.length).map(({ name, arguments: args, index }) => ({
    functionCall: { ...idOf(index), name, args },
  }));
  const part = (parts: object[], more: object = {}) => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    modelVersion: 'model-1',
    responseId: 'r1',
  });
  const usageMetadata = { promptTokenCount: 82, candidatesTokenCount: 17, totalTokenCount: 99 };
  const results = upTo(ids.length).map(({ name, index }) => ({
    functionResponse: {
      ...idOf(index),
      name,
      response: { [index === 1 ? 'error' : 'result']: RESULTS[index] },
    },
  }));
  return {
    ids,
    whole: { ...part([...text, ...calls], { finishReason: 'STOP' }), usageMetadata },
    stream: [
      ...text.map((one) => part([one])),
      part(calls.slice(0, 2)),
      ...(calls.length > 2 ? [part(calls.slice(2))] : []),
      { ...part([{ text: '' }], { finishReason: 'STOP' }), usageMetadata },
    ],
    back: [
      { role: 'model', parts: [...text, ...calls] },
      { role: 'user', parts: results },
    ],
  };
}

/** https://docs.mistral.ai/capabilities/function_calling: a streamed call comes in one piece. */
function mistralSay(ids: readonly string[]): ToolSay {
  const text = ids.length === 1 ? TEXT : '';
  const calls = upTo(ids.length).map(({ name, index }) => ({
    id: ids[index] as string,
    function: { name, arguments: jsonOf(index) },
    index,
  }));
  const base = { id: 'm1', created: 1_741_569_952, model: 'model-1' };
  const usage = { prompt_tokens: 82, completion_tokens: 17, total_tokens: 99 };
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return {
    ids,
    whole: {
      ...base,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: text, tool_calls: calls, prefix: false },
          finish_reason: 'tool_calls',
        },
      ],
      usage,
    },
    stream: [
      chunk({ role: 'assistant', content: text }),
      { ...chunk({ content: '', tool_calls: calls }, 'tool_calls'), usage },
      'data: [DONE]\n\n',
    ],
    back: [
      {
        role: 'assistant',
        content: text === '' ? null : text,
        tool_calls: calls.map(({ id, function: made }) => ({
          id,
          type: 'function',
          function: made,
        })),
      },
      ...calls.map(({ id }, index) => ({
        role: 'tool',
        tool_call_id: id,
        content: RESULTS[index],
      })),
    ],
  };
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html */
function converseSay(ids: readonly string[]): ToolSay {
  const text = ids.length === 1 ? [{ text: TEXT }] : [];
  const uses = upTo(ids.length).map(({ name, arguments: input, index }) => ({
    toolUse: { toolUseId: ids[index], name, input },
  }));
  const event = (name: string, body: object) =>
    awsFrame({ ':message-type': 'event', ':event-type': name }, body);
  const usage = { inputTokens: 82, outputTokens: 17, totalTokens: 99 };
  const block = (contentBlockIndex: number, start: object, deltas: readonly object[]) => [
    ...(Object.keys(start).length === 0
      ? []
      : [event('contentBlockStart', { contentBlockIndex, start })]),
    ...deltas.map((delta) => event('contentBlockDelta', { contentBlockIndex, delta })),
    event('contentBlockStop', { contentBlockIndex }),
  ];
  const results = uses.map(({ toolUse: { toolUseId } }, index) => ({
    toolResult: {
      toolUseId,
      content: [{ text: RESULTS[index] }],
      ...(index === 1 ? { status: 'error' } : {}),
    },
  }));
  return {
    ids,
    whole: {
      output: { message: { role: 'assistant', content: [...text, ...uses] } },
      stopReason: 'tool_use',
      usage,
      metrics: { latencyMs: 5 },
    },
    stream: [
      event('messageStart', { role: 'assistant' }),
      ...text.flatMap((said) => block(0, {}, [said])),
      ...uses.flatMap(({ toolUse: { toolUseId, name } }, index) => {
        const parts = pieces(jsonOf(index)).map((input) => ({ toolUse: { input } }));
        return block(index + text.length, { toolUse: { toolUseId, name } }, parts);
      }),
      event('messageStop', { stopReason: 'tool_use' }),
      event('metadata', { usage, metrics: { latencyMs: 5 } }),
    ],
    back: [
      { role: 'assistant', content: [...text, ...uses] },
      { role: 'user', content: results },
    ],
  };
}

const both = (
  say: (ids: readonly string[]) => ToolSay,
  ids: readonly [string, string, string],
) => ({
  one: say(ids.slice(0, 1)),
  parallel: say(ids),
});

export const TOOL_TALKS: readonly (ToolTalk & { readonly name: string })[] = [
  {
    name: 'OpenAI chat completions',
    provider: 'openai',
    base: '/v1',
    turns: ({ messages }) => messages,
    ...both(chatSay, ['call_Ka1', 'call_Kb2', 'call_Kc3']),
  },
  {
    name: 'OpenAI responses',
    provider: 'openai-responses',
    base: '/v1',
    turns: ({ input }) => input,
    ...both(responsesSay, ['call_Ka1', 'call_Kb2', 'call_Kc3']),
  },
  {
    name: 'Anthropic messages',
    provider: 'anthropic',
    base: '/v1',
    turns: ({ messages }) => messages,
    ...both(messagesSay, ['toolu_01a', 'toolu_01b', 'toolu_01c']),
  },
  {
    name: 'Gemini, calls without ids',
    provider: 'gemini',
    base: '/v1beta',
    turns: ({ contents }) => contents,
    ...both((ids) => geminiSay(ids, false), ['call_0', 'call_1', 'call_2']),
  },
  {
    name: 'Gemini, calls with ids',
    provider: 'gemini',
    base: '/v1beta',
    turns: ({ contents }) => contents,
    ...both((ids) => geminiSay(ids, true), ['a8k2', 'b9l3', 'c0m4']),
  },
  {
    name: 'Mistral chat completions',
    provider: 'mistral',
    base: '',
    turns: ({ messages }) => messages,
    ...both(mistralSay, ['D681PevKs', 'E792QfwLt', 'F803RgxMu']),
  },
  {
    name: 'Bedrock Converse and ConverseStream',
    provider: 'bedrock',
    base: '',
    contentType: 'application/vnd.amazon.eventstream',
    turns: ({ messages }) => messages,
    ...both(converseSay, ['tooluse_a', 'tooluse_b', 'tooluse_c']),
  },
];
