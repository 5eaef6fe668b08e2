import { describe, expect, test } from 'vitest';
import { takeValue, type ValueObject } from '#jdbx/base/values.js';
import { applyUpdate } from '#jdbx/query/update.js';
import { upsertBase } from '#jdbx/query/upsert-base.js';

const now = Date.UTC(2026, 0, 31);
const identity = { _id: 'd', _type: 't', _rev: 3 };

function update(body: object, change: unknown, options: object = {}): object {
  const frozen = takeValue({ ...identity, ...body }) as ValueObject;
  const before = JSON.stringify(frozen);
  const { _id, _type, _rev, ...rest } = applyUpdate(frozen, change, { now, ...options });
  expect({ _id, _type, _rev }).toEqual(identity);
  expect(JSON.stringify(frozen)).toBe(before);
  return rest;
}

describe('operators', () => {
  test.each([
    [{ a: 1 }, { $set: { a: 2, 'b.c': [1] } }, { a: 2, b: { c: [1] } }],
    [{ a: 1, b: { c: 1, d: 2 } }, { $unset: { a: '', 'b.c': 1, z: 1 } }, { b: { d: 2 } }],
    [{ a: 1 }, { $inc: { a: 2, b: 3 } }, { a: 3, b: 3 }],
    [{ a: 3 }, { $mul: { a: 2, b: 5 } }, { a: 6, b: 0 }],
    [
      { a: 3, b: 3 },
      { $min: { a: 2 }, $max: { b: 9, c: 1 } },
      { a: 2, b: 9, c: 1 },
    ],
    [{ a: 1 }, { $rename: { a: 'x.y', z: 'q' } }, { x: { y: 1 } }],
    [{}, { $currentDate: { at: true } }, { at: new Date(now) }],
    [{ l: [1] }, { $push: { l: 2, m: 1 } }, { l: [1, 2], m: [1] }],
    [{ l: [3] }, { $push: { l: { $each: [1, 2], $sort: -1, $slice: 2 } } }, { l: [3, 2] }],
    [{ l: [3] }, { $push: { l: { $each: [1, 2], $position: 0 } } }, { l: [1, 2, 3] }],
    [
      { l: [{ n: 2 }] },
      { $push: { l: { $each: [{ n: 1 }], $sort: { n: 1 } } } },
      { l: [{ n: 1 }, { n: 2 }] },
    ],
    [{ l: [1] }, { $addToSet: { l: { $each: [1, 2, 2] } } }, { l: [1, 2] }],
    [
      { l: [{ a: 1, b: 2 }] },
      { $addToSet: { l: { b: 2, a: 1 } } },
      {
        l: [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      },
    ],
    [{ l: [1, 5, 9] }, { $pull: { l: { $gte: 5 } } }, { l: [1] }],
    [{ l: [{ n: 1, m: 1 }, { n: 2 }] }, { $pull: { l: { n: 1 } } }, { l: [{ n: 2 }] }],
    [{ l: ['ab', 'c'] }, { $pull: { l: /^a/ } }, { l: ['c'] }],
    [{ l: [1, 2, 1] }, { $pullAll: { l: [1] } }, { l: [2] }],
    [{ l: [1, 2, 3] }, { $pop: { l: 1 } }, { l: [1, 2] }],
    [{ l: [1, 2, 3] }, { $pop: { l: -1 } }, { l: [2, 3] }],
    [{ a: 13 }, { $bit: { a: { and: 10 } } }, { a: 8 }],
    [{ a: 1 }, { $set: {}, $setOnInsert: { b: 1 } }, { a: 1 }],
    [{ l: [1] }, { $set: { 'l.2': 3 } }, { l: [1, null, 3] }],
  ])('%j with %j', (body, change, expected) => {
    expect(update(body, change)).toEqual(expected);
  });

  test('$setOnInsert counts when a document is made', () => {
    expect(update({}, { $setOnInsert: { b: 1 } }, { inserting: true })).toEqual({ b: 1 });
  });
});

describe('positions in arrays', () => {
  const body = {
    l: [
      { n: 1, q: [1, 2] },
      { n: 5, q: [3] },
      { n: 9, q: [] },
    ],
  };
  test.each([
    [{ $set: { 'l.$.hit': true } }, { filter: { 'l.n': 5 } }, [undefined, true, undefined]],
    [
      { $set: { 'l.$.hit': true } },
      { filter: { $and: [{ l: { $elemMatch: { n: { $gt: 5 } } } }] } },
      [undefined, undefined, true],
    ],
    [{ $set: { 'l.$[].hit': true } }, {}, [true, true, true]],
    [
      { $set: { 'l.$[e].hit': true } },
      { arrayFilters: [{ 'e.n': { $lt: 6 } }] },
      [true, true, undefined],
    ],
  ])('%j with %j', (change, options, hits) => {
    const { l } = update(body, change, options) as { l: { hit?: boolean }[] };
    expect(l.map((item) => item.hit)).toEqual(hits);
  });

  test('may be nested', () => {
    const change = { $inc: { 'l.$[e].q.$[]': 10 } };
    const { l } = update(body, change, { arrayFilters: [{ 'e.n': 1 }] }) as typeof body;
    expect(l.map((item) => item.q)).toEqual([[11, 12], [3], []]);
  });
});

test('stages update too, and what identifies the document stays', () => {
  expect(
    update({ a: 1, b: { c: 2 } }, [
      { $set: { 'b.d': { $add: ['$a', '$b.c'] }, at: '$$NOW' } },
      { $unset: 'a' },
    ]),
  ).toEqual({
    b: { c: 2, d: 3 },
    at: new Date(now),
  });
  expect(update({ a: 1 }, [{ $replaceWith: { x: '$a' } }])).toEqual({ x: 1 });
});

test.each([
  [{ a: 1 }, { a: 2 }, /INVALID_UPDATE at a: .*to replace a document, put it/],
  [{}, { $nope: { a: 1 } }, /at \$nope: unknown operator \$nope/],
  [{}, { $set: { _id: 'x' } }, /at \$set\._id: _id cannot be changed/],
  [{}, { $unset: { _type: 1 } }, /_type cannot be changed/],
  [{}, { $inc: { _rev: 1 } }, /_rev cannot be changed/],
  [{}, { $rename: { a: '_id' } }, /_id cannot be changed/],
  [{}, { $set: { a: 1 }, $inc: { a: 1 } }, /at \$inc\.a: conflicts with the change of a/],
  [{}, { $set: { a: 1, 'a.b': 1 } }, /conflicts/],
  [{ a: 'x' }, { $inc: { a: 1 } }, /at \$inc\.a: expected a number there, got a string/],
  [{}, { $inc: { a: 'x' } }, /at \$inc\.a: expected a number, got a string/],
  [{ a: 1 }, { $push: { a: 1 } }, /at \$push\.a: expected an array there/],
  [{ a: 1 }, { $set: { 'a.b': 1 } }, /at \$set\.a\.b: cannot create this path in a number/],
  [{ a: [1] }, { $set: { 'a.b': 1 } }, /cannot create this path in an array/],
  [{}, { $push: { a: { $each: 1 } } }, /expected \$each with an array/],
  [{}, { $pop: { a: 2 } }, /expected 1 or -1/],
  [{}, { $set: { a: Number.NaN } }, /INVALID_UPDATE at \$set\.a/],
  [{}, { $set: 1 }, /at \$set: expected an object of paths, got a number/],
  [{ l: [1] }, { $set: { 'l.$[e]': 1 } }, /no array filter is named "e"/],
  [{ l: [1] }, { $set: { 'l.$': 1 } }, /names no element/],
  [{}, [{ $match: {} }], /at update\.0: expected one of \$set/],
  [{}, [{ $set: { a: { $nope: 1 } } }], /INVALID_UPDATE at update\.0\.\$set\.a/],
  [{}, [{ $set: { _id: 'x' } }], /_id cannot be changed/],
  [{}, 'x', /expected update operators or stages, got a string/],
])('%j with %j is refused', (body, change, message) => {
  expect(() => update(body, change)).toThrow(message);
});

test('an array filter that nothing uses is refused', () => {
  expect(() => update({}, { $set: { a: 1 } }, { arrayFilters: [{ e: 1 }] })).toThrow(
    /"e" is used by no path/,
  );
});

test('an upsert starts from what the filter holds to one value', () => {
  const filter = {
    _type: 't',
    'a.b': 1,
    c: { $eq: 2 },
    d: { $gt: 1 },
    $and: [{ e: { $in: ['x'] } }],
    $or: [{ f: 1 }, { f: 2 }],
  };
  expect(upsertBase(filter)).toEqual({ _type: 't', a: { b: 1 }, c: 2, e: 'x' });
  expect(() => upsertBase({ a: 1, 'a.b': 1 })).toThrow(/INVALID_UPDATE/);
});
