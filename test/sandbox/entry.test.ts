import { describe, expect, test } from 'vitest';
import { JdbxError } from '#jdbx/base/errors.js';
import { checkGuestCode } from '#jdbx/sandbox/entry.js';

function check(code: string, entry?: string) {
  return checkGuestCode(code, { name: 'transformer:test', entry });
}

function refusal(code: string, entry?: string): JdbxError {
  try {
    check(code, entry);
  } catch (error) {
    if (error instanceof JdbxError) return error;
  }
  throw new Error('expected the code to be refused');
}

describe('the entry rule', () => {
  const cases: [title: string, code: string, entry: string | undefined, expected: string][] = [
    ['the only function', 'function f() {}', undefined, 'f'],
    ['the last of several', 'function f() {}\nfunction g() {}\nconst x = 1;', undefined, 'g'],
    ['a const arrow', 'function f() {}\nconst g = async (a) => a;', undefined, 'g'],
    ['a function expression', 'let g = function (a) { return a };', undefined, 'g'],
    ['the named entry', 'function f() {}\nfunction g() {}', 'f', 'f'],
    [
      'the default export',
      'export default function f() {}\nexport function g() {}',
      undefined,
      'f',
    ],
    ['an anonymous default', 'function f() {}\nexport default () => 1', undefined, 'default'],
    ['a default by name', 'const f = () => 1;\nexport { f as default };', undefined, 'default'],
    ['an exported function', 'export const f = () => 1;', undefined, 'f'],
    ['the named entry over a default', 'function f() {}\nexport default () => 1', 'f', 'f'],
  ];
  test.each(cases)('takes %s', (_, code, entry, expected) => {
    const found = check(code, entry);
    // A default that has a name may be reached by either.
    expect([found.entry, found.entry === 'default' ? 'f' : '']).toContain(expected);
  });

  test('tells parameter names, defaults, patterns and a rest parameter', () => {
    expect(check('function f(a, b = 2, { c }, [d], ...more) {}')).toMatchObject({
      parameters: ['a', 'b', undefined, undefined],
      rest: true,
    });
    expect(check('export default (session, task) => task')).toMatchObject({
      parameters: ['session', 'task'],
      rest: false,
      module: true,
    });
  });

  test('ignores functions that are not at the top level', () => {
    expect(check('function f() { function g() {} }\n{ function h() {} }').entry).toBe('f');
  });
});

describe('code that is refused', () => {
  const cases: [title: string, code: string, text: RegExp, line: number, column: number][] = [
    ['a syntax error', 'function f() {\n  return 1 +;\n}', /Unexpected token/, 2, 13],
    ['an unfinished module', 'export default function f( {', /Unexpected/, 1, 29],
    ['top-level await', 'const x = await 1;\nexport default () => x', /await/i, 1, 11],
    ['a dynamic import', 'async function f() {\n  await import("y") }', /at the top level/, 2, 9],
    ['a re-export and no function', 'export { x } from "y";', /top-level function/, 1, 1],
    ['no function at all', 'const x = 1;', /top-level function/, 1, 1],
    ['a default that is no function', 'export default 42', /export default/, 1, 1],
    ['a generator', 'const x = 1;\nfunction* f() {}', /generator/, 2, 1],
  ];
  test.each(cases)('%s, with its place', (_, code, text, line, column) => {
    const error = refusal(code);
    expect(error.code).toBe('GUEST_SYNTAX');
    expect(error.message).toMatch(text);
    expect(error.message).toContain(`(transformer:test, line ${line}, column ${column})`);
    expect(error.details).toMatchObject({ line, column });
  });

  test('an entry that does not exist, by its name', () => {
    expect(refusal('function f() {}', 'g').message).toContain('"g"');
  });

  test('code nested past reason, and code past its length', () => {
    expect(refusal(`${'('.repeat(200_000)}`).code).toBe('GUEST_SYNTAX');
    expect(refusal(`function f() {}${' '.repeat(2 ** 20)}`).message).toContain('at most');
  });
});

test('code that was made to take long to parse is refused in time', () => {
  // Each name is compared with all before it: half a minute of the caller's thread.
  const names = Array.from({ length: 22_000 }, (_, n) => `export const e${n} = 1;`).join('');
  expect(refusal(`${names} export default function f() {}`).message).toMatch(
    /GUEST_SYNTAX: expected code that parses within 2000 ms/,
  );
});
