import { isPlainObject, type Value } from '../../base/values.js';
import type { AnswerHeaders } from './exchange.js';

/** What is left of a limit, and when there is more of it. */
type Pair = readonly [left: string, reset: string];

/**
 * How providers name them: OpenAI, Azure and Groq
 * (https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers), Anthropic
 * (https://docs.anthropic.com/en/api/rate-limits#response-headers), OpenRouter, and
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/.
 */
const PAIRS: readonly Pair[] = [
  ...['requests', 'tokens'].map(
    (what): Pair => [`x-ratelimit-remaining-${what}`, `x-ratelimit-reset-${what}`],
  ),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
    (what): Pair => [`anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`],
  ),
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
];

/** What all of them have in their names. */
const IN_ALL = 'ratelimit';

/**
 * How long the provider asks to wait, in milliseconds: `retry-after-ms`, or
 * `Retry-After` in seconds or as a date.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function readRetryAfter(headers: AnswerHeaders, now: number): number | undefined {
  const ms = readNumber(headers.get('retry-after-ms'));
  if (ms !== undefined) return ms;
  const text = headers.get('retry-after');
  const seconds = readNumber(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  const date = Date.parse(text ?? '');
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** How long until there is more of every limit that is used up, in milliseconds; undefined where none is. */
export function readUsedUp(headers: AnswerHeaders, now: number): number | undefined {
  if (!hasLimits(headers)) return undefined;
  const waits = PAIRS.flatMap(([left, reset]) => {
    const remaining = headers.get(left);
    if (remaining === null || readNumber(remaining) !== 0) return [];
    const wait = readReset(headers.get(reset) ?? '', now);
    return wait === undefined ? [] : [wait];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** Most answers have none, which one look at their names tells. */
function hasLimits(headers: AnswerHeaders): boolean {
  for (const name of headers.keys()) if (name.includes(IN_ALL)) return true;
  return false;
}

/** Google tells it in the body (https://google.aip.dev/193, `google.rpc.RetryInfo`). */
export function readRetryDelay(body: Value): number | undefined {
  const error = isPlainObject(body) && isPlainObject(body.error) ? body.error : {};
  const details = Array.isArray(error.details) ? error.details.filter(isPlainObject) : [];
  const delay = details.find(({ retryDelay }) => typeof retryDelay === 'string')?.retryDelay;
  return delay === undefined ? undefined : readDuration(String(delay));
}

/** Seconds, seconds or milliseconds since the epoch, a duration such as `6m0s`, or a date. */
function readReset(text: string, now: number): number | undefined {
  const number = readNumber(text);
  if (number !== undefined) {
    if (number > 1e12) return Math.max(0, number - now);
    return number > 1e9 ? Math.max(0, number * 1_000 - now) : Math.ceil(number * 1_000);
  }
  const date = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? readDuration(text) : Math.max(0, date - now);
}

const UNIT_MS = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function readDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g);
  return Math.ceil(
    [...parts].reduce(
      (sum, [, n, unit]) => sum + Number(n) * (UNIT_MS.get(unit as string) ?? 0),
      0,
    ),
  );
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
