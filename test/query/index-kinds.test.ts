import { describe, expect, test } from 'vitest';
import { isSameIndex, readIndexDocument } from '#jdbx/query/index-definition.js';
import { indexKeys } from '#jdbx/query/index-keys.js';
import { MemorySource } from './support.js';

const read = (fields: object) =>
  readIndexDocument({ _id: 'i', _type: 'index', type: 't', key: { a: 1 }, ...fields });
const keys = (fields: object, document: object) => indexKeys(read(fields), document).keys.length;

test.each([
  [{ key: { '$**': 1 }, unique: true }, /at unique/],
  [{ key: { '$**': 1 }, sparse: true }, /at sparse/],
  [{ key: { '$**': 1 }, expireAfterSeconds: 1 }, /at expireAfterSeconds/],
  [{ key: { 'a.$**': 1 }, wildcardProjection: { b: 1 } }, /at wildcardProjection/],
  [{ key: { '$**': 1 }, wildcardProjection: { a: 1, b: 0 } }, /to include or to leave out/],
  [{ key: { a: 1, '$**': 1 } }, /at key.a: expected a path that the wildcard leaves out/],
  [{ key: { '$**': 1, 'a.$**': 1 } }, /one wildcard/],
  [{ wildcardProjection: { a: 1 } }, /an index of the kind wildcard/],
  [{ key: { $x: 1 } }, /a path without \$/],
  [{ key: { a: 'hashed', b: 'hashed' } }, /one hashed field/],
  [{ key: { a: 'hashed' }, unique: true }, /at unique/],
  [{ key: { a: 'text', b: '2dsphere' } }, /one special kind/],
  [{ key: { a: 'other' } }, /expected 1 or -1, got "other"/],
  [{ weights: { a: 1 } }, /an index of the kind text/],
  [{ key: { a: '2d' }, min: 5, max: 5 }, /more than min/],
  [{ key: { a: '2d' }, bits: 33 }, /at bits/],
  [{ expireAfterSeconds: -1 }, /seconds from 0/],
  [{ expireAfterSeconds: '60' }, /seconds from 0/],
  [{ key: { a: 1, b: 1 }, expireAfterSeconds: 1 }, /one field/],
  [{ key: { _id: 1 }, sparse: true }, /no partial, sparse or hidden index of _id/],
  [{ hidden: 1 }, /at hidden/],
  [{ unique: null }, /at unique/],
  [{ sparse: true, partial: { a: 1 } }, /sparse or partial/],
  [{ partial: { a: { $ne: 1 } } }, /without negation/],
  [{ partial: { a: { $regex: 'x' } } }, /at partial/],
  [{ collation: { strength: 2 } }, /at collation.locale/],
  [{ collation: { locale: 'en', strength: 9 } }, /at collation.strength/],
])('an index that MongoDB refuses is refused: %j', (fields, message) => {
  expect(() => read(fields)).toThrow(message);
});

describe('a wildcard index', () => {
  test('has a key for each leaf, without positions, and for what is empty', () => {
    expect(keys({ key: { '$**': 1 } }, { a: [{ b: 1 }, { b: 2 }], c: {}, d: [] })).toBe(4);
    expect(keys({ key: { 'a.$**': 1 } }, { a: { b: 1 }, b: 1 })).toBe(1);
    expect(keys({ key: { '$**': 1 }, wildcardProjection: { a: 0 } }, { a: { b: 1 }, b: 1 })).toBe(
      1,
    );
  });

  test('may stand beside paths that it leaves out', () => {
    const fields = { key: { a: 1, '$**': -1 }, wildcardProjection: { a: 0 } };
    expect(keys(fields, { a: 1, b: 2, c: 3 })).toBe(2);
  });

  const source = new MemorySource();
  source.addIndex('wild', 't', { '$**': 1 });
  for (let at = 0; at < 50; at++)
    source.put({ _id: `t${at}`, _type: 't', a: { x: at }, list: [at, at + 100] });

  test.each([
    [{ 'a.x': 7 }, 1],
    [{ list: { $gte: 148 } }, 2],
    [{ 'a.x': { $in: [1, 2, 3] } }, 3],
  ])('answers %j by its keys', (filter, found) => {
    const explained = source.explain({ filter: { _type: 't', ...filter } });
    expect(explained).toMatchObject({ plan: 'index', returned: found, keysExamined: found });
  });

  test.each([{ 'a.x': null }, { a: { x: 1 } }, { 'list.0': 5 }, { 'a.x': { $exists: false } }])(
    'is left alone where it lacks keys: %j',
    (filter) => {
      expect(source.explain({ filter: { _type: 't', ...filter } }).plan).toBe('type-scan');
    },
  );
});

test('a unique index tells an empty array from null', () => {
  const [empty, nothing] = [[], null].map((a) => indexKeys(read({ unique: true }), { a }).keys);
  expect(empty).not.toEqual(nothing);
  expect(indexKeys(read({}), { a: [] }).keys).toEqual(nothing);
});

test('a hidden index serves no plan', () => {
  const source = new MemorySource();
  source.addIndex('hidden', 't', { a: 1 }, { hidden: true });
  source.put({ _id: 't1', _type: 't', a: 1 });
  expect(source.explain({ filter: { _type: 't', a: 1 } }).plan).toBe('type-scan');
});

test('a hashed index serves equality and refuses arrays', () => {
  const source = new MemorySource();
  source.addIndex('hashed', 't', { a: 'hashed' });
  source.put({ _id: 't1', _type: 't', a: 1 });
  expect(source.explain({ filter: { _type: 't', a: 1 } }).plan).toBe('index');
  expect(() => source.put({ _id: 't2', _type: 't', a: [1] })).toThrow(/INVALID_DOCUMENT at a/);
});

test.each([
  [1, ['cafe', 'CAFE', 'café'], 1],
  [2, ['cafe', 'CAFE', 'café'], 2],
  [3, ['cafe', 'CAFE', 'café'], 3],
])('a collation of strength %i tells texts apart by it', (strength, texts, distinct) => {
  const definition = read({ unique: true, collation: { locale: 'en', strength } });
  const all = texts.map((a) => indexKeys(definition, { a }).keys[0] as Uint8Array);
  expect(new Set(all.map((key) => Buffer.from(key).toString('hex'))).size).toBe(distinct);
});

test.each([
  [{ type: 'Point', coordinates: [0, 91] }],
  [{ type: 'Point', coordinates: [1] }],
  [{ type: 'Circle', coordinates: [0, 0] }],
  [
    {
      type: 'LineString',
      coordinates: [
        [0, 0],
        [0, 0],
      ],
    },
  ],
  [
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [1, 0],
          [0, 0],
        ],
      ],
    },
  ],
  [
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [9, 9],
          [9, 0],
          [0, 9],
          [0, 0],
        ],
      ],
    },
  ],
  [{ type: 'GeometryCollection', geometries: [{ type: 'Point' }] }],
  ['here'],
  [true],
])('a 2dsphere index refuses %j', (a) => {
  expect(() => keys({ key: { a: '2dsphere' } }, { a })).toThrow(/INVALID_DOCUMENT at a/);
});

test.each([
  [{ type: 'Point', coordinates: [180, -90] }],
  [
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [9, 0],
          [9, 9],
          [0, 0],
        ],
      ],
    },
  ],
  [[10, 20]],
  [{ lng: 10, lat: 20 }],
  [null],
])('a 2dsphere index takes %j', (a) => {
  expect(keys({ key: { a: '2dsphere' } }, { a })).toBe(0);
});

test('a 2d index holds points within its bounds', () => {
  const plane = { key: { a: '2d' }, min: -500, max: 500 };
  expect(keys(plane, { a: [499, -500] })).toBe(0);
  expect(() => keys(plane, { a: [600, 0] })).toThrow(/a pair of numbers from -500 to 500/);
});

test('indexes are the same when fields, filter, collation, unique and sparse are', () => {
  const plain = read({});
  expect(isSameIndex(plain, read({ _id: 'other', expireAfterSeconds: 5, hidden: true }))).toBe(
    true,
  );
  for (const other of [
    { key: { a: -1 } },
    { unique: true },
    { sparse: true },
    { partial: { a: 1 } },
    { collation: { locale: 'fr' } },
    { type: 'other' },
  ]) {
    expect(isSameIndex(plain, read(other))).toBe(false);
  }
  expect(isSameIndex(read({ key: { a: 'text' } }), read({ key: { b: 'text' } }))).toBe(true);
});
