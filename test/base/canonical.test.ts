import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalText, contentHash } from '#jdbx/base/canonical.js';
import { toExtendedJson } from '#jdbx/base/extended-json.js';
import { isPlainObject, type Value } from '#jdbx/base/values.js';
import { value } from '../suites/arbitrary-values.ts';

/** The same value with the properties of every object in reverse order. */
function reversed(source: Value): Value {
  if (Array.isArray(source)) return source.map(reversed);
  if (!isPlainObject(source)) return source;
  const entries = Object.entries(source as Record<string, Value>).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

/** The text as its definition says: a sorted copy of the extended JSON, written by the platform. */
function naiveText(source: Value): string {
  const sorted = (json: unknown): unknown => {
    if (Array.isArray(json)) return json.map(sorted);
    if (!isPlainObject(json)) return json;
    const entries = Object.keys(json).map((key) => [key, sorted(json[key])] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return JSON.stringify(sorted(toExtendedJson(source)));
}

test('it is sorted extended JSON', () => {
  const key = fc.constantFrom('10', '9', '01', 'a', '$a', '$date', '$$date', '$binary', '', 'é');
  const odd = fc.dictionary(key, fc.oneof(value, fc.dictionary(key, value, { maxKeys: 3 })));
  fc.assert(
    fc.property(fc.oneof(value, odd), (source) => {
      expect(canonicalText(source)).toBe(naiveText(source));
    }),
    { seed: 12, numRuns: 3_000 },
  );
});

test('the order of properties does not change the text', () => {
  fc.assert(
    fc.property(value, (source) => {
      expect(canonicalText(reversed(source))).toBe(canonicalText(source));
    }),
    { seed: 10, numRuns: 2_000 },
  );
});

test('two values have one text exactly when they are equal', () => {
  const pair = fc.tuple(value, value);
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const equal = isEqual(a, b);
      expect(canonicalText(a) === canonicalText(b)).toBe(equal);
    }),
    { seed: 11, numRuns: 5_000 },
  );
});

function isEqual(a: Value, b: Value): boolean {
  try {
    expect(a).toStrictEqual(b);
    return true;
  } catch {
    return false;
  }
}

test('values that look alike have different texts', () => {
  const texts = [
    1,
    '1',
    [1],
    { 0: 1 },
    new Date(1),
    { $date: '1970-01-01T00:00:00.001Z' },
    { $$date: '1970-01-01T00:00:00.001Z' },
    new Uint8Array([1]),
    { $binary: { base64: 'AQ==', subType: '00' } },
    null,
    {},
    [],
    '',
    false,
    0,
  ].map((source) => canonicalText(source as Value));
  expect(new Set(texts).size).toBe(texts.length);
});

test('the text and its hash are a stored format', () => {
  const source = { b: [1, new Date(0)], a: { d: 'é', c: new Uint8Array([1]) } };
  expect(canonicalText(source)).toBe(
    '{"a":{"c":{"$binary":{"base64":"AQ==","subType":"00"}},"d":"é"},"b":[1,{"$date":"1970-01-01T00:00:00.000Z"}]}',
  );
  expect(contentHash({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});
