import { type Clock, systemClock } from '../base/clock.js';
import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import { type BoundedBody, readBoundedBody } from './bounded-body.js';
import { parseCleanJson } from './clean-json.js';
import type { ProviderCall } from './contract.js';
import { Deadline } from './deadline.js';
import { excerpt, readErrorMessage, readRequestId, statusError } from './http-errors.js';
import { type Redact, redactor } from './redact.js';

/** Milliseconds for one attempt, from the first byte sent to the last one read. */
export const TIMEOUT_MS_DEFAULT = 60_000;
/** The largest answer that is read; no text answer comes near it. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** How much of an error's body is read. */
const ERROR_BYTES_MAX = 64 * 1024;

export interface TransportOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  readonly clock?: Clock | undefined;
}

/** One POST of JSON: where to, with which headers of the provider's own, and what. */
export interface Post {
  readonly url: URL;
  /** Lower-case names. The integration's `headers` go over `headers`, and `auth` over both. */
  readonly headers: { readonly [name: string]: string };
  readonly auth: { readonly [name: string]: string };
  readonly body: unknown;
}

export interface Answer {
  /** The body, an object with well-formed strings and without the secret. */
  readonly body: ValueObject;
  readonly requestId: string | undefined;
}

/**
 * Sends one attempt and reads its answer. Redirects are never followed: the
 * secret was meant for the host that the integration names.
 *
 * @throws {JdbxError} MODEL_RATE_LIMITED, MODEL_REFUSED, MODEL_UNAVAILABLE, MODEL_TIMEOUT,
 * MODEL_RESPONSE, or the abort reason of `call.signal`
 */
export type Transport = (post: Post, call: ProviderCall) => Promise<Answer>;

export function createTransport(options: TransportOptions): Transport {
  const send = options.fetch ?? fetch;
  const clock = options.clock ?? systemClock;
  return async (post, call) => {
    call.signal.throwIfAborted();
    const deadline = new Deadline(call.signal, timeoutOf(call));
    try {
      const response = await send(post.url, requestInit(post, call, deadline.signal));
      return await new Reader(response, post, call, clock).read();
    } catch (error) {
      throw explain(error, post, call, deadline);
    } finally {
      deadline.clear();
    }
  };
}

function requestInit(post: Post, call: ProviderCall, signal: AbortSignal): RequestInit {
  return {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'idempotency-key': headerText(call.idempotencyKey),
      ...post.headers,
      ...lowerNames(call.integration.headers ?? {}),
      ...post.auth,
    },
    body: JSON.stringify(post.body),
    signal,
  };
}

/** Turns one response into an answer or an error. Nothing leaves it before the secret is out. */
class Reader {
  readonly #response: Response;
  readonly #post: Post;
  readonly #who: string;
  readonly #redact: Redact;
  readonly #clock: Clock;

  constructor(response: Response, post: Post, call: ProviderCall, clock: Clock) {
    this.#response = response;
    this.#post = post;
    this.#who = whoOf(post, call);
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
    const target = this.#redact(describeTarget(this.#response, this.#post.url));
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

function explain(error: unknown, post: Post, call: ProviderCall, deadline: Deadline): unknown {
  if (call.signal.aborted) return call.signal.reason;
  const who = whoOf(post, call);
  if (deadline.passed || /TIMEOUT/.test(systemCode(error))) {
    const text = `${who} did not answer within ${timeoutOf(call)} ms`;
    return new JdbxError('MODEL_TIMEOUT', text, { operation: 'generate', cause: error });
  }
  if (isJdbxError(error)) return error;
  const reason = systemCode(error) || describeThrown(error);
  const text = `${who} could not be reached, or broke off its answer: ${reason}`;
  return new JdbxError('MODEL_UNAVAILABLE', text, { operation: 'generate', cause: error });
}

/** The operating system's or the HTTP client's code, e.g. `ECONNREFUSED`; `fetch` hides it in the cause. */
function systemCode(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function timeoutOf(call: ProviderCall): number {
  return call.integration.timeout_ms ?? TIMEOUT_MS_DEFAULT;
}

function whoOf(post: Post, call: ProviderCall): string {
  return `${call.integration._id} (${post.url.host})`;
}

function isRedirect(response: Response): boolean {
  return response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400);
}

/** Origin and path only: a redirect's query is where tokens travel. */
function describeTarget(response: Response, base: URL): string {
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, base.href)) return 'nowhere';
  const url = new URL(location, base);
  return `${url.origin}${url.pathname}`;
}

function lowerNames(headers: { readonly [name: string]: string }): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** A key made from a stage's name may hold any character; a header may not. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
