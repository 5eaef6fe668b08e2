import { expect, test } from 'vitest';
import { compileMany, compileNode } from '#jdbx/query/match.js';
import { parseFilter } from '#jdbx/query/parse-filter.js';
import { pathReader, THROUGH_ARRAY } from '#jdbx/query/path-reader.js';
import { splitPath } from '#jdbx/query/paths.js';

const VALUES = [
  {}, { a: 1 }, { a: null }, { a: 'text' }, { a: [] }, { a: [1, 2] }, { a: { b: 1 } },
  { a: { b: null } }, { a: { b: [1] } }, { a: [{ b: 1 }, { b: 2 }] }, { a: new Date(0) },
  { a: new Uint8Array(2) }, { a: { b: { c: 1 } } }, { a: 'x', b: 1 }, { a: { b: 'x' } },
]; // biome-ignore format: a list

const PATHS = [
  'a',
  'a.b',
  'a.b.c',
  'a.0',
  'a.length',
  'a.constructor',
  'toString',
  '__proto__',
  'a.__proto__',
];

test.each(PATHS)('the path %s reads what is there, one by one as together', (path) => {
  const { one, many } = pathReader(path, splitPath(path));
  const together: unknown[] = [];
  many(VALUES, together);
  expect(together).toEqual(VALUES.map(one));
  for (const value of together) expect(typeof value).not.toBe('function');
});

test('a path through an array is told from one that ends at an array', () => {
  const { one } = pathReader('a.b', ['a', 'b']);
  expect(one({ a: [{ b: 1 }] })).toBe(THROUGH_ARRAY);
  expect(one({ a: { b: [1] } })).toEqual([1]);
  expect(one({ a: 5 })).toBeUndefined();
});

test('names are text and nothing else, however they are quoted', () => {
  for (const name of [
    '"',
    "'",
    '`$\u007b1}`',
    '\\',
    '"];globalThis.hacked=1;["',
    '\u2028',
    '\n',
    'ä',
    ' ',
  ]) {
    const { one } = pathReader(name, [name]);
    expect(one({ [name]: 7 })).toBe(7);
    expect(one({ other: 7 })).toBeUndefined();
  }
  expect('hacked' in globalThis).toBe(false);
});

test('readers beyond those that are made of code read the same', () => {
  for (let n = 0; n < 600; n++) {
    const { one, many } = pathReader(`p${n}.q`, [`p${n}`, 'q']);
    const documents = [{ [`p${n}`]: { q: n } }, { [`p${n}`]: [{ q: n }] }, {}, { [`p${n}`]: 3 }];
    const together: unknown[] = [];
    many(documents, together);
    expect(together).toEqual([n, THROUGH_ARRAY, undefined, undefined]);
    expect(documents.map(one)).toEqual(together);
  }
});

test.each([
  [{ a: 1 }], [{ a: null }], [{ 'a.b': 1 }], [{ 'a.b': { $gte: 1 } }], [{ a: { $exists: false } }],
  [{ a: { $size: 2 } }], [{ a: { $elemMatch: { b: 2 } } }], [{ $or: [{ a: 1 }, { b: 1 }] }],
  [{ $or: [{ a: 1 }, { b: 1 }], a: 'x' }], [{ a: { $in: ['text', 2] }, b: { $exists: false } }],
  [{ $expr: { $eq: ['$a', 1] } }], [{ 'a.0': 1 }], [{ a: { $not: { $gt: 0 } } }], [{}],
])('documents matched together by %j are those matched one by one', (filter) => {
  const node = parseFilter(filter);
  const nodes = node.kind === 'and' ? node.nodes : [node];
  const found: unknown[] = [];
  compileMany(nodes)(VALUES, found);
  expect(found).toEqual(VALUES.filter(compileNode(node)));
}); // biome-ignore format: a list
