/**
 * Bedrock's words for the talk of the suite, in the shape of its public reference
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html),
 * with values of our own.
 */
import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { ApiAnswers } from './api-answers.js';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (text) => Buffer.from(text),
);

/** One message of an AWS event stream. */
export function awsFrame(names: Record<string, string>, body: object): Uint8Array {
  const headers = Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, { type: 'string' as const, value }]),
  );
  return codec.encode({ headers, body: Buffer.from(JSON.stringify(body)) });
}

const event = (name: string, body: object) => awsFrame({ ':event-type': name }, body);
const delta = (contentBlockIndex: number, fields: object) =>
  event('contentBlockDelta', { contentBlockIndex, delta: fields });

const usage = { inputTokens: 7, outputTokens: 7, totalTokens: 16, cacheReadInputTokens: 2 };
const schema = { type: 'object' };

export const bedrockAnswers: ApiAnswers = {
  provider: 'bedrock',
  base: '',
  path: '/model/test-model/converse',
  streamPath: '/model/test-model/converse-stream',
  contentType: 'application/vnd.amazon.eventstream',
  body: {
    system: [{ text: 'Be brief.' }],
    messages: [
      {
        role: 'user',
        content: [
          { text: 'What is on it?' },
          { image: { format: 'png', source: { bytes: 'aGk=' } } },
        ],
      },
      {
        role: 'assistant',
        content: [{ toolUse: { toolUseId: 'c1', name: 'look', input: { at: 1 } } }],
      },
      {
        role: 'user',
        content: [{ toolResult: { toolUseId: 'c1', content: [{ text: 'a cat' }] } }],
      },
    ],
    inferenceConfig: { maxTokens: 50, temperature: 0, topP: 0.9 },
    toolConfig: {
      tools: [{ toolSpec: { name: 'look', description: 'Looks.', inputSchema: { json: schema } } }],
      toolChoice: { any: {} },
    },
  },
  whole: {
    output: {
      message: {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'Hm.' } } },
          { text: 'I look.' },
          { toolUse: { toolUseId: 'tooluse_1', name: 'look', input: { at: 2 } } },
        ],
      },
    },
    stopReason: 'tool_use',
    usage,
  },
  stream: [
    event('messageStart', { role: 'assistant' }),
    delta(0, { reasoningContent: { text: 'Hm.' } }),
    event('contentBlockStop', { contentBlockIndex: 0 }),
    delta(1, { text: 'I ' }),
    delta(1, { text: 'look.' }),
    event('contentBlockStart', {
      contentBlockIndex: 2,
      start: { toolUse: { toolUseId: 'tooluse_1', name: 'look' } },
    }),
    delta(2, { toolUse: { input: '{"at"' } }),
    delta(2, { toolUse: { input: ':2}' } }),
    event('messageStop', { stopReason: 'tool_use' }),
    event('metadata', { usage, metrics: { latencyMs: 5 } }),
  ],
  afterFinish: 2,
  response: {
    text: 'I look.',
    reasoning: 'Hm.',
    model: 'test-model',
    finish: 'tool',
    tool_calls: [{ name: 'look', arguments: { at: 2 } }],
    usage: { input_tokens: 9, output_tokens: 7, cached_tokens: 2 },
  },
};
