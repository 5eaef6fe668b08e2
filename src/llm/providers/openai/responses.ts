import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readResponse, scopeOf } from './responses-answer.js';
import { responsesBody } from './responses-request.js';
import { ResponsesStream } from './responses-stream.js';

const ENDPOINT_DEFAULT = 'https://api.openai.com/v1/responses';

/**
 * OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses).
 * Nothing is kept at the provider unless the settings say `store: true`.
 */
export const openaiResponses: ApiMapping = {
  name: 'openai-responses',
  post: (call, streaming) => ({
    url: endpointOf(call),
    headers: {},
    auth: call.secret === undefined ? {} : { authorization: `Bearer ${call.secret}` },
    body: responsesBody(call.request, streaming, scopeOf(call)),
  }),
  read: readResponse,
  readStream: (call) => new ResponsesStream(call),
};

function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/responses') ? path : `${path}/responses`;
  return url;
}
