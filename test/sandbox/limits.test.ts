import { expect, test } from 'vitest';
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { resolveLimits } from '#jdbx/sandbox/limits.js';

test('a document without limits has the defaults', () => {
  expect(resolveLimits(undefined)).toEqual(GUEST_LIMITS.defaults);
  expect(resolveLimits({})).toEqual(GUEST_LIMITS.defaults);
});

test("a document's limits are read in their units", () => {
  expect(
    resolveLimits({ timeout_ms: 250, memory_mb: 32, stack_kb: 64, output_kb: 1, host_calls: 0 }),
  ).toEqual({
    timeoutMs: 250,
    memoryBytes: 32 * 2 ** 20,
    stackBytes: 64 * 2 ** 10,
    outputBytes: 1024,
    hostCalls: 0,
  });
});

test('no document passes a ceiling', () => {
  const huge = { timeout_ms: 1e9, memory_mb: 1e9, stack_kb: 1e9, output_kb: 1e9, host_calls: 1e9 };
  expect(resolveLimits(huge)).toEqual(GUEST_LIMITS.ceilings);
});

test.each([
  ['a list', [], 'limits:'],
  ['an unknown name', { timeoutMs: 5 }, 'limits.timeoutMs'],
  ['zero time', { timeout_ms: 0 }, 'limits.timeout_ms'],
  ['a negative number', { memory_mb: -1 }, 'limits.memory_mb'],
  ['NaN', { stack_kb: Number.NaN }, 'limits.stack_kb'],
  ['text', { output_kb: '8' }, 'limits.output_kb'],
])('%s is refused with its path', (_, limits, path) => {
  expect(() => resolveLimits(limits)).toThrow(`INVALID_DOCUMENT at ${path}`);
});
