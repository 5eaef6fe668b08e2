import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readChatAnswer, scopeOf } from '../openai/chat-answer.js';
import { chatBody } from '../openai/chat-request.js';
import { ChatStream } from '../openai/chat-stream.js';

const ENDPOINT_DEFAULT = 'https://api.mistral.ai/v1/chat/completions';

/**
 * Mistral's chat completions (https://docs.mistral.ai/api/endpoint/chat): OpenAI's, with
 * other names for a seed and for a tool that must be called; fields that it does not
 * know, such as `stream_options`, are refused, and usage comes unasked.
 */
export const mistral: ApiMapping = {
  name: 'mistral',
  post: (call, streaming) => ({
    url: endpointOf(call),
    headers: {},
    auth: call.secret === undefined ? {} : { authorization: `Bearer ${call.secret}` },
    body: bodyOf(call, streaming),
  }),
  read: readChatAnswer,
  readStream: (call) => new ChatStream(call),
};

function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/chat/completions') ? path : `${path || '/v1'}/chat/completions`;
  return url;
}

function bodyOf(call: ProviderCall, streaming: boolean): unknown {
  const { seed, ...body } = chatBody(call.request, streaming, scopeOf(call)) as Record<
    string,
    unknown
  >;
  const choice = body.tool_choice === 'required' ? { tool_choice: 'any' } : {};
  const named = seed === undefined ? {} : { random_seed: seed };
  return { ...body, stream_options: undefined, ...choice, ...named };
}
