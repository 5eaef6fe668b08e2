import { describe, expect, test } from 'vitest';
import { compileFilter } from '#jdbx/query/filter.js';

type Row = readonly [filter: object, document: object, matches: boolean];

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'equality looks inside arrays and takes null for missing': [
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { a: [2, 1] }, true],
    [{ a: [2, 1] }, { a: [2, 1] }, true],
    [{ a: [2, 1] }, { a: [[2, 1]] }, true],
    [{ a: 1 }, { a: [[1]] }, false],
    [{ a: null }, {}, true],
    [{ a: null }, { a: [] }, false],
    [{ 'a.b': null }, { a: [{ c: 1 }] }, true],
    [{ 'a.b': null }, { a: [1] }, false],
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, false],
    [{ a: new Date(5) }, { a: new Date(5) }, true],
    [{ a: new Uint8Array([1]) }, { a: new Uint8Array([1]) }, true],
    [{ constructor: null }, {}, true],
  ],
  'ranges compare within one type': [
    [{ a: { $gt: 1 } }, { a: '2' }, false],
    [{ a: { $lt: 'b' } }, { a: 'a' }, true],
    [{ a: { $gte: null } }, {}, true],
    [{ a: { $gt: null } }, { a: 1 }, false],
    [{ a: { $gt: 1, $lt: 3 } }, { a: [0, 9] }, true],
    [{ a: { $lt: '\uE000' } }, { a: '\u{1F600}' }, false],
    [{ a: { $lte: true } }, { a: false }, true],
    [{ a: { $gt: [1, 2] } }, { a: [1, 3] }, true],
  ],
  'paths go through arrays and positions': [
    [{ 'a.b': 1 }, { a: [{ b: 0 }, { b: 1 }] }, true],
    [{ 'a.1.b': 1 }, { a: [{ b: 0 }, { b: 1 }] }, true],
    [{ 'a.0': 5 }, { a: [5] }, true],
    [{ 'a.0': 5 }, { a: { 0: 5 } }, true],
    [{ 'a.b': 1 }, { a: [[{ b: 1 }]] }, false],
  ],
  'arrays have operators of their own': [
    [{ a: { $size: 2 } }, { a: [1, 2] }, true],
    [{ a: { $size: 0 } }, {}, false],
    [{ a: { $all: [1, 2] } }, { a: [2, 3, 1] }, true],
    [{ a: { $all: [1] } }, { a: 1 }, true],
    [{ a: { $all: [] } }, { a: [] }, false],
    [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 9] }, false],
    [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 2] }, true],
    [{ a: { $elemMatch: { b: 1, c: 2 } } }, { a: [{ b: 1 }, { c: 2 }] }, false],
    [{ a: { $elemMatch: { b: 1, c: 2 } } }, { a: [{ b: 1, c: 2 }] }, true],
    [{ a: { $elemMatch: { $or: [{ b: 1 }, { b: 2 }] } } }, { a: [{ b: 2 }] }, true],
  ],
  'lists, negations and combinations': [
    [{ a: { $in: [1, null] } }, {}, true],
    [{ a: { $in: [/^x/, 2] } }, { a: ['xy'] }, true],
    [{ a: { $nin: [1] } }, { a: [1, 2] }, false],
    [{ a: { $ne: 1 } }, { a: [1, 2] }, false],
    [{ a: { $not: { $gt: 1 } } }, { a: 'x' }, true],
    [{ a: { $not: /x/ } }, { a: 'y' }, true],
    [{ $or: [{ a: 1 }, { b: 1 }] }, { b: 1 }, true],
    [{ $nor: [{ a: 1 }, { b: 1 }] }, { b: 1 }, false],
    [{ $and: [{ a: 1 }, { b: 1 }] }, { b: 1 }, false],
    [{ a: 1, $comment: 'why' }, { a: 1 }, true],
  ],
  'the other operators': [
    [{ a: { $exists: true } }, { a: null }, true],
    [{ a: { $exists: false } }, {}, true],
    [{ a: { $type: 'string' } }, { a: [1, 'x'] }, true],
    [{ a: { $type: ['array', 'null'] } }, { a: [] }, true],
    [{ a: { $type: 'number' } }, { a: 1.5 }, true],
    [{ a: { $mod: [4, 1] } }, { a: 9 }, true],
    [{ a: { $regex: 'B', $options: 'i' } }, { a: 'abc' }, true],
    [{ a: { $regex: '(?i)B' } }, { a: 'abc' }, true],
    [{ a: { $bitsAllSet: 5 } }, { a: 7 }, true],
    [{ a: { $bitsAnyClear: [3] } }, { a: 7 }, true],
    [{ a: { $bitsAllSet: [63] } }, { a: -1 }, true],
    [{ $expr: { $gt: ['$a', '$b'] } }, { a: 2, b: 1 }, true],
    [{ $expr: { $eq: ['$a', null] } }, {}, false],
  ],
};

for (const [name, rows] of Object.entries(TABLE)) {
  describe(name, () => {
    test.each(rows)('%j on %j gives %s', (filter, document, matches) => {
      expect(compileFilter(filter)(document)).toBe(matches);
    });
  });
}

test.each([
  [{ a: { $near: 1 } }, /INVALID_FILTER at a\.\$near: unknown operator \$near/],
  [{ $where: 'true' }, /INVALID_FILTER at \$where: code does not run/],
  [{ $foo: 1 }, /at \$foo: unknown top-level operator \$foo/],
  [{ $or: [] }, /at \$or: expected a non-empty array/],
  [{ $or: [{ a: { $in: 1 } }] }, /at \$or\.0\.a\.\$in: expected an array, got a number/],
  [{ a: { $gt: 1, b: 2 } }, /at a\.b: unknown operator b/],
  [{ a: undefined }, /at a: expected a value, got undefined/],
  [{ a: { $regex: '(' } }, /INVALID_FILTER at a\.\$regex/],
  [{ a: { $regex: 'x', $options: 'q' } }, /unknown option "q"/],
  [{ a: { $mod: [0, 1] } }, /divisor other than 0/],
  [{ a: { $not: {} } }, /at a\.\$not/],
  [{ a: { $ne: /x/ } }, /expected a value, got a regular expression/],
  [{ a: new Map() }, /INVALID_FILTER at a: expected a plain object/],
  [{ $expr: { $function: { body: 'x', args: [], lang: 'js' } } }, /unknown operator \$function/],
  ['text', /INVALID_FILTER: expected a filter object, got a string/],
])('%j is refused with its place', (filter, message) => {
  expect(() => compileFilter(filter)).toThrow(message);
});

test('a filter keeps nothing of what it was made from', () => {
  const list = [1];
  const matches = compileFilter({ a: { $in: list } });
  list.push(2);
  expect(matches({ a: 2 })).toBe(false);
});

test('a pattern with the global flag has no memory', () => {
  const matches = compileFilter({ a: /x/g });
  expect([matches({ a: 'x' }), matches({ a: 'x' })]).toEqual([true, true]);
});
