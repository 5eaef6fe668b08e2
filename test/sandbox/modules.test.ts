import { afterAll, describe, expect, test } from 'vitest';
import { JdbxError } from '#jdbx/base/errors.js';
import { checkModule } from '#jdbx/sandbox/entry.js';
import { linkModules, MODULES_MAX } from '#jdbx/sandbox/modules/link-modules.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { type CallOptions, callGuest, errorOf, guestValue } from './guest.js';

const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

const run = (code: string, imports: Record<string, string>, more: CallOptions = {}) =>
  guestValue(sandbox, code, { ...more, imports });

const LIB = `
let count = 0;
export const next = () => ++count;
export function twice(n) { return n * 2 }
export class Box { value = 7 }
export default () => 'default';
export { twice as double, next as "odd name" };
export const { a, b: { c }, d = 4, ...rest } = { a: 1, b: { c: 2 }, e: 3 };
`;

describe('a module', () => {
  test('imports names, defaults and namespaces', async () => {
    const code = `
      import lib, { twice, double as again, Box, 'odd name' as odd } from 'lib';
      import * as all from 'lib';
      export default (n) => [lib(), twice(n), again(n), new Box().value, odd(), all.a, all.c, all.rest, Object.keys(all).length];`;
    expect(await run(code, { lib: LIB }, { args: [4] })).toEqual([
      'default',
      8,
      8,
      7,
      1,
      1,
      2,
      { e: 3 },
      10,
    ]);
  });

  test('passes on what others export', async () => {
    const imports = {
      lib: LIB,
      front: `export { twice, default as lib } from 'lib'; export * from 'lib'; export * as ns from 'lib'; export const a = 'own';`,
    };
    const code = `import { twice, lib, ns, a, c } from 'front'; export default () => [twice(1), lib(), ns.a, a, c];`;
    expect(await run(code, imports)).toEqual([2, 'default', 1, 'own', 2]);
  });

  test('is evaluated once, before those that import it, and anew for each call', async () => {
    const imports = {
      lib: LIB,
      left: `import { next } from 'lib'; export const left = next();`,
      right: `import { next } from 'lib'; export const right = next();`,
    };
    const code = `import { left } from 'left'; import { right } from 'right'; import { next } from 'lib';
      export default () => [left, right, next(), next()];`;
    for (let call = 0; call < 3; call++) expect(await run(code, imports)).toEqual([1, 2, 3, 4]);
  });

  test('belongs to the program: the same code with another module is another one', async () => {
    const code = `import { n } from 'lib'; export default () => n;`;
    expect(await run(code, { lib: 'export const n = 1' })).toBe(1);
    expect(await run(code, { lib: 'export const n = 2' })).toBe(2);
    expect(await run(code, { lib: 'export const n = 1' })).toBe(1);
  });

  test('keeps its state between calls of a `reuse` program', async () => {
    const code = `import { next } from 'lib'; export default () => next();`;
    const reuse = () => run(code, { lib: LIB }, { reuse: true, name: 'transformer:kept' });
    expect([await reuse(), await reuse(), await reuse()]).toEqual([1, 2, 3]);
  });

  test('may draw, print and read the clock while it is evaluated', async () => {
    const lib =
      'console.log("hello"); export const n = Math.random(); export const t = Date.now();';
    const code = `import { n, t } from 'lib'; export default () => [n, t];`;
    const call = (seed: string, now: number) =>
      callGuest(sandbox, code, { imports: { lib }, seed, now });
    const first = await call('a', 5_000);
    expect(first.console).toEqual([{ level: 'log', text: 'hello' }]);
    expect((first.value as number[])[1]).toBe(5_000);
    expect((await call('a', 5_000)).value).toEqual(first.value);
    expect((await call('b', 9_000)).value).not.toEqual(first.value);
  });

  test('names itself and its own place in the stack', async () => {
    const imports = {
      'transformer:lib': '\nexport function fail() {\n  throw new TypeError("no");\n}',
    };
    const code = `import { fail } from 'transformer:lib';\n\nexport default function main() {\n  fail();\n}`;
    const { details } = await errorOf(
      callGuest(sandbox, code, { imports, name: 'transformer:main' }),
    );
    expect(details).toMatchObject({ name: 'transformer:main', module: 'transformer:lib', line: 3 });
    const stack = String(details?.stack).split('\n');
    expect(stack[0]).toMatch(/fail \(transformer:lib:3:\d+\)/);
    expect(stack[1]).toMatch(/main \(transformer:main:4:\d+\)/);
  });

  test('that throws while it is evaluated fails the call, at its place', async () => {
    const imports = { lib: 'export const n = 1;\nnull.x;' };
    const error = await errorOf(run(`import { n } from 'lib'; export default () => n`, imports));
    expect(error.code).toBe('GUEST_ERROR');
    expect(error.details).toMatchObject({ module: 'lib', line: 2 });
  });

  test('that nobody handed in is not to be had', async () => {
    const code = `async function f() { try { return await eval('import("node:fs")') } catch (error) { return error.message } }`;
    expect(await run(code, {})).toBe('there is no module node:fs');
    const known = `import 'lib'; export default async () => Object.keys(await eval('import("lib")'))`;
    expect(await run(known, { lib: 'export const a = 1' })).toEqual(['a']);
    const inherited = `async function f() { try { return await eval('import("constructor")') } catch (error) { return error.name } }`;
    expect(await run(inherited, {})).toBe('ReferenceError');
  });
});

describe('linking', () => {
  const link = (code: string, modules: Record<string, string> = {}) =>
    linkModules({ name: 'main', code }, (id) =>
      modules[id] === undefined ? 'found none' : { code: modules[id] },
    );
  function refusal(code: string, modules?: Record<string, string>): JdbxError {
    try {
      link(code, modules);
    } catch (error) {
      if (error instanceof JdbxError) return error;
    }
    throw new Error('expected the code to be refused');
  }

  test('finds every module once', () => {
    const modules = {
      a: `import 'b'; import 'c'`,
      b: `export * from 'c'`,
      c: 'export const x = 1',
      d: '',
    };
    expect(Object.keys(link(`import 'a'; import { x } from 'b'`, modules)).sort()).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  test.each([
    [
      'a module that is not there',
      `\n  import x from 'no';`,
      {},
      'expected a transformer document no, found none',
      'main',
      2,
      3,
    ],
    [
      'one that a module misses',
      `import 'a'`,
      { a: `1;\nexport * from 'no'` },
      'found none',
      'a',
      2,
      1,
    ],
    [
      'a name',
      `import { x } from 'a'`,
      { a: 'export const y = 1' },
      'an export named "x" in a',
      'main',
      1,
      1,
    ],
    ['a name to pass on', `export { x } from 'a'`, { a: '' }, 'an export named "x"', 'main', 1, 1],
    [
      'a default',
      `import x from 'a'`,
      { a: 'export const y = 1' },
      'an `export default` in a',
      'main',
      1,
      1,
    ],
    [
      'a default through a star',
      `import x from 'a'`,
      { a: `export * from 'b'`, b: 'export default 1' },
      '`export default`',
      'main',
      1,
      1,
    ],
    ['itself', `import 'main'`, {}, 'main → main', 'main', 1, 1],
    [
      'a cycle',
      `import 'a'`,
      { a: `import 'b'`, b: `import 'c'`, c: `0;import 'a'` },
      'a → b → c → a',
      'c',
      1,
      3,
    ],
  ] as const)('refuses %s, with the place', (_, code, modules, text, name, line, column) => {
    const error = refusal(code, modules as Record<string, string>);
    expect(error.code).toBe('UNRESOLVED_IMPORT');
    expect(error.message).toContain(text);
    expect(error.details).toEqual({ name, line, column });
  });

  test('bounds the modules of a program', () => {
    const modules: Record<string, string> = {};
    for (let n = 0; n < MODULES_MAX; n++) modules[`m${n}`] = n === 0 ? '' : `import 'm${n - 1}'`;
    expect(Object.keys(link(`import 'm${MODULES_MAX - 2}'`, modules))).toHaveLength(
      MODULES_MAX - 1,
    );
    expect(refusal(`import 'm${MODULES_MAX - 1}'`, modules).message).toContain('at most');
  });

  test('refuses syntax errors of a module by its own name', () => {
    const error = refusal(`import 'a'`, { a: 'export const x = ;' });
    expect([error.code, error.details]).toEqual([
      'GUEST_SYNTAX',
      { name: 'a', line: 1, column: 18 },
    ]);
  });

  test('refuses exports that the engine would lose', () => {
    const error = refusal(`import 'a'`, { a: 'export const { x: [y] } = z' });
    expect([error.code, error.details]).toEqual([
      'GUEST_SYNTAX',
      { name: 'a', line: 1, column: 19 },
    ]);
  });

  test('a module needs no function', () => {
    expect(checkModule('export const x = 1', { name: 'lib' }).exports).toEqual(['x']);
  });
});
