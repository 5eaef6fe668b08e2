import { afterAll, describe, expect, test } from 'vitest';
import { JdbxError } from '#jdbx/base/errors.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { stripTypes } from '#jdbx/sandbox/typescript/strip-types.js';
import { callGuest, errorOf, guestValue } from './guest.js';

const sandbox = createSandbox({ workers: 1 });
afterAll(() => sandbox.close());

const strip = (code: string) => stripTypes(code, { name: 'transformer:ts' });

function refusal(code: string): JdbxError {
  try {
    strip(code);
  } catch (error) {
    if (error instanceof JdbxError) return error;
  }
  throw new Error('expected the code to be refused');
}

describe('types', () => {
  const source = `
import type { Other } from 'transformer:types';
interface Order<T = string> { readonly id: T; lines: Line[] }
type Line = { price: number; count?: number };
declare const nothing: never;
export default function total<T extends Order>(order: T, rate: number = 0.2): number {
  const sum = (order.lines as Line[]).reduce((all: number, { price, count }: Line): number => all + price * (count ?? 1)!, 0);
  return (sum satisfies number) * (1 + rate);
}
class Box<T> { readonly #value: T; declare x: number; constructor(value: T) { this.#value = value } get(this: Box<T>): T { return this.#value } }
function over(a: string): string; function over(a: any): any { return a }
`;

  test('become blanks, so that nothing moves', () => {
    const code = strip(source);
    expect(code).toHaveLength(source.length);
    expect(code.split('\n').map((line) => line.length)).toEqual(
      source.split('\n').map((line) => line.length),
    );
    for (const word of ['export default', 'reduce', 'return (sum', 'class Box', '#value']) {
      expect(code.indexOf(word)).toBe(source.indexOf(word));
    }
  });

  test('are gone when the code runs', async () => {
    const args = [{ id: 'o', lines: [{ price: 10 }, { price: 5, count: 2 }] }, 0.5];
    expect(await guestValue(sandbox, strip(source), { args })).toBe(30);
  });

  test('leave stacks with the places of the source', async () => {
    const code = `interface A {\n  b: string;\n}\nfunction f(a: A): never {\n  const text: string = a.b;   throw new Error(text);\n}`;
    const { details } = await errorOf(
      callGuest(sandbox, strip(code), { args: [{ b: 'x' }], name: 'transformer:ts' }),
    );
    expect(details).toMatchObject({ line: 5 });
    expect(String(details?.stack).split('\n')[0]).toMatch(/f \(transformer:ts:5:\d+\)/);
  });
});

describe('TypeScript that is refused', () => {
  test.each([
    ['a syntax error', 'const a: = 1;', /Unexpected token/, 1, 10],
    ['an enum', '\nenum A { B }', /got an enum/, 2, 1],
    ['a namespace', 'let a;  namespace N { export const x = 1 }', /got a namespace/, 1, 9],
    [
      'a parameter property',
      'class A { constructor(private x: number) {} }',
      /got a parameter property/,
      1,
      31,
    ],
    ['an import that is assigned', 'import x = require("y")', /import equals/, 1, 1],
    ['a cast by angles', 'const x = <string>y;', /as T/, 1, 11],
    ['an enum after wide characters', '"漢字😀é";enum A {}', /enum/, 1, 9],
    ['an enum after tabs', '\t\tenum A {}', /enum/, 1, 3],
  ])('%s, with its place', (_, code, text, line, column) => {
    const error = refusal(code);
    expect(error.code).toBe('GUEST_SYNTAX');
    expect(error.message).toMatch(text);
    expect(error.message).toContain(`(transformer:ts, line ${line}, column ${column})`);
    expect(error.details).toEqual({ name: 'transformer:ts', line, column });
  });
});
