import type { Clock } from '../../base/clock.js';
import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ProviderCall } from '../contract.js';
import { type Redact, redactorFor } from '../redact.js';
import { type BoundedBody, readBoundedBody } from './bounded-body.js';
import { parseCleanJson } from './clean-json.js';
import type { Exchange } from './exchange.js';
import { excerpt, readErrorMessage, readRequestId, statusError } from './http-errors.js';

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
 * Turns the answer to a call of `url` into values or errors. Nothing leaves it
 * before the secret is out.
 */
export class AnswerReader {
  readonly #exchange: Exchange;
  readonly #url: URL;
  readonly #call: ProviderCall;
  readonly #redact: Redact;
  readonly #clock: Clock;
  readonly #moved: () => void;

  /** @param moved called with each piece of a whole answer that comes bit by bit */
  constructor(
    exchange: Exchange,
    url: URL,
    call: ProviderCall,
    { clock, moved }: { clock: Clock; moved: () => void },
  ) {
    this.#exchange = exchange;
    this.#url = url;
    this.#call = call;
    this.#redact = redactorFor(call.secret);
    this.#clock = clock;
    this.#moved = moved;
  }

  get #who(): string {
    return describeTarget(this.#url, this.#call);
  }

  get requestId(): string | undefined {
    return this.#redact(readRequestId(this.#exchange.headers));
  }

  /**
   * Reads an answer that is one JSON object.
   *
   * @throws {JdbxError} MODEL_RATE_LIMITED, MODEL_REFUSED, MODEL_UNAVAILABLE, MODEL_RESPONSE; or
   * what the connection threw while the body came in
   */
  whole(): Answer | Promise<Answer> {
    if (!this.#isGood) return this.checkStatus().then(() => this.whole());
    const body = readBoundedBody(this.#exchange.body, ANSWER_BYTES_MAX, this.#moved);
    return body instanceof Promise ? body.then((read) => this.#read(read)) : this.#read(body);
  }

  #read({ text, cut }: BoundedBody): Answer {
    if (cut) throw this.tooLarge();
    const body = this.#parse(text);
    this.checkError(body);
    return { body, requestId: this.requestId };
  }

  /** @throws {JdbxError} for a redirect and every status that is no success */
  async checkStatus(): Promise<void> {
    const { status } = this.#exchange;
    if (status >= 300 && status < 400) throw this.#redirected();
    if (!this.#isGood) throw await this.#refused();
  }

  get #isGood(): boolean {
    const { status } = this.#exchange;
    return status >= 200 && status <= 299;
  }

  /** A piece of a stream that is one JSON object. @throws {JdbxError} as `whole` */
  piece(text: string): ValueObject {
    const body = this.#parse(text);
    this.checkError(body);
    return body;
  }

  /** @throws {JdbxError} when a body with a good status holds an error */
  checkError(body: ValueObject): void {
    if ('error' in body && body.error) throw this.#inBandError(body);
  }

  tooLarge(): JdbxError {
    return this.unusable(`at most ${ANSWER_BYTES_MAX} bytes`, 'more');
  }

  unusable(expected: string, got: string): JdbxError {
    return responseError(`${this.#who}: expected ${expected}, got ${got}`, this.#exchange.status);
  }

  #parse(text: string): ValueObject {
    if (text.trim() === '') throw this.unusable('JSON', 'an empty body');
    const body = this.#tryParse(text);
    if (isPlainObject(body)) return body as ValueObject;
    const type = this.#redact(this.#exchange.headers.get('content-type') ?? 'no content type');
    throw this.unusable('a JSON object', `${excerpt(this.#redact(text))} (${type})`);
  }

  #tryParse(text: string): Value | undefined {
    try {
      return this.#redact(parseCleanJson(text));
    } catch {
      return undefined;
    }
  }

  async #refused(): Promise<JdbxError> {
    const { status, headers } = this.#exchange;
    const { text } = await this.#errorBody();
    const body = this.#tryParse(text) ?? this.#redact(text);
    return statusError({ who: this.#who, status, headers, body, now: this.#clock.now() });
  }

  /** A status is known already, so a body that breaks off does not hide it. */
  async #errorBody(): Promise<BoundedBody> {
    try {
      return await readBoundedBody(this.#exchange.body, ERROR_BYTES_MAX);
    } catch {
      return { text: '(the body broke off)', cut: true };
    }
  }

  #redirected(): JdbxError {
    this.#exchange.body.drop();
    const target = this.#redact(describeLocation(this.#exchange, this.#url));
    return this.unusable('an answer from the endpoint itself', `a redirect to ${target}`);
  }

  /**
   * Some gateways answer 200 and put the upstream's error, with its status, in the body;
   * and an error in the middle of a stream has no other place.
   */
  #inBandError(body: ValueObject): JdbxError {
    const status = statusOf(body.error as Value);
    const { headers } = this.#exchange;
    if (status !== undefined) {
      return statusError({ who: this.#who, status, headers, body, now: this.#clock.now() });
    }
    return this.unusable('an answer', `an error: ${readErrorMessage(body)}`);
  }
}

/**
 * The statuses that providers' error types stand for
 * (https://docs.anthropic.com/en/api/errors,
 * https://platform.openai.com/docs/guides/error-codes,
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html).
 */
const TYPE_STATUS = new Map<unknown, number>([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['api_error', 500],
  ['server_error', 500],
  ['overloaded_error', 529],
  ['throttlingException', 429],
  ['validationException', 400],
  ['modelStreamErrorException', 500],
  ['modelTimeoutException', 408],
  ['internalServerException', 500],
  ['serviceUnavailableException', 503],
]);

function statusOf(error: Value): number | undefined {
  if (!isPlainObject(error)) return undefined;
  const { code, type } = error;
  if (typeof code === 'number' && code >= 400 && code <= 599) return code;
  return TYPE_STATUS.get(code) ?? TYPE_STATUS.get(type);
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

/** Origin and path only: a redirect's query is where tokens travel. */
function describeLocation({ headers }: Exchange, base: URL): string {
  const location = headers.get('location');
  if (location === null || !URL.canParse(location, base.href)) return 'nowhere';
  const url = new URL(location, base);
  return `${url.origin}${url.pathname}`;
}
