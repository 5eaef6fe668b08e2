import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareStrings, compareValues } from '#jdbx/base/order.js';
import type { Value } from '#jdbx/base/values.js';
import { text, value } from '../suites/arbitrary-values.ts';

/** Each line comes before the next; what stands in one line is equal. */
const ASCENDING: (Value | undefined)[][] = [
  [null, undefined],
  [Number.NaN],
  [Number.NEGATIVE_INFINITY],
  [-1.5],
  [-Number.MIN_VALUE],
  [0, -0],
  [1],
  [2],
  [10],
  [Number.POSITIVE_INFINITY],
  [''],
  ['\0'],
  ['10'],
  ['2'],
  ['a'],
  ['a\0'],
  ['a\u0001'],
  ['aa'],
  ['b'],
  ['\uffff'],
  ['\u{10000}'],
  ['\u{1f600}'],
  [{}],
  [{ a: null }],
  [{ b: 1 }],
  [{ b: 1, c: null }],
  [{ b: 2 }],
  [{ a: 'x' }],
  [[]],
  [[null]],
  [[1]],
  [[1, 1]],
  [[2]],
  [['a']],
  [[[]]],
  [new Uint8Array([])],
  [new Uint8Array([255])],
  [new Uint8Array([0, 0])],
  [new Uint8Array([0, 1])],
  [false],
  [true],
  [new Date(-1)],
  [new Date(0)],
  [new Date('2026-01-31')],
];

test('values of all types stand in the order of MongoDB', () => {
  for (const [i, left] of ASCENDING.entries()) {
    for (const [j, right] of ASCENDING.entries()) {
      for (const a of left) {
        for (const b of right) expect(Math.sign(compareValues(a, b))).toBe(Math.sign(i - j));
      }
    }
  }
});

test('an object compares the type of a field before its name, and its name before its value', () => {
  expect(compareValues({ z: 1 }, { a: 'x' })).toBeLessThan(0);
  expect(compareValues({ a: 9 }, { b: 1 })).toBeLessThan(0);
  expect(compareValues({ a: 1, b: 1 }, { b: 1, a: 1 })).toBeLessThan(0);
});

test('strings stand in the order of their UTF-8 bytes', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareStrings(a, b))).toBe(bytes);
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

test('the order is antisymmetric and transitive', () => {
  const sign = (a: Value, b: Value) => Math.sign(compareValues(a, b));
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(sign(a, b) + sign(b, a)).toBe(0);
      if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
    }),
    { seed: 2, numRuns: 2_000 },
  );
});

test('what no document can hold is refused', () => {
  expect(() => compareValues((() => 1) as never, 1)).toThrow(TypeError);
});
