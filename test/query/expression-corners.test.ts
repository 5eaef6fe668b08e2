import { describe, expect, test } from 'vitest';
import { evaluate } from '#jdbx/query/expression.js';

/** Corners of expressions where implementations like to differ: operand, context, value. */
const date = new Date('2024-03-10T07:30:00.000Z');
const newYork = 'America/New_York';

test.each([
  [{ $indexOfCP: ['\u{1F600}abc', 'c'] }, 3],
  [{ $substrBytes: ['éab', 2, 1] }, 'a'],
  [{ $toUpper: 'straße' }, 'STRAßE'],
  [{ $trim: { input: '  a ' } }, 'a'],
  [{ $round: [2.5] }, 2],
  [{ $round: [1.005, 2] }, 1],
  [{ $trunc: [-1.9] }, -1],
  [{ $setDifference: [[3, 1, 2], [1]] }, [3, 2]],
  [{ $slice: [[1, 2, 3], -2] }, [2, 3]],
  [{ $arrayElemAt: ['$list.a', 1] }, 2],
  [{ $size: { $ifNull: ['$nothing', []] } }, 0],
  // biome-ignore lint/suspicious/noThenProperty: MongoDB calls it so
  [{ $switch: { branches: [{ case: false, then: 1 }], default: 2 } }, 2],
  [{ $convert: { input: 'x', to: 'int', onError: -1 } }, -1],
  [{ $toInt: '12' }, 12],
  [{ $toString: 1e21 }, '1e+21'],
  [{ $mergeObjects: [{ a: 1 }, null, { b: 2 }] }, { a: 1, b: 2 }],
  [{ $hour: { date, timezone: newYork } }, 3],
  [
    { $dateToString: { date, timezone: newYork, format: '%Y-%m-%d %H:%M %z' } },
    '2024-03-10 03:30 -0400',
  ],
  [
    { $dateAdd: { startDate: date, unit: 'day', amount: -1, timezone: newYork } },
    new Date('2024-03-09T08:30:00.000Z'),
  ],
  [
    { $dateTrunc: { date, unit: 'week', startOfWeek: 'monday' } },
    new Date('2024-03-04T00:00:00.000Z'),
  ],
  [
    { $dateFromString: { dateString: '2024-02-29T10:00+02:00' } },
    new Date('2024-02-29T08:00:00.000Z'),
  ],
  [{ $dateDiff: { startDate: date, endDate: new Date('2025-01-01'), unit: 'quarter' } }, 4],
  [{ $week: new Date('2024-01-07T00:00:00.000Z') }, 1],
  [{ $isoWeekYear: new Date('2021-01-01T00:00:00.000Z') }, 2020],
])('%j is %j', (expression, expected) => {
  expect(evaluate(expression, { list: [{ a: 1 }, { a: 2 }, [{ a: 3 }]] })).toEqual(expected);
});

describe('what MongoDB refuses is refused', () => {
  test.each([
    { $substrCP: ['abc', -1, 1] },
    { $strLenCP: null },
    { $divide: [1, 0] },
    { $log: [1, 1] },
    { $toInt: '1.0' },
    { $toInt: 2 ** 31 },
    { $arrayToObject: [['a', 1, 2]] },
    { $let: { vars: { BAD: 1 }, in: 1 } },
    // biome-ignore lint/suspicious/noThenProperty: MongoDB calls it so
    { $cond: { if: true, then: 1 } },
    { $year: 'yesterday' },
    { $hour: { date, timezone: 'america/new_york' } },
    { $dateFromString: { dateString: '2023-02-29' } },
    { $regexMatch: { input: 'a', regex: '(' } },
    { $setField: { field: '$x', input: {}, value: 1 } },
    { a: { ['__proto__']: { b: 1 } } },
  ])('%j', (expression) => {
    expect(() => evaluate(expression, {})).toThrow(/INVALID_EXPRESSION/);
  });
});
