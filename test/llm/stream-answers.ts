/**
 * Streamed answers in the shape that the providers' public API references give
 * them, with values of our own.
 */
import { chatAnswer, messagesAnswer } from './provider-answers.js';

/** https://platform.openai.com/docs/api-reference/chat-streaming */
export function chunk(delta: object, finish_reason: string | null = null): object {
  const { id, created, model } = chatAnswer;
  const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
  return { id, object: 'chat.completion.chunk', created, model, choices };
}

export const chatChunks: readonly object[] = [
  chunk({ role: 'assistant', content: '', refusal: null }),
  chunk({ content: 'The answer' }),
  chunk({ content: ' is 42 ✓.' }),
  chunk({}, 'stop'),
  { ...chunk({}), choices: [], usage: chatAnswer.usage },
];

function named(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const delta = (index: number, fields: object) =>
  named({ type: 'content_block_delta', index, delta: fields });

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export const messageEvents: readonly string[] = [
  named({
    type: 'message_start',
    message: {
      ...messagesAnswer,
      content: [],
      stop_reason: null,
      usage: { ...messagesAnswer.usage, output_tokens: 1 },
    },
  }),
  named({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'thinking', thinking: '' },
  }),
  named({ type: 'ping' }),
  delta(0, { type: 'thinking_delta', thinking: 'A well-known number.' }),
  delta(0, { type: 'signature_delta', signature: 'EqQBCgIYAhIM' }),
  named({ type: 'content_block_stop', index: 0 }),
  named({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }),
  delta(1, { type: 'text_delta', text: 'The answer ' }),
  delta(1, { type: 'text_delta', text: 'is 42.' }),
  named({ type: 'content_block_stop', index: 1 }),
  named({
    type: 'content_block_start',
    index: 2,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
  }),
  delta(2, { type: 'input_json_delta', partial_json: '{"city": "K' }),
  delta(2, { type: 'input_json_delta', partial_json: 'öln"}' }),
  named({ type: 'content_block_stop', index: 2 }),
  named({
    type: 'message_delta',
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { output_tokens: 503 },
  }),
  named({ type: 'message_stop' }),
];
