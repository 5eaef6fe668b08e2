import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readMessagesAnswer, scopeOf } from './answer.js';
import { messagesBody } from './request.js';
import { MessagesStream } from './stream.js';

const ENDPOINT_DEFAULT = 'https://api.anthropic.com/v1/messages';
/** The version of the API that the mapping was written for. */
const VERSION = '2023-06-01';

/**
 * Anthropic's messages API (https://docs.anthropic.com/en/api/messages). System
 * messages are lifted out of the list, `stop` becomes `stop_sequences`, and
 * `seed`, which the API refuses, is left out and named in `extra.ignored_settings`.
 */
export const anthropicMessages: ApiMapping = {
  name: 'anthropic',
  post: (call, streaming) => ({
    url: endpointOf(call),
    headers: { 'anthropic-version': VERSION },
    auth: call.secret === undefined ? {} : { 'x-api-key': call.secret },
    body: messagesBody(call.request, streaming, scopeOf(call)),
  }),
  read: readMessagesAnswer,
  readStream: (call) => new MessagesStream(call),
};

/** A bare host gets `/v1/messages` appended, a base URL such as `http://host/v1` gets `/messages`. */
function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  const path = url.pathname.replace(/\/+$/, '');
  if (path === '') url.pathname = '/v1/messages';
  else url.pathname = path.endsWith('/messages') ? path : `${path}/messages`;
  return url;
}
