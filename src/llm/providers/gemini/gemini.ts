import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readGenerated, scopeOf } from './answer.js';
import { generateBody } from './request.js';
import { GeminiStream } from './stream.js';

const ENDPOINT_DEFAULT = 'https://generativelanguage.googleapis.com/v1beta';

/**
 * Google's Gemini API (https://ai.google.dev/api/generate-content). The model stands in
 * the path; settings get the API's names, and tool calls, which have no ids there, get
 * ids of their own.
 */
export const gemini: ApiMapping = {
  name: 'gemini',
  post: (call, streaming) => ({
    url: endpointOf(call, streaming),
    headers: {},
    auth: call.secret === undefined ? {} : { 'x-goog-api-key': call.secret },
    body: generateBody(call.request, scopeOf(call)),
  }),
  read: readGenerated,
  readStream: (call) => new GeminiStream(call),
};

function endpointOf({ integration, request }: ProviderCall, streaming: boolean): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  const base = url.pathname.replace(/\/+$/, '') || '/v1beta';
  const model = request.model.includes('/') ? request.model : `models/${request.model}`;
  const verb = streaming ? 'streamGenerateContent' : 'generateContent';
  url.pathname = `${base}/${model}:${verb}`;
  if (streaming) url.searchParams.set('alt', 'sse');
  return url;
}
