/** What providers say of their limits in headers, as each of them words it. */
import { expect, test } from 'vitest';
import { readRetryAfter, readRetryDelay, readUsedUp } from '#jdbx/llm/transport/rate-headers.js';

const now = Date.parse('2026-03-01T12:00:00Z');
const headers = (all: Record<string, string>) => new Headers(all);

test.each([
  ['nothing', {}, undefined],
  ['a limit that is not used up', openai('12', '6m0s'), undefined],
  ['minutes and seconds, as OpenAI says it', openai('0', '6m0.5s'), 360_500],
  ['milliseconds', openai('0', '20ms'), 20],
  ['plain seconds, as Azure says it', openai('0', '10'), 10_000],
  [
    'a date, as Anthropic says it',
    {
      'anthropic-ratelimit-output-tokens-remaining': '0',
      'anthropic-ratelimit-output-tokens-reset': '2026-03-01T12:00:30Z',
    },
    30_000,
  ],
  [
    'the latest of several',
    { ...openai('0', '1s'), 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '3s' },
    3_000,
  ],
  [
    'milliseconds since the epoch, as OpenRouter says it',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 5_000) },
    5_000,
  ],
  [
    'seconds since the epoch',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1_000 + 5) },
    5_000,
  ],
  ['a time that is past', { 'ratelimit-remaining': '0', 'ratelimit-reset': '1200000000' }, 0],
  ['nonsense', openai('0', 'tomorrow, 5s or so'), undefined],
  ['no time at all', { 'x-ratelimit-remaining-requests': '0' }, undefined],
  ['what is left as nonsense', openai('none', '5s'), undefined],
])('%s', (_, all, expected) => {
  expect(readUsedUp(headers(all), now)).toBe(expected);
});

function openai(left: string, reset: string): Record<string, string> {
  return { 'x-ratelimit-remaining-requests': left, 'x-ratelimit-reset-requests': reset };
}

test('Retry-After is seconds, a date, or milliseconds under a name of its own', () => {
  const read = (all: Record<string, string>) => readRetryAfter(headers(all), now);
  expect(read({ 'retry-after': '1.5' })).toBe(1_500);
  expect(read({ 'retry-after': 'Sun, 01 Mar 2026 12:00:07 GMT' })).toBe(7_000);
  expect(read({ 'retry-after': '9', 'retry-after-ms': '150' })).toBe(150);
  expect(read({ 'retry-after': 'soon' })).toBeUndefined();
});

test('Google says in the body how long to wait', () => {
  const details = [{ '@type': 'a' }, { '@type': 'google.rpc.RetryInfo', retryDelay: '34.5s' }];
  expect(readRetryDelay({ error: { code: 429, details } })).toBe(34_500);
  expect(readRetryDelay({ error: { code: 429 } })).toBeUndefined();
  expect(readRetryDelay('busy')).toBeUndefined();
});
