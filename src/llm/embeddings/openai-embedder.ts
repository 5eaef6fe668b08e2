import { JdbxError } from '../../base/errors.js';
import { isPlainObject } from '../../base/values.js';
import type { Integration, ProviderCall } from '../contract.js';
import { redactError, redactorFor } from '../redact.js';
import type { Transport } from '../transport/transport.js';
import { type Embedder, type EmbedOptions, unit } from './embedder.js';

/** Texts in one request; servers refuse more than some 2,000. */
const TEXTS_AT_ONCE = 256;

export interface OpenaiEmbedderOptions {
  readonly transport: Transport;
  /** Its `endpoint` is a base URL such as `http://host/v1`; its `model` names the embedder. */
  readonly integration: Integration;
  readonly dims: number;
  readonly secret?: string | undefined;
}

/**
 * Embeds by any server that speaks OpenAI's embeddings API
 * (https://platform.openai.com/docs/api-reference/embeddings).
 */
export function openaiEmbedder(options: OpenaiEmbedderOptions): Embedder {
  const { transport, integration, dims, secret } = options;
  const { endpoint = 'https://api.openai.com/v1', model = '' } = integration;
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/embeddings`;
  const redact = redactorFor(secret);
  const auth = secret === undefined ? {} : { authorization: `Bearer ${secret}` };

  const embedSome = async (
    input: readonly string[],
    { signal = new AbortController().signal, onTokens }: EmbedOptions,
  ) => {
    const request = { model, messages: [], settings: {} };
    const call: ProviderCall = { request, integration, secret, idempotencyKey: 'embed', signal };
    const body = { model, input, encoding_format: 'float' };
    const answer = await transport
      .whole({ url, headers: {}, auth, body }, call)
      .catch((error) => Promise.reject(redactError(error, redact)));
    const { prompt_tokens } = isPlainObject(answer.body.usage) ? answer.body.usage : {};
    if (typeof prompt_tokens === 'number') onTokens?.(prompt_tokens);
    return readVectors(answer.body.data, input.length, dims);
  };

  return {
    id: `openai/${model}@${dims}`,
    dims,
    kind: 'semantic',
    price: integration.price,
    billed: { provider: integration.priced_as ?? 'openai', model },
    async embed(texts, options = {}) {
      const vectors: Float32Array[] = [];
      for (let from = 0; from < texts.length; from += TEXTS_AT_ONCE) {
        vectors.push(...(await embedSome(texts.slice(from, from + TEXTS_AT_ONCE), options)));
      }
      return vectors;
    },
  };
}

/** Servers may answer out of order: `index` says which text a vector is of. */
function readVectors(data: unknown, count: number, dims: number): Float32Array[] {
  const vectors: Float32Array[] = [];
  for (const item of Array.isArray(data) ? data : []) {
    const { index, embedding } = isPlainObject(item) ? item : {};
    const fits = Array.isArray(embedding) && embedding.length === dims;
    if (fits && Number.isInteger(index)) vectors[index as number] = unit(embedding as number[]);
  }
  const whole = vectors.length === count && Object.keys(vectors).length === count;
  if (whole) return vectors;
  const text = `expected ${count} vectors of ${dims} numbers, got ${Object.keys(vectors).length}`;
  throw new JdbxError('MODEL_RESPONSE', text, { operation: 'embed' });
}
