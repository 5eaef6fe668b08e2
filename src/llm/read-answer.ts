import type { Clock } from '../base/clock.js';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import { type BoundedBody, readBoundedBody } from './bounded-body.js';
import { parseCleanJson } from './clean-json.js';
import type { ProviderCall } from './contract.js';
import { excerpt, readErrorMessage, readRequestId, statusError } from './http-errors.js';
import { type Redact, redactor } from './redact.js';

/** The largest answer that is read; no text answer comes near it. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** How much of an error's body is read. */
const ERROR_BYTES_MAX = 64 * 1024;

export interface Answer {
  /** The body, an object with well-formed strings and without the secret. */
  readonly body: ValueObject;
  readonly requestId: string | undefined;
}

/**
 * Reads the response to a call of `url`.
 *
 * @throws {JdbxError} MODEL_RATE_LIMITED, MODEL_REFUSED, MODEL_UNAVAILABLE, MODEL_RESPONSE; or
 * what the connection threw while the body came in
 */
export function readAnswer(
  response: Response,
  url: URL,
  call: ProviderCall,
  clock: Clock,
): Promise<Answer> {
  return new Reader(response, url, call, clock).read();
}

/** Turns one response into an answer or an error. Nothing leaves it before the secret is out. */
class Reader {
  readonly #response: Response;
  readonly #url: URL;
  readonly #who: string;
  readonly #redact: Redact;
  readonly #clock: Clock;

  constructor(response: Response, url: URL, call: ProviderCall, clock: Clock) {
    this.#response = response;
    this.#url = url;
    this.#who = describeTarget(url, call);
    this.#redact = redactor(call.secret === undefined ? [] : [call.secret]);
    this.#clock = clock;
  }

  async read(): Promise<Answer> {
    if (isRedirect(this.#response)) throw await this.#redirected();
    if (!this.#response.ok) throw await this.#refused();
    const { text, cut } = await readBoundedBody(this.#response, ANSWER_BYTES_MAX);
    if (cut) throw this.#unusable(`at most ${ANSWER_BYTES_MAX} bytes`, 'more');
    const body = this.#parse(text);
    if ('error' in body && body.error) throw this.#inBandError(body);
    return { body, requestId: this.#redact(readRequestId(this.#response.headers)) };
  }

  #parse(text: string): ValueObject {
    if (text.trim() === '') throw this.#unusable('JSON', 'an empty body');
    const body = this.#tryParse(text);
    if (isPlainObject(body)) return body as ValueObject;
    const type = this.#redact(this.#response.headers.get('content-type') ?? 'no content type');
    throw this.#unusable('a JSON object', `${excerpt(this.#redact(text))} (${type})`);
  }

  #tryParse(text: string): Value | undefined {
    try {
      return this.#redact(parseCleanJson(text));
    } catch {
      return undefined;
    }
  }

  async #refused(): Promise<JdbxError> {
    const { status, headers } = this.#response;
    const { text } = await this.#errorBody();
    const body = this.#tryParse(text) ?? this.#redact(text);
    return statusError({ who: this.#who, status, headers, body, now: this.#clock.now() });
  }

  /** A status is known already, so a body that breaks off does not hide it. */
  async #errorBody(): Promise<BoundedBody> {
    try {
      return await readBoundedBody(this.#response, ERROR_BYTES_MAX);
    } catch {
      return { text: '(the body broke off)', cut: true };
    }
  }

  async #redirected(): Promise<JdbxError> {
    await this.#response.body?.cancel();
    const target = this.#redact(describeLocation(this.#response, this.#url));
    return this.#unusable('an answer from the endpoint itself', `a redirect to ${target}`);
  }

  /** Some gateways answer 200 and put the upstream's error, with its status, in the body. */
  #inBandError(body: ValueObject): JdbxError {
    const code = isPlainObject(body.error) ? body.error.code : undefined;
    const { headers } = this.#response;
    if (typeof code === 'number' && code >= 400 && code <= 599) {
      const now = this.#clock.now();
      return statusError({ who: this.#who, status: code, headers, body, now });
    }
    return this.#unusable('an answer', `an error: ${readErrorMessage(body)}`);
  }

  #unusable(expected: string, got: string): JdbxError {
    return responseError(`${this.#who}: expected ${expected}, got ${got}`, this.#response.status);
  }
}

/** What a provider says when the JSON that came is not its API's. */
export function responseError(text: string, status?: number): JdbxError {
  const details = status === undefined ? {} : { details: { status } };
  return new JdbxError('MODEL_RESPONSE', text, { operation: 'generate', ...details });
}

/** Whom an error names: the integration and the host that it was sent to. */
export function describeTarget(url: URL, { integration }: ProviderCall): string {
  return `${integration._id} (${url.host})`;
}

function isRedirect(response: Response): boolean {
  return response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400);
}

/** Origin and path only: a redirect's query is where tokens travel. */
function describeLocation(response: Response, base: URL): string {
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, base.href)) return 'nowhere';
  const url = new URL(location, base);
  return `${url.origin}${url.pathname}`;
}
