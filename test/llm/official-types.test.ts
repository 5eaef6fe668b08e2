/**
 * The official clients' types check our requests: each constant here is of such a type when
 * `npm run types` compiles it, and is what our mapping makes when the test runs.
 */
import type {
  MessageCreateParamsNonStreaming,
  MessageCreateParamsStreaming,
} from '@anthropic-ai/sdk/resources/messages';
import type {
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
} from 'openai/resources/chat/completions';
import type {
  ResponseCreateParamsNonStreaming,
  ResponseCreateParamsStreaming,
} from 'openai/resources/responses/responses';
import { expect, it } from 'vitest';
import type { ApiMapping } from '#jdbx/llm/api-mapping.js';
import type { ModelRequest } from '#jdbx/llm/contract.js';
import { anthropicMessages } from '#jdbx/llm/providers/anthropic/messages.js';
import { openaiChat } from '#jdbx/llm/providers/openai/chat.js';
import { openaiResponses } from '#jdbx/llm/providers/openai/responses.js';

const parameters = { type: 'object' as const, properties: { at: { type: 'number' } } };
const schema = {
  type: 'object',
  properties: { cat: { type: 'boolean' } },
  required: ['cat'],
  additionalProperties: false,
};

/** Everything that a request can hold. */
const request: ModelRequest = {
  model: 'gpt-4.1',
  messages: [
    { role: 'system', content: 'Be brief.' },
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
      content: 'Let me look.',
      tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 1 } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'a cat', is_error: true },
  ],
  settings: { temperature: 0, max_tokens: 50, top_p: 0.9, stop: ['END'] },
  tools: [{ name: 'look', description: 'Looks.', parameters }],
  tool_choice: { name: 'look' },
  response_schema: { name: 'cat', schema },
};

const chat: ChatCompletionCreateParamsNonStreaming = {
  model: 'gpt-4.1',
  temperature: 0,
  max_tokens: 50,
  top_p: 0.9,
  stop: ['END'],
  messages: [
    { role: 'system', content: 'Be brief.' },
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
      content: 'Let me look.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
  ],
  tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters } }],
  tool_choice: { type: 'function', function: { name: 'look' } },
  response_format: { type: 'json_schema', json_schema: { name: 'cat', schema, strict: true } },
};
const chatStream: ChatCompletionCreateParamsStreaming = {
  ...chat,
  stream: true,
  stream_options: { include_usage: true },
};

const responses: ResponseCreateParamsNonStreaming = {
  store: false,
  model: 'gpt-4.1',
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
        { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
        {
          type: 'input_file',
          filename: 'a.pdf',
          file_data: 'data:application/pdf;base64,aGk=',
        },
      ],
    },
    { role: 'assistant', content: 'Let me look.' },
    { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":1}' },
    { type: 'function_call_output', call_id: 'c1', output: 'a cat' },
  ],
  tools: [{ type: 'function', strict: false, name: 'look', description: 'Looks.', parameters }],
  tool_choice: { type: 'function', name: 'look' },
  text: { format: { type: 'json_schema', name: 'cat', schema, strict: true } },
};
const responsesStream: ResponseCreateParamsStreaming = { ...responses, stream: true };

const messages: MessageCreateParamsNonStreaming = {
  model: 'gpt-4.1',
  max_tokens: 50,
  stop_sequences: ['END'],
  system: 'Be brief.',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is on it?' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
        {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' },
        },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: 'c1', name: 'look', input: { at: 1 } },
      ],
    },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'a cat', is_error: true }],
    },
  ],
  tools: [{ name: 'look', description: 'Looks.', input_schema: parameters }],
  tool_choice: { type: 'tool', name: 'look' },
  output_config: { format: { type: 'json_schema', schema } },
};
const messagesStream: MessageCreateParamsStreaming = { ...messages, stream: true };

/** The client's types know no `temperature` and `top_p` any more; older models still take them. */
function withoutSampling(mapping: ApiMapping): ApiMapping {
  return {
    ...mapping,
    post: (call, streaming) => {
      const { temperature: _, top_p: __, ...settings } = call.request.settings;
      return mapping.post({ ...call, request: { ...call.request, settings } }, streaming);
    },
  };
}

const EXPECTED: readonly (readonly [ApiMapping, boolean, object])[] = [
  [openaiChat, false, chat],
  [openaiChat, true, chatStream],
  [openaiResponses, false, responses],
  [openaiResponses, true, responsesStream],
  [withoutSampling(anthropicMessages), false, messages],
  [withoutSampling(anthropicMessages), true, messagesStream],
];

it.each(EXPECTED)(
  '%o, streamed: %s, makes what the official type allows',
  (mapping, streaming, body) => {
    const integration = { _id: 'integration:a', _type: 'integration', _rev: 1 };
    const signal = new AbortController().signal;
    const made = mapping.post(
      { request, integration, idempotencyKey: 'k', signal },
      streaming,
    ).body;
    expect(JSON.parse(JSON.stringify(made))).toEqual(body);
  },
);
