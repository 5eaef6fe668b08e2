import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from '#jdbx/base/iso-time.js';

const TIME_MAX = 8.64e15;

test('isoTime writes any time as the platform does', () => {
  const times = fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_002_000 }),
    fc.integer({ min: -3_000, max: 3_000 }),
    fc.double({ min: -TIME_MAX, max: TIME_MAX, noNaN: true }),
  );
  fc.assert(
    fc.property(times, times, (first, then) => {
      for (const ms of [first, then, first]) {
        expect(isoTime(ms)).toBe(new Date(ms).toISOString());
      }
    }),
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, TIME_MAX + 1_000])('and refuses %d', (ms) => {
  expect(() => isoTime(ms)).toThrow(RangeError);
});
