import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromExtendedJson, parseValue, stringifyValue } from '#jdbx/base/extended-json.js';
import type { Value } from '#jdbx/base/values.js';
import { takeValue } from '#jdbx/base/values.js';
import { value } from '../suites/arbitrary-values.ts';

describe('the text form', () => {
  test('gives every value back equal', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (source, indent) => {
        expect(parseValue(stringifyValue(source, indent))).toEqual(source);
      }),
      { seed: 9, numRuns: 5_000 },
    );
  });

  test.each<[Value, string]>([
    [new Date('2026-01-31T10:00:00Z'), '{"$date":"2026-01-31T10:00:00.000Z"}'],
    [new Date(-1), '{"$date":{"$numberLong":"-1"}}'],
    [new Date(8.64e15), '{"$date":{"$numberLong":"8640000000000000"}}'],
    [new Uint8Array([1, 255]), '{"$binary":{"base64":"Af8=","subType":"00"}}'],
    [{ $date: 'x' }, '{"$$date":"x"}'],
    [{ $date: new Date(0) }, '{"$$date":{"$date":"1970-01-01T00:00:00.000Z"}}'],
    [{ $$date: 1 }, '{"$$$date":1}'],
    [{ $binary: { base64: 'AA==' } }, '{"$$binary":{"base64":"AA=="}}'],
    [{ $date: 1, other: 2 }, '{"$date":1,"other":2}'],
    [{ $gt: new Date(0) }, '{"$gt":{"$date":"1970-01-01T00:00:00.000Z"}}'],
  ])('writes %j as %s, and reads it back', (source, text) => {
    expect(stringifyValue(source)).toBe(text);
    expect(parseValue(text)).toEqual(source);
  });

  test.each<[string, unknown]>([
    ['{"$date": "2026-01-31"}', new Date('2026-01-31T00:00:00Z')],
    ['{"$date": "2024-02-29T10:00:00.5+01:00"}', new Date('2024-02-29T09:00:00.500Z')],
    ['{"$date": "2026-01-31T10:00Z"}', new Date('2026-01-31T10:00:00Z')],
    ['{"$date": 1000}', new Date(1000)],
    ['{"$binary": {"base64": "", "subType": "00"}}', new Uint8Array()],
    ['{"$binary": "AQ=="}', new Uint8Array([1])],
  ])('also reads %s', (text, source) => {
    expect(parseValue(text)).toEqual(source);
  });

  test('reads megabytes of base64', () => {
    const text = Buffer.alloc(9_000_000, 1).toString('base64');
    expect((parseValue(`{"$binary": {"base64": "${text}"}}`) as Uint8Array).length).toBe(9_000_000);
  });
});

describe('malformed text is refused:', () => {
  test.each([
    '{"$date": "yesterday"}',
    '{"$date": "foo 1"}',
    '{"$date": "2026"}',
    '{"$date": "2026-02-31"}',
    '{"$date": "2025-02-29"}',
    '{"$date": "2026-13-01"}',
    '{"$date": "2026-01-31T10:00:00"}',
    '{"$date": "2026-01-31T25:00:00Z"}',
    '{"$date": null}',
    '{"$date": {"$numberLong": ""}}',
    '{"$date": {"$numberLong": "1e3"}}',
    '{"$date": {"$numberLong": 5}}',
    '{"$date": {"$numberLong": "9999999999999999"}}',
    '{"$date": {}}',
    '{"$binary": {"base64": "A"}}',
    '{"$binary": {"base64": "AA=A"}}',
    '{"$binary": {"base64": "A==="}}',
    '{"$binary": {"base64": "AA-_"}}',
    '{"$binary": {}}',
    '{"$binary": 7}',
  ])('%s', (text) => {
    expect(() => parseValue(`{"a": [${text}]}`)).toThrow(
      expect.objectContaining({ code: 'INVALID_DOCUMENT', path: 'a.0' }),
    );
  });

  test('and text that is not JSON is a SyntaxError', () => {
    expect(() => parseValue('{"a": ')).toThrow(SyntaxError);
  });
});

test('__proto__ stays a property while it is read, so that the document is refused', () => {
  const source = fromExtendedJson(JSON.parse('{"__proto__": {"admin": true}}'));
  expect((source as { admin?: boolean }).admin).toBeUndefined();
  expect(() => takeValue(source)).toThrow('at __proto__');
});
