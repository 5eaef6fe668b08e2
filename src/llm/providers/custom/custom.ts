import { JdbxError } from '../../../base/errors.js';
import { describeType, isPlainObject, takeValue, type Value } from '../../../base/values.js';
import { eventsOf } from '../../answer-builder.js';
import type {
  Integration,
  ModelEvent,
  ModelResponse,
  Provider,
  ProviderCall,
} from '../../contract.js';
import type { Answer } from '../../transport/read-answer.js';
import type { Post, Transport } from '../../transport/transport.js';
import { readEvents, readResponse } from './read-neutral.js';

/**
 * Runs a transformer document's code, away from everything, on one value.
 *
 * @param document as the integration names it: the document itself, or its id
 */
export type Transform = (document: Value, input: Value, call: ProviderCall) => Promise<Value>;

/** What an integration document of this provider says beside the usual. */
type Custom = Integration & {
  /** Makes `{ body, path?, headers? }` of `{ request, streaming }`. */
  readonly request_transformer?: Value;
  /** Makes a neutral response of `{ body, request }`. */
  readonly response_transformer?: Value;
  /**
   * Makes `{ events, state? }` of `{ event, data, state }` for each piece of a stream, and of
   * `{ end: true, state }` behind the last one. Absent: answers are asked for whole.
   */
  readonly stream_transformer?: Value;
  /** The header that holds the secret alone. Default: `authorization`, behind `Bearer`. */
  readonly auth_header?: string;
};

/**
 * A provider that is nothing but documents: transformers that turn the neutral request
 * into the body of a POST, and what comes back into a neutral answer. They see no secret,
 * and cannot send anything anywhere: the endpoint is the integration's.
 */
export function createCustom(transport: Transport, transform: Transform): Provider {
  const custom = new CustomCalls(transport, transform);
  return {
    name: 'custom',
    generate: (call) => custom.generate(call),
    tell: (call, take) => custom.tell(call, take),
  };
}

class CustomCalls {
  readonly #transport: Transport;
  readonly #transform: Transform;

  constructor(transport: Transport, transform: Transform) {
    this.#transport = transport;
    this.#transform = transform;
  }

  async generate(call: ProviderCall) {
    return this.#read(await this.#transport.whole(await this.#post(call, false), call), call);
  }

  async tell(call: ProviderCall, take: (event: ModelEvent) => void): Promise<void> {
    const { stream_transformer: taker } = call.integration as Custom;
    const tellAll = (response: ModelResponse) => {
      for (const event of eventsOf(response)) take(event);
    };
    if (taker === undefined) return tellAll(await this.generate(call));
    let state: Value = null;
    const takePiece = async (piece: Value) => {
      const made = await this.#transform(taker, takeValue({ ...(piece as object), state }), call);
      const { events, next } = readEvents(made, call);
      state = next;
      for (const event of events) take(event);
    };
    let isWhole = false;
    await this.#transport.stream(await this.#post(call, true), call, async (streamed) => {
      isWhole = streamed.kind === 'whole';
      if (streamed.kind === 'whole') return tellAll(await this.#read(streamed.answer, call));
      const { event = null, data } = streamed.piece;
      return takePiece({ event, data });
    });
    if (!isWhole) await takePiece({ end: true });
  }

  async #read({ body, requestId }: Answer, call: ProviderCall) {
    const { response_transformer: reader } = call.integration as Custom;
    const request = call.request as unknown as Value;
    const input = { body, request, request_id: requestId ?? null };
    const made = await this.#transform(need(reader, 'response_transformer'), input, call);
    return readResponse(made, call);
  }

  async #post(call: ProviderCall, streaming: boolean): Promise<Post> {
    const { integration, secret } = call;
    const { request_transformer: maker, auth_header, endpoint } = integration as Custom;
    const input = { request: call.request as unknown as Value, streaming };
    const made = await this.#transform(need(maker, 'request_transformer'), input, call);
    const { body, path = '', headers = {} } = isPlainObject(made) ? made : {};
    if (!isPlainObject(body) || typeof path !== 'string' || !isPlainObject(headers)) {
      const text = `expected { body, path?, headers? } from the request_transformer of ${integration._id}`;
      throw new JdbxError('GUEST_OUTPUT', `${text}, got ${describeType(made)}`);
    }
    return {
      url: withPath(need(endpoint, 'endpoint') as string, path),
      headers: textsOf(headers, integration),
      auth: authOf(secret, auth_header),
      body,
    };
  }
}

/** Stays on the endpoint's host, whatever the path says. */
function withPath(endpoint: string, path: string): URL {
  const url = new URL(endpoint);
  const [pathname = '', query] = path.split('?', 2);
  if (pathname !== '')
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${pathname.replace(/^\/+/, '')}`;
  if (query !== undefined) url.search = query;
  return url;
}

/**
 * They say to whom the request goes, or where it ends: behind one address many hosts may live,
 * and the secret is for the one that the integration names.
 */
const HOST_HEADERS =
  /^(host|connection|content-length|transfer-encoding|upgrade|expect|te|keep-alive|proxy-.*|x-forwarded-host)$/i;

function textsOf(headers: Record<string, unknown>, { _id }: Integration): Record<string, string> {
  const wrong = Object.keys(headers).find((name) => HOST_HEADERS.test(name));
  if (wrong !== undefined) {
    const text = `expected no header "${wrong}" from the request_transformer of ${_id}`;
    throw new JdbxError('GUEST_OUTPUT', text, { path: `headers.${wrong}` });
  }
  const texts = Object.entries(headers).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts.map(([name, text]) => [name.toLowerCase(), text as string]));
}

function authOf(secret: string | undefined, header: string | undefined): Record<string, string> {
  if (secret === undefined) return {};
  if (header === undefined) return { authorization: `Bearer ${secret}` };
  return { [header.toLowerCase()]: secret };
}

function need(field: Value | undefined, path: string): Value {
  if (field !== undefined) return field;
  throw new JdbxError('INVALID_INTEGRATION', 'expected it of a custom provider', { path });
}
