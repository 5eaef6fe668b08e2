import { expect, test } from 'vitest';
import { aggregate } from '#jdbx/query/aggregate.js';
import { checkExpression } from '#jdbx/query/check-expression.js';
import { evaluate } from '#jdbx/query/expression.js';
import { compileFilter } from '#jdbx/query/filter.js';
import { checkUpdate } from '#jdbx/query/update.js';
import { MemorySource } from './support.js';

const over = (documents: readonly object[], ...stages: object[]) => {
  const source = new MemorySource();
  return [...aggregate([{ $documents: documents }, ...stages], { source, now: 0 })];
};

test.each([
  [{ $divide: [1, 0] }],
  [{ $ifNull: ['$a', { $divide: [1, 0] }] }],
  [{ $cond: ['$a', 1, { $toInt: 'x' }] }],
  ['$a\0b'],
  ['$a..b'],
])('what must always fail fails when it is written: %j', (expression) => {
  expect(() => checkExpression(expression)).toThrow(/INVALID_EXPRESSION/);
});

test.each([
  [{ $or: [{ $divide: [1, '$zero'] }, true] }, true],
  [{ $and: [{ $divide: [1, '$zero'] }, false] }, false],
  [{ $setUnion: ['text', '$missing'] }, null],
  ['$link.$ref', 'other'],
  [{ $bsonSize: { $literal: { name: 'test' } } }, 20],
  [{ $binarySize: 'é' }, 2],
  [{ $eq: [/a/i, /a/m] }, false],
  [{ $lt: [/abc/, /abd/] }, true],
  [{ $stdDevPop: [1e308, 1e308, 1e308] }, 0],
  [{ $dateFromString: { dateString: '2024 167', format: '%Y %j' } }, new Date('2024-06-16')],
])('%j is %j', (expression, value) => {
  const context = { zero: 0, link: { $ref: 'other' } };
  expect(evaluate(expression, context)).toEqual(value);
});

test('a field without a name is a field', () => {
  expect(compileFilter({ '': 1 })({ '': 1 })).toBe(true);
  expect(compileFilter({ $nor: [{ '': 1 }] })({ '': 1 })).toBe(false);
  expect(over([{ a: 1 }, { a: 2 }], { $group: { _id: null, '': { $sum: '$a' } } })).toEqual([
    { _id: null, '': 3 },
  ]);
});

test('a position at the end of a path names one value, not its elements', () => {
  const nested = {
    a: [
      [6, 7],
      [8, 9],
    ],
  };
  expect(compileFilter({ 'a.1': 8 })(nested)).toBe(false);
  expect(compileFilter({ 'a.1': [8, 9] })(nested)).toBe(true);
});

test('fields below one array sort by one element', () => {
  const documents = [
    {
      n: 2,
      a: [
        { x: 0, y: 5 },
        { x: 1, y: 3 },
      ],
    },
    { n: 1, a: [{ x: 0, y: 4 }] },
  ];
  const sorted = over(documents, { $sort: { 'a.x': 1, 'a.y': 1 } }) as { n: number }[];
  expect(sorted.map(({ n }) => n)).toEqual([1, 2]);
});

test('what a projection includes begins with the id', () => {
  const [projected] = over([{ b: 1, _id: 'i', a: 2 }], { $project: { a: 1, b: 1 } });
  expect(Object.keys(projected as object)).toEqual(['_id', 'b', 'a']);
});

test('a pipeline nests at most 200 levels', () => {
  const nested = (levels: number) =>
    Array.from({ length: levels }).reduce<unknown>((inner) => ({ a: inner }), 1) as object;
  expect(over([{}], { $replaceWith: nested(198) })).toHaveLength(1);
  expect(() => over([{}], { $replaceWith: nested(199) })).toThrow(/200 levels/);
});

test('counting nothing gives no document', () => {
  expect(over([], { $count: 'n' })).toEqual([]);
});

test.each([
  ['text'],
  [null],
  [{ $set: { a: 1 }, $inc: { a: 1 } }],
  [{ $unknown: { a: 1 } }],
  [{ $inc: { a: 'x' } }],
  [[{ $match: {} }]],
  [[{ $set: { a: { $unknown: 1 } } }]],
])('a malformed update is refused by itself: %j', (update) => {
  expect(() => checkUpdate(update, { now: 0 })).toThrow(/INVALID_UPDATE/);
});
