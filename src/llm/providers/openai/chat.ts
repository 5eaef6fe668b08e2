import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readChatAnswer, scopeOf } from './chat-answer.js';
import { chatBody } from './chat-request.js';
import { ChatStream } from './chat-stream.js';
import { completionBody, readCompletion } from './completions.js';

const ENDPOINT_DEFAULT = 'https://api.openai.com/v1/chat/completions';

/**
 * Any endpoint that speaks OpenAI's chat completions
 * (https://platform.openai.com/docs/api-reference/chat), or, when the
 * endpoint's path ends in `/completions` alone, the legacy completions
 * (https://platform.openai.com/docs/api-reference/completions), which are asked
 * for whole answers only.
 */
export const openaiChat: ApiMapping = {
  name: 'openai',
  post(call, streaming) {
    const url = endpointOf(call);
    const auth = call.secret === undefined ? {} : { authorization: `Bearer ${call.secret}` };
    const body = isLegacy(url)
      ? completionBody(call.request)
      : chatBody(call.request, streaming, scopeOf(call));
    return { url, headers: {}, auth, body };
  },
  read: (answer, call) =>
    isLegacy(endpointOf(call)) ? readCompletion(answer, call) : readChatAnswer(answer, call),
  readStream: (call) => (isLegacy(endpointOf(call)) ? undefined : new ChatStream(call)),
};

/** A base URL such as `http://host/v1` gets `/chat/completions` appended; a query stays. */
function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  url.pathname = url.pathname.replace(/\/+$/, '');
  if (!url.pathname.endsWith('/completions')) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
  }
  return url;
}

function isLegacy(url: URL): boolean {
  return !url.pathname.endsWith('/chat/completions');
}
