import { expect, test } from 'vitest';
import { decodeKey } from '#jdbx/base/key-bytes.js';
import { readIndexDocument } from '#jdbx/query/index-definition.js';
import { indexKeys } from '#jdbx/query/index-keys.js';

const index = (key: object, options: object = {}) =>
  readIndexDocument({ _id: 'index:t', _type: 'index', type: 't', key, ...options });

test.each([
  [{ a: 1 }, { a: 5 }, [[5]], false],
  [{ a: 1 }, {}, [[null]], false],
  [{ a: 1 }, { a: [3, 1, 3] }, [[3], [1]], true],
  [{ a: 1 }, { a: [] }, [[null]], true],
  [{ a: 1 }, { a: [[1, 2]] }, [[[1, 2]]], true],
  [{ 'a.b': 1 }, { a: [{ b: 1 }, { b: [2, 3] }, {}] }, [[1], [2], [3], [null]], true],
  [{ a: 1, b: -1 }, { a: 1, b: 'x' }, [[1, 'x']], false],
  [
    { a: 1, b: 1 },
    { a: [1, 2], b: 3 },
    [
      [1, 3],
      [2, 3],
    ],
    true,
  ],
  [
    { 'a.x': 1, 'a.y': 1 },
    {
      a: [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
    },
    [
      [1, 2],
      [3, 4],
    ],
    true,
  ],
  [{ 'a.1': 1 }, { a: [7, 8] }, [[8]], false],
] as const)('index %j of %j has keys %j', (key, document, keys, multikey) => {
  const definition = index(key);
  const found = indexKeys(definition, document);
  const directions = definition.fields.map((field) => field.direction);
  expect(found.keys.map((bytes) => decodeKey(bytes, directions))).toEqual(keys);
  expect(found.multikey).toBe(multikey);
});

test('a sparse index leaves out documents with none of its fields', () => {
  const definition = index({ a: 1, b: 1 }, { sparse: true });
  expect(indexKeys(definition, { c: 1 }).keys).toHaveLength(0);
  expect(indexKeys(definition, { b: 1 }).keys).toHaveLength(1);
  expect(indexKeys(definition, { a: null }).keys).toHaveLength(1);
  expect(indexKeys(definition, { a: [] }).keys).toHaveLength(1);
});

test('a partial index leaves out documents that do not match its filter', () => {
  const definition = index({ a: 1 }, { partial: { live: true } });
  expect(indexKeys(definition, { a: 1 }).keys).toHaveLength(0);
  expect(indexKeys(definition, { a: 1, live: true }).keys).toHaveLength(1);
});

test('two arrays in one compound index are refused', () => {
  const refused = () => indexKeys(index({ a: 1, b: 1 }), { a: [1], b: [2] });
  expect(refused).toThrow(/INVALID_DOCUMENT at b: cannot index parallel arrays/);
});

test.each([
  [{ key: { a: 1 }, type: 't' }, /INVALID_INDEX at _id/],
  [{ _id: 'i', key: { a: 1 } }, /at type: expected a non-empty string, got nothing/],
  [{ _id: 'i', type: 't' }, /at key: expected an object/],
  [{ _id: 'i', type: 't', key: {} }, /at key: expected at least one path/],
  [{ _id: 'i', type: 't', key: { a: 0 } }, /at key\.a: expected 1 or -1, got 0/],
  [
    { _id: 'i', type: 't', key: { 'a..b': 1 } },
    /at key\.a\.\.b: expected a path without empty parts/,
  ],
  [{ _id: 'i', type: 't', key: { a: 1 }, unique: 'yes' }, /at unique: expected true or false/],
  [{ _id: 'i', type: 't', key: { a: 1 }, partial: { a: { $x: 1 } } }, /INVALID_INDEX at partial/],
])('%j is refused', (document, message) => {
  expect(() => readIndexDocument(document)).toThrow(message);
});
