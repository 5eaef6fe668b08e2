import { type Clock, systemClock } from '../base/clock.js';
import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import type { ProviderCall } from './contract.js';
import { Deadline } from './deadline.js';
import { type Answer, describeTarget, readAnswer } from './read-answer.js';

/** Milliseconds for one attempt, from the first byte sent to the last one read. */
export const TIMEOUT_MS_DEFAULT = 60_000;

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
      return await readAnswer(response, post.url, call, clock);
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

function explain(error: unknown, post: Post, call: ProviderCall, deadline: Deadline): unknown {
  if (call.signal.aborted) return call.signal.reason;
  const who = describeTarget(post.url, call);
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

function lowerNames(headers: { readonly [name: string]: string }): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** A key made from a stage's name may hold any character; a header may not. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
