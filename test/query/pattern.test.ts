import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileFilter } from '#jdbx/query/filter.js';
import { readPattern } from '#jdbx/query/pattern.js';
import { parsePattern } from '#jdbx/query/patterns/parse.js';
import { search } from '#jdbx/query/patterns/search.js';

/**
 * Our search against JavaScript's engine on random small patterns of the syntax that both
 * know, and patterns that would keep a search without bounds busy for years.
 */
const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '^', '$', '\\b', '(?:)', '\\n');
const counted = fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '+?', '??');
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small' },
    atom,
    fc.tuple(fc.constantFrom('a', 'b', '.', '[ab]'), counted).map(([text, count]) => text + count),
    fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => left + right),
    fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => `(?:${left}|${right})`),
    fc.tuple(tie('pattern'), counted).map(([inner, count]) => `(${inner})${count}`),
    tie('pattern').map((inner) => `(?=${inner})`),
    tie('pattern').map((inner) => `(?!${inner})`),
  ),
}));
const text = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 8 });

test('a search by our own engine finds what JavaScript finds', () => {
  fc.assert(
    fc.property(pattern, text, (source, input) => {
      const expected = new RegExp(source, 'u').exec(input);
      const found = search(parsePattern(source, ''), input, 0);
      const got = found ? [found.start, input.slice(found.start, found.end)] : undefined;
      expect(got).toEqual(expected ? [expected.index, expected[0]] : undefined);
    }),
    { seed: 20_240, numRuns: 3_000 },
  );
});

test('both engines give the same answers behind one door', () => {
  fc.assert(
    fc.property(pattern, text, (source, input) => {
      const own = search(parsePattern(source, 'i'), input.toUpperCase(), 0) !== undefined;
      expect(readPattern(source, 'i').test(input.toUpperCase())).toBe(own);
    }),
    { seed: 7, numRuns: 1_000 },
  );
});

describe('a hostile pattern is refused after a bounded number of steps', () => {
  const long = 'a'.repeat(50_000);
  test.each([
    '(a+)+$',
    '(a|aa)+$',
    '(a*)*b',
    '(?:a?){40}a{40}b',
    '(.*)\\1b',
    'a*a*a*a*b',
    '(?=(a+))*b',
  ])('%s', (source) => {
    const matches = compileFilter({ text: { $regex: source } });
    const run = () => matches({ text: `${long}!` });
    let outcome: unknown;
    try {
      outcome = run();
    } catch (error) {
      outcome = (error as { code?: string }).code;
    }
    expect([false, true, 'INVALID_FILTER']).toContain(outcome);
  });
});

test('a plain search goes through a long text however long it is', () => {
  const matches = compileFilter({ text: { $regex: 'needle[0-9]$' } });
  expect(matches({ text: `${'hay '.repeat(1_000_000)}needle7` })).toBe(true);
});

test.each([
  ['(?P<word>abc)-(?P=word)', 'abc-abc', 'abc-abd'],
  ['^(?>a+)b', 'aab', 'aac'],
  ['a++b', 'aab', 'aac'],
  ['\\Aabc\\Z', 'abc\n', 'xabc'],
  ['abc\\z', 'abc', 'abc\n'],
  ['abc$', 'abc\n', 'abcd'],
  ['^(a)?(?(1)b|c)$', 'ab', 'ac'],
  ['(?s:a.b)c', 'a\nbc', 'a\nc'],
  ['(?i)ABC', 'abc', 'abd'],
  ['x(?i:ABC)', 'xabc', 'Xabc'],
  ['(?x) a b # both', 'ab', 'a b'],
  ['^[[:alpha:]]+$', 'abc', 'ab1'],
  ['^[^[:alpha:]]+$', '123', '12a'],
  ['^\\p{Han}+$', '你好', 'hello'],
  ['(*UCP)^\\w+$', 'café', 'a b'],
  ['\\Qa.b\\E', 'a.b', 'axb'],
  ['(?<=a|bc)d', 'bcd', 'cd'],
  ['\\x41\\x{1F600}', 'A\u{1F600}', 'A'],
])('Perl syntax: %s matches %j and not %j', (source, yes, no) => {
  expect([readPattern(source).test(yes), readPattern(source).test(no)]).toEqual([true, false]);
});

test.each(['(', ')', 'a**b(', '[b-a]', '(?<=a+)b', '\\1', '\\q', '(?<', 'a{2,1}', '*a'])(
  'what is no pattern is refused: %s',
  (source) => {
    expect(() => readPattern(source)).toThrow(/INVALID_FILTER/);
  },
);
