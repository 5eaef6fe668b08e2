import { describe, expect, test } from 'vitest';
import { checkExpression } from '#jdbx/query/check-expression.js';
import { evaluate } from '#jdbx/query/expression.js';
import { referencedNames } from '#jdbx/query/referenced-names.js';

const context = {
  input: { task: 'sum', list: [1, 2] },
  check: { score: 0.9, at: new Date(0) },
  steps: [{ n: 1 }, { n: 2 }],
};

describe('evaluate', () => {
  test.each([
    ['$input.task', 'sum'],
    ['plain', 'plain'],
    [
      { a: '$input.task', b: [1, '$check.score'] },
      { a: 'sum', b: [1, 0.9] },
    ],
    [{ $gt: ['$check.score', 0.8] }, true],
    [{ $gt: ['$missing', 0.8] }, false],
    [{ $eq: ['$missing', null] }, false],
    [{ $eq: [[1, 2], 1] }, false],
    [{ $lt: ['$check.score', 'x'] }, true],
    [{ $cmp: [2, 1] }, 1],
    ['$missing.path', undefined],
    ['$steps.n', [1, 2]],
    ['$$ROOT.check.at', new Date(0)],
    ['$$NOW', new Date(5)],
    [{ $literal: '$$NOW' }, '$$NOW'],
    [{ $cond: [{ $in: ['b', ['a', 'b']] }, 'yes', 'no'] }, 'yes'],
    [{ $map: { input: '$input.list', as: 'x', in: { $add: ['$$x', 1] } } }, [2, 3]],
    [{ $range: [0, 10, 4] }, [0, 4, 8]],
    [{ $range: [3, 0, -2] }, [3, 1]],
    [
      { $regexFindAll: { input: 'abab', regex: 'a(b)' } },
      [
        { match: 'ab', idx: 0, captures: ['b'] },
        { match: 'ab', idx: 2, captures: ['b'] },
      ],
    ],
  ])('%j', (expression, expected) => {
    expect(evaluate(expression, context, { now: 5 })).toEqual(expected);
  });

  test('comes to an end where a pattern matches nothing', () => {
    const found = evaluate({ $regexFindAll: { input: '\u{1F600}b', regex: 'x*' } }, {});
    expect((found as { idx: number }[]).map((match) => match.idx)).toEqual([0, 1]);
  });

  test.each([
    [
      { $range: [-2_147_483_648, 2_147_483_647] },
      /INVALID_EXPRESSION at \$range: expected at most/,
    ],
    [{ $range: [0, 2 ** 31] }, /32-bit/],
    [{ $range: [0, 5, 0] }, /a step other than 0/],
    [{ $divide: [1, 'x'] }, /INVALID_EXPRESSION/],
    [{ $gt: [1] }, /expected 2 arguments/],
    ['$$nope', /undefined variable/],
    [{ $function: { body: 'function () {}', args: [], lang: 'js' } }, /INVALID_EXPRESSION/],
  ])('%j fails with a code', (expression, message) => {
    expect(() => evaluate(expression, context)).toThrow(message);
  });
});

describe('checkExpression', () => {
  test.each([
    ['$a.b'],
    [{ $and: [true, { $not: ['$a'] }] }],
    [{ $sum: '$a' }],
    [{ x: { $literal: { $nope: 1 } } }],
    [{ $let: { vars: { x: 1 }, in: '$$x' } }],
    [5],
  ])('%j is an expression', (expression) => {
    expect(() => checkExpression(expression)).not.toThrow();
  });

  test.each([
    [{ $nope: 1 }, /INVALID_EXPRESSION: unknown operator \$nope/],
    [{ $and: [1, { a: { $nope: 1 } }] }, /at \$and\.1\.a: unknown operator \$nope/],
    [{ $add: [1], $sub: 1 }, /expected \$add alone/],
    ['$', /expected a path after \$/],
    ['$a..b', /expected a path after \$/],
    [{ $where: 'x' }, /unknown operator/],
  ])('%j is refused', (expression, message) => {
    expect(() => checkExpression(expression)).toThrow(message);
  });
});

test('the names that an expression reads are the first parts of its paths', () => {
  const expression = {
    $and: ['$a.b', { $gt: ['$$ROOT.c.d', '$$v.x'] }, { $literal: '$no' }, { $getField: 'e' }, '$a'],
  };
  expect(referencedNames(expression)).toEqual(['a', 'c', 'e']);
});
