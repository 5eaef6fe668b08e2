import { isJdbxError, type JdbxError } from '../base/errors.js';
import type { RetryStrategy } from './contract.js';
import type { Sleep } from './sleep.js';

export const RETRY_DEFAULTS: Required<RetryStrategy> = {
  max_retries: 2,
  backoff: 'exponential',
  delay_ms: 500,
  /** A limit by the minute is over in one. */
  max_delay_ms: 60_000,
  retry_on: [408, 429, 500, 502, 503, 504, 529],
  retry_timeouts: false,
};

export interface RetryOptions {
  readonly strategy?: RetryStrategy | undefined;
  readonly signal: AbortSignal;
  readonly sleep: Sleep;
  /** A number in [0, 1), as `Math.random()` gives. */
  readonly random: () => number;
  /** Default: always true. */
  readonly mayRetry?: (() => boolean) | undefined;
}

/**
 * Calls `attempt(1)`, `attempt(2)`, … until one succeeds, fails for good, or
 * the retries are used up; then throws the last error. Aborting ends a wait at
 * once with the signal's reason.
 */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  for (let number = 1; ; number++) {
    options.signal.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      const { mayRetry = always } = options;
      const strategy = { ...RETRY_DEFAULTS, ...options.strategy };
      const isLast = number > strategy.max_retries || !mayRetry();
      if (isLast || !isRetryable(error, strategy)) throw error;
      await options.sleep(waitMs(number, error, strategy, options.random), options.signal);
    }
  }
}

const always = () => true;

/**
 * An answer with a status is retried when the strategy lists it. Without one,
 * nothing arrived: no connection; that may pass. One that is silent stays so, as a
 * rule, and each wait for it is a long one: it is asked again only if that is said. An
 * answer that is not the API's (MODEL_RESPONSE) is not retried: it was given,
 * perhaps billed, and the endpoint is probably wrong. And a provider that wants to be left alone
 * for longer than `max_delay_ms` is: the next of a chain may answer sooner.
 */
function isRetryable(error: unknown, strategy: Required<RetryStrategy>): error is JdbxError {
  if (!isJdbxError(error) || error.code === 'MODEL_RESPONSE') return false;
  if (askedMs(error) > strategy.max_delay_ms) return false;
  const status = error.details?.status;
  if (typeof status === 'number') return strategy.retry_on.includes(status);
  if (error.code === 'MODEL_TIMEOUT') return strategy.retry_timeouts;
  return error.code === 'MODEL_UNAVAILABLE';
}

/**
 * The wait after attempt `number`, in milliseconds. What the provider asks for
 * counts; else exponential backoff with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
 * or exactly `delay_ms` when the backoff is constant.
 */
function waitMs(
  number: number,
  error: JdbxError,
  strategy: Required<RetryStrategy>,
  random: () => number,
): number {
  if (error.details?.retryAfterMs !== undefined) return askedMs(error);
  if (strategy.backoff === 'constant') return Math.min(strategy.delay_ms, strategy.max_delay_ms);
  return random() * Math.min(strategy.delay_ms * 2 ** (number - 1), strategy.max_delay_ms);
}

/** How long the provider asks to be left alone, in milliseconds; 0 when it does not say. */
function askedMs({ details }: JdbxError): number {
  return typeof details?.retryAfterMs === 'number' ? details.retryAfterMs : 0;
}
