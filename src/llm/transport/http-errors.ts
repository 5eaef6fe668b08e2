import { type ErrorCode, JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value } from '../../base/values.js';
import type { AnswerHeaders } from './exchange.js';
import { readRetryAfter, readRetryDelay, readUsedUp } from './rate-headers.js';

/** Longest part of a provider's own message that is kept, in characters. */
const MESSAGE_LENGTH_MAX = 1_000;
/** Longest part of a body that is no message, in characters. */
const EXCERPT_LENGTH_MAX = 200;

export interface Refusal {
  /** Whom the error names: `provider (host)`. */
  readonly who: string;
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The body without secrets: parsed where it is JSON, else its text. */
  readonly body: Value;
  /** Milliseconds since the epoch, to measure a `Retry-After` date against. */
  readonly now: number;
}

/**
 * The error for an answer whose status is not a success, with
 * `details { status, retryAfterMs?, type?, requestId? }`.
 */
export function statusError(refusal: Refusal): JdbxError {
  const { who, status, headers, body, now } = refusal;
  const retryAfterMs =
    readRetryAfter(headers, now) ?? readUsedUp(headers, now) ?? readRetryDelay(body);
  const type = readErrorType(body);
  const requestId = readRequestId(headers);
  return new JdbxError(codeOf(status), `${who} answered ${status}: ${readErrorMessage(body)}`, {
    operation: 'generate',
    details: {
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(type === undefined ? {} : { type }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  });
}

/** 529 is Anthropic's "overloaded"; like every other 5xx it may pass. */
function codeOf(status: number): ErrorCode {
  if (status === 429) return 'MODEL_RATE_LIMITED';
  if (status === 408 || status >= 500) return 'MODEL_UNAVAILABLE';
  return status >= 400 ? 'MODEL_REFUSED' : 'MODEL_RESPONSE';
}

/** The name that the provider gave this request; its support asks for it. A long one is none. */
export function readRequestId(headers: AnswerHeaders): string | undefined {
  const id = headers.get('x-request-id') ?? headers.get('request-id');
  return id === null || id.length > EXCERPT_LENGTH_MAX ? undefined : id;
}

/**
 * The sentence in an error body: `error.message` (OpenAI, Anthropic), or what
 * other servers use: `error`, `message`, `detail`. Else an excerpt.
 */
export function readErrorMessage(body: Value): string {
  if (!isPlainObject(body)) return excerpt(body);
  const inner = isPlainObject(body.error) ? body.error.message : body.error;
  const text = [inner, body.message, body.detail].find((item) => typeof item === 'string');
  return typeof text === 'string'
    ? text.slice(0, MESSAGE_LENGTH_MAX).toWellFormed()
    : excerpt(body);
}

function readErrorType(body: Value): string | undefined {
  const error = isPlainObject(body) && isPlainObject(body.error) ? body.error : {};
  const type = error.code ?? error.type;
  return typeof type === 'string' ? type.slice(0, EXCERPT_LENGTH_MAX).toWellFormed() : undefined;
}

/** The first 200 characters of a body on one line. Redact before, not after: a cut secret hides. */
export function excerpt(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const line = text.replace(/\s+/g, ' ').trim();
  if (line === '') return '(nothing)';
  return line.length > EXCERPT_LENGTH_MAX
    ? `${line.slice(0, EXCERPT_LENGTH_MAX).toWellFormed()}…`
    : line;
}
