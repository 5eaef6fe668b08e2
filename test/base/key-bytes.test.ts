/**
 * The strategy: random values that share prefixes and hold the bytes which the
 * encoding treats specially, in compound keys with random directions, judged by
 * `compareValues`; and a table of exact bytes, because the format is stored.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareKeys, decodeKey, encodeKey, prefixEnd, typeRange } from '#jdbx/base/key-bytes.js';
import { compareValues } from '#jdbx/base/order.js';
import type { Value } from '#jdbx/base/values.js';
import { value } from '../suites/arbitrary-values.ts';

type Direction = 1 | -1;
const direction = fc.constantFrom<Direction>(1, -1);

/** Two compound keys and their directions; values repeat, so that ties reach later fields. */
const keyPair = fc.integer({ min: 1, max: 3 }).chain((fields) =>
  fc.array(value, { minLength: 1, maxLength: 3 }).chain((pool) => {
    const key = fc.array(fc.oneof(fc.constantFrom(...pool), value), {
      minLength: fields,
      maxLength: fields,
    });
    return fc.tuple(key, key, fc.array(direction, { minLength: fields, maxLength: fields }));
  }),
);

function compareCompound(left: Value[], right: Value[], directions: Direction[]): number {
  for (const [field, way] of directions.entries()) {
    const order = compareValues(left[field], right[field]);
    if (order !== 0) return order * way;
  }
  return 0;
}

function hex(...args: Parameters<typeof encodeKey>): string {
  return Buffer.from(encodeKey(...args)).toString('hex');
}

describe('encodeKey', () => {
  test.each<[Value | undefined, string]>([
    [undefined, '10'],
    [null, '10'],
    [0, '208000000000000000'],
    [-0, '208000000000000000'],
    [1, '20bff0000000000000'],
    [-1, '20400fffffffffffff'],
    [Number.NaN, '200000000000000000'],
    ['', '3000'],
    ['a\0\u0001b', '3061010101026200'],
    ['é€😀', '30c3a9e282acf09f988000'],
    [{}, '4000'],
    [{ a: 1, b: 'c' }, '40206100bff0000000000000306200630000'],
    [[], '5000'],
    [[null, 'a'], '501030610000'],
    [new Uint8Array([0, 255]), '600000000200ff'],
    [false, '7000'],
    [true, '7001'],
    [new Date(0), '808000000000000000'],
  ])('writes %j as the bytes of the stored format', (source, bytes) => {
    expect(hex([source])).toBe(bytes);
  });

  test('inverts the bytes of a descending field only', () => {
    expect(hex([null, null, true], [1, -1, -1])).toBe('10ef8ffe');
  });

  test('orders compound keys of mixed directions as compareValues does', () => {
    fc.assert(
      fc.property(keyPair, ([left, right, directions]) => {
        const order = compareKeys(encodeKey(left, directions), encodeKey(right, directions));
        expect(order).toBe(Math.sign(compareCompound(left, right, directions)));
      }),
      { seed: 3, numRuns: 10_000 },
    );
  });

  test('writes no field that is a proper prefix of another', () => {
    fc.assert(
      fc.property(value, value, direction, (a, b, way) => {
        const left = encodeKey([a], [way]);
        const right = encodeKey([b], [way]).subarray(0, left.length);
        expect(compareKeys(left, right) === 0).toBe(compareValues(a, b) === 0);
      }),
      { seed: 4, numRuns: 5_000 },
    );
  });

  test('gives the first fields as a prefix of the whole key', () => {
    fc.assert(
      fc.property(keyPair, ([values, , directions]) => {
        const prefix = encodeKey(values.slice(0, -1), directions);
        const key = encodeKey(values, directions);
        expect(compareKeys(key.subarray(0, prefix.length), prefix)).toBe(0);
      }),
      { seed: 5 },
    );
  });

  test('takes keys far larger than its scratch buffer, and small ones after them', () => {
    const long = '\0é😀'.repeat(100_000);
    expect(decodeKey(encodeKey([long, 1]))).toEqual([long, 1]);
    expect(hex([1])).toBe('20bff0000000000000');
  });

  test('refuses a lone surrogate, and is whole afterwards', () => {
    expect(() => encodeKey(['a', 'b\ud800'])).toThrow(TypeError);
    expect(() => encodeKey([{ '\udc00': 1 }])).toThrow(TypeError);
    expect(hex(['a'])).toBe('306100');
  });
});

describe('decodeKey', () => {
  test('gives back what was encoded, a missing value as null', () => {
    fc.assert(
      fc.property(keyPair, ([values, , directions]) => {
        expect(decodeKey(encodeKey(values, directions), directions)).toEqual(values);
      }),
      { seed: 6, numRuns: 5_000 },
    );
    expect(decodeKey(encodeKey([undefined, 1]))).toEqual([null, 1]);
  });

  test('keeps a property named __proto__ a property', () => {
    const [object] = decodeKey(encodeKey([JSON.parse('{"__proto__": {"a": 1}}')]));
    expect(Object.keys(object as object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });

  test.each(['20', '2000', '3061', '40', '4020', '5020', '60000000ff00', '70', '99', '00'])(
    'refuses the bytes %s as corrupt',
    (bytes) => {
      expect(() => decodeKey(Buffer.from(bytes, 'hex'))).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT' }),
      );
    },
  );
});

describe('what a planner asks', () => {
  test('prefixEnd lies above every key of the prefix and below every other later key', () => {
    fc.assert(
      fc.property(keyPair, value, ([values, others, directions], first) => {
        const prefix = encodeKey([first], directions);
        const end = prefixEnd(prefix) as Uint8Array;
        const inside = encodeKey([first, ...values], directions);
        expect(compareKeys(inside, end)).toBe(-1);
        const other = encodeKey([...others], directions);
        const startsSo = compareKeys(other.subarray(0, prefix.length), prefix) === 0;
        if (!startsSo && compareKeys(other, prefix) > 0) {
          expect(compareKeys(other, end)).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test('prefixEnd carries over 0xff bytes and has no answer past the last key', () => {
    expect(prefixEnd(new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 3]));
    expect(prefixEnd(new Uint8Array([1, 0xff, 0xff]))).toEqual(new Uint8Array([2]));
    expect(prefixEnd(new Uint8Array([0xff]))).toBeUndefined();
    expect(prefixEnd(new Uint8Array())).toBeUndefined();
  });

  test('typeRange holds the values of one type class and no other, in both directions', () => {
    fc.assert(
      fc.property(value, value, value, direction, (first, a, b, way) => {
        const prefix = encodeKey([first]);
        const { lower, upper } = typeRange(a, way, prefix);
        const key = encodeKey([first, b], [1, way]);
        const inside = compareKeys(lower, key) <= 0 && compareKeys(key, upper) < 0;
        expect(inside).toBe(encodeKey([a])[0] === encodeKey([b])[0]);
      }),
      { seed: 8, numRuns: 2_000 },
    );
  });
});
