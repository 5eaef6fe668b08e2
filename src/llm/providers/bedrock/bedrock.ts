import type { ApiMapping } from '../../api-mapping.js';
import type { ProviderCall } from '../../contract.js';
import { readConverse, scopeOf } from './answer.js';
import { AwsEventStream, loadCodec } from './event-stream.js';
import { converseBody } from './request.js';
import { signer } from './sign.js';
import { ConverseStream } from './stream.js';

const REGION_DEFAULT = 'us-east-1';

/**
 * AWS Bedrock's Converse and ConverseStream
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
 * The secret is `ACCESS_KEY_ID:SECRET_ACCESS_KEY`, with `:SESSION_TOKEN` where there is one,
 * and signs each request (SigV4); or it is a Bedrock API key, and goes as a bearer token.
 * The API takes no schema for answers and no seed.
 */
export const bedrock: ApiMapping = {
  name: 'bedrock',
  post(call, streaming) {
    const url = endpointOf(call, streaming);
    const body = converseBody(call.request, scopeOf(call));
    const { secret } = call;
    if (secret === undefined) return { url, headers: {}, auth: {}, body };
    if (!secret.includes(':'))
      return { url, headers: {}, auth: { authorization: `Bearer ${secret}` }, body };
    return { url, headers: {}, auth: {}, body, sign: signer(secret, regionOf(call)) };
  },
  read: readConverse,
  readStream: (call) => new ConverseStream(call),
  framing: async () => {
    const createCodec = await loadCodec();
    return {
      contentType: 'application/vnd.amazon.eventstream',
      createReader: () => new AwsEventStream(createCodec()),
    };
  },
};

function endpointOf(call: ProviderCall, streaming: boolean): URL {
  const { integration, request } = call;
  const host = `https://bedrock-runtime.${regionOf(call)}.amazonaws.com`;
  const url = new URL(integration.endpoint ?? host);
  const verb = streaming ? 'converse-stream' : 'converse';
  const base = url.pathname.replace(/\/+$/, '');
  url.pathname = `${base}/model/${encodeURIComponent(request.model)}/${verb}`;
  return url;
}

/** From the integration, or from the host that it names. */
function regionOf({ integration: { region, endpoint } }: ProviderCall): string {
  if (region !== undefined) return region;
  const host = endpoint === undefined ? '' : new URL(endpoint).hostname;
  return /^bedrock-runtime[^.]*\.([a-z0-9-]+)\./.exec(host)?.[1] ?? REGION_DEFAULT;
}
