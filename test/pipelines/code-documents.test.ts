import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { failure, openStore, pipeline, runFailure, storeFolder, transformer } from './support.js';

let db: Jdbx;
beforeAll(async () => {
  db = await openStore();
});
afterAll(() => db.close());

const ts = (name: string, code: string, more: object = {}) =>
  transformer(name, code, { language: 'ts', ...more });
const only = (name: string, id: string) => pipeline(name, [{ name: 'only', transformer: id }]);

describe('an import of another transformer', () => {
  it('is linked when both are written in one commit, in any order', async () => {
    await db.put([
      transformer('user', `import { n } from 'transformer:base'; export default (i) => n + i.n`),
      transformer('base', 'export const n = 40'),
      only('user', 'transformer:user'),
    ]);
    expect((await db.run('pipeline:user', { n: 2 })).output).toBe(42);
  });

  it('of what is not there is refused with its place, and nothing is written', async () => {
    const code = `const x = 1;\n import { n } from 'transformer:none'; export default () => n`;
    const error = await failure(db.put(transformer('lost', code)));
    expect(error.code).toBe('UNRESOLVED_IMPORT');
    expect(error.details).toEqual({ name: 'transformer:lost', line: 2, column: 2 });
    expect(await db.get('transformer:lost')).toBeUndefined();
  });

  it('is for transformers alone', async () => {
    await db.put({ _id: 'prompt:x', _type: 'prompt', template: 'x' });
    const error = await failure(
      db.put(transformer('odd', `import 'prompt:x'; export default () => 1`)),
    );
    expect(error.message).toContain('found a prompt');
  });

  it('may be made by any verb, and by guests', async () => {
    await db.put([
      transformer('verb', 'export default () => 1'),
      transformer('lib2', 'export const n = 1'),
    ]);
    const broken = `import { m } from 'transformer:lib2'; export default () => m`;
    const fine = `import { n } from 'transformer:lib2'; export default () => n`;
    const update = (code: string) => db.update('transformer:verb', { $set: { code } });
    expect((await failure(update(broken))).code).toBe('UNRESOLVED_IMPORT');
    expect(await update(fine)).toMatchObject({ modified: 1 });
    const put = `function f({ code }) { db.put({ _id: 'transformer:verb', _type: 'transformer', code }) }`;
    await db.put([
      transformer('writer', put, { permissions: ['db.put:transformer'] }),
      only('writer', 'transformer:writer'),
    ]);
    expect(await runFailure(db.run('pipeline:writer', { code: broken }))).toMatchObject({
      code: 'UNRESOLVED_IMPORT',
    });
    await db.run('pipeline:writer', { code: fine });
    expect((await db.get('transformer:verb'))?._rev).toBe(3);
  });

  it('keeps the other from being removed, retyped or losing the name', async () => {
    await db.put([
      transformer('kept', 'export const n = 1; export const unused = 2'),
      transformer('front', `export * from 'transformer:kept'`),
      transformer('needs', `import { n } from 'transformer:front'; export default () => n`),
    ]);
    const refused = async (write: Promise<unknown>) => {
      const { code, details } = await failure(write);
      return [code, details?.importer];
    };
    const inUse = ['DOCUMENT_IN_USE', expect.stringMatching(/transformer:(front|needs)/)];
    expect(await refused(db.remove('transformer:kept'))).toEqual(inUse);
    expect(await refused(db.remove({ _type: 'transformer', _id: 'transformer:kept' }))).toEqual(
      inUse,
    );
    expect(await refused(db.put({ _id: 'transformer:kept', _type: 'note' }))).toEqual(inUse);
    const lost = transformer('kept', 'export const m = 1');
    expect(await refused(db.put(lost))).toEqual(['DOCUMENT_IN_USE', 'transformer:needs']);
    await db.put(transformer('kept', 'export const n = 2'));
    await db.transaction(async (tx) => {
      for (const name of ['needs', 'front', 'kept']) await tx.remove(`transformer:${name}`);
    });
    expect(await db.get('transformer:kept')).toBeUndefined();
  });

  it('in a circle is refused, naming it', async () => {
    await db.put(transformer('one', 'export const n = 1; export default () => n'));
    await db.put(transformer('two', `import 'transformer:one'; export default () => 2`));
    const error = await failure(
      db.put(transformer('one', `import 'transformer:two'; export default () => 1`)),
    );
    expect(error.message).toContain('transformer:one → transformer:two → transformer:one');
  });

  it('also serves generators of prompts', async () => {
    await db.put([
      transformer('greet', 'export const greet = (name) => "hello " + name'),
      {
        _id: 'prompt:greet',
        _type: 'prompt',
        generator: `import { greet } from 'transformer:greet'; export default ({ name }) => greet(name)`,
      },
      pipeline('greet', [
        { name: 'only', prompt: 'prompt:greet', inputs: { name: '$input.name' } },
      ]),
    ]);
    expect((await db.run('pipeline:greet', { name: 'Ada' })).output).toEqual({
      prompt: 'hello Ada',
    });
  });

  it('is pinned with the run, and told of in its audit trail', async () => {
    const wait = `import { word } from 'transformer:word';
      export default () => { if (!db.get('flag:go')) throw new Error('wait'); return word }`;
    await db.put([
      transformer('word', 'export const word = "old"'),
      transformer('wait', wait, { permissions: ['db.get'] }),
      pipeline('wait', [
        {
          name: 'only',
          transformer: 'transformer:wait',
          retry: { attempts: 100, backoff: 'constant', delay_ms: 100, codes: ['GUEST_ERROR'] },
        },
      ]),
    ]);
    const run = db.run('pipeline:wait', {}, { key: 'pinned' });
    await new Promise((resolve) => db.events.once('stage-start', resolve));
    await db.put(transformer('word', 'export const word = "new"'));
    await db.put([transformer('wait', 'export default () => "gone"')]);
    await db.remove('transformer:word');
    await db.put({ _id: 'flag:go', _type: 'flag' });
    expect((await run).output).toBe('old');
    const stages = await db.audit.query({ kind: 'stage', run: 'run:pinned' }).toArray();
    expect(stages.at(-1)).toMatchObject({
      status: 'done',
      definitions: { 'transformer:wait': 1, 'transformer:word': 1 },
    });
  });

  it('says in the audit trail in which document an error was made', async () => {
    await db.put([
      transformer(
        'thrower',
        '\nexport function fail() { throw new JdbxError("NO_STOCK", "none left") }',
      ),
      transformer(
        'caller',
        `import { fail } from 'transformer:thrower'; export default () => fail()`,
      ),
      only('caller', 'transformer:caller'),
    ]);
    await failure(db.run('pipeline:caller', {}, { key: 'thrown' }));
    const [stage] = await db.audit.query({ kind: 'stage', run: 'run:thrown' }).toArray();
    expect(stage?.error).toMatchObject({
      code: 'GUEST_ERROR',
      guest_code: 'NO_STOCK',
      module: 'transformer:thrower',
      line: 2,
    });
  });

  it('of a module that is no function: it is stored, and refused as a stage', async () => {
    await db.put([
      transformer('values', 'export const n = 1'),
      only('values', 'transformer:values'),
    ]);
    expect(await runFailure(db.run('pipeline:values'))).toMatchObject({ code: 'GUEST_SYNTAX' });
  });
});

describe('errors of host functions', () => {
  const guest = async (body: string) => {
    await db.put([
      transformer('typed', `async function f() { ${body} }`, { permissions: ['db.insert:note'] }),
      only('typed', 'transformer:typed'),
    ]);
    return db.run('pipeline:typed');
  };
  const twice = `db.insert({ _id: 'note:twice', _type: 'note' });`.repeat(2);

  it('are instances of JdbxError with code and message', async () => {
    const { output } = await guest(
      `try { ${twice} } catch (e) { return [e instanceof JdbxError, e instanceof Error, e.name, e.code, e.message.startsWith(e.code)] }`,
    );
    expect(output).toEqual([true, true, 'JdbxError', 'DUPLICATE_ID', true]);
  });

  it.each([
    ['passed on', twice],
    ['thrown again', `try { ${twice} } catch (e) { throw e }`],
    [
      'thrown after an await',
      `try { await (async () => { ${twice} })() } catch (e) { await null; throw e }`,
    ],
    ['rejected', `return Promise.reject(await (async () => { ${twice} })().catch((e) => e))`],
  ])('keep their code when they are %s', async (_, body) => {
    expect(await runFailure(guest(body))).toMatchObject({ code: 'DUPLICATE_ID' });
  });

  it('are the cause of what a guest throws with them as its cause', async () => {
    const error = await runFailure(
      guest(
        `try { ${twice} } catch (cause) { throw new Error('outer', { cause: new Error('inner', { cause }) }) }`,
      ),
    );
    expect(error.code).toBe('GUEST_ERROR');
    expect((error.cause.cause as { code?: string }).code).toBe('DUPLICATE_ID');
  });
});

describe('async guests', () => {
  const cases: [title: string, code: string, expected: unknown][] = [
    ['an async entry', 'async function f() { return 1 }', 1],
    [
      'await on host calls in a loop',
      `async function f() { let n = 0; for (let i = 0; i < 5; i++) n += (await db.get('n:' + i)).n; return n }`,
      10,
    ],
    [
      'Promise.all over host calls',
      `async function f() { const all = await Promise.all([0, 1, 2].map(async (i) => db.get('n:' + i))); return all.map(({ n }) => n) }`,
      [0, 1, 2],
    ],
    [
      'host calls in order, though asked at once',
      `async function f() { const seen = []; await Promise.all([2, 0, 1].map(async (i) => { seen.push('ask' + i); await db.get('n:' + i); seen.push('got' + i) })); return seen }`,
      ['ask2', 'ask0', 'ask1', 'got2', 'got0', 'got1'],
    ],
    [
      'Promise.race and any',
      `async function f() { return [await Promise.race([db.get('n:1'), new Promise(() => {})]).then((d) => d.n), await Promise.any([Promise.reject(1), 2])] }`,
      [1, 2],
    ],
    [
      'allSettled',
      `async function f() { const all = await Promise.allSettled([db.get('n:1').n, Promise.reject(new JdbxError('X', 'y'))]); return all.map(({ status, reason }) => reason?.code ?? status) }`,
      ['fulfilled', 'X'],
    ],
    [
      'for await',
      `async function f() { let n = 0; for await (const d of db.query({ _type: 'n' })) n += d.n; return n }`,
      10,
    ],
    [
      'async generators',
      `async function f() { async function* g() { yield db.get('n:1').n; yield db.get('n:2').n } const all = []; for await (const n of g()) all.push(n); return all }`,
      [1, 2],
    ],
    [
      'a cursor',
      `async function f() { return (await db.query({ _type: 'n' }).sort({ n: -1 }).limit(2)).map(({ n }) => n) }`,
      [4, 3],
    ],
    ['a thenable', `function f() { return { then(done) { done(7) } } }`, 7],
    [
      'a rejection that nobody awaits',
      `async function f() { Promise.reject(new Error('lost')); return 'ok' }`,
      'ok',
    ],
    [
      'finally',
      `async function f() { let s = ''; try { await null; throw 1 } catch { s += 'c' } finally { await null; s += 'f' } return s }`,
      'cf',
    ],
    [
      'microtasks in order',
      `async function f() { const s = []; queueMicrotask(() => s.push(1)); Promise.resolve().then(() => s.push(2)); await null; await null; return s }`,
      [1, 2],
    ],
  ];

  it.each(cases)('%s', async (_, code, expected) => {
    await db.put([
      ...[0, 1, 2, 3, 4].map((n) => ({ _id: `n:${n}`, _type: 'n', n })),
      transformer('async', code, { permissions: ['db.get', 'db.query'] }),
      only('async', 'transformer:async'),
    ]);
    expect((await db.run('pipeline:async')).output).toEqual(expected);
  });

  it.each([
    [
      'a promise that nothing settles',
      'async function f() { await new Promise(() => {}) }',
      /nothing will settle/,
    ],
    [
      'a rejection of the entry',
      'async function f() { throw new TypeError("no") }',
      /TypeError: no/,
    ],
    ['a thrown value that is no error', 'async function f() { throw 7 }', /7/],
  ])('%s fails the stage', async (_, code, message) => {
    await db.put([transformer('fails', code), only('fails', 'transformer:fails')]);
    const error = await runFailure(db.run('pipeline:fails'));
    expect(error.code).toBe('GUEST_ERROR');
    expect(error.message).toMatch(message);
  });

  it('an await outside of any function is refused when the document is written', async () => {
    const error = await failure(
      db.put(transformer('top', 'const n = await 1; export default () => n')),
    );
    expect([error.code, error.details]).toEqual([
      'GUEST_SYNTAX',
      { name: 'transformer:top', line: 1, column: 11 },
    ]);
  });
});

describe('a transformer in TypeScript', () => {
  it('runs, and imports one in JavaScript, which imports one in TypeScript', async () => {
    await db.put([
      ts(
        'a',
        `import { twice } from 'transformer:b';\nexport default (i: { n: number }): number => twice(i.n)`,
      ),
      transformer('b', `export { twice } from 'transformer:c'`),
      ts('c', 'export type N = number; export const twice = (n: N): N => n * 2'),
      only('ts', 'transformer:a'),
    ]);
    expect((await db.run('pipeline:ts', { n: 21 })).output).toBe(42);
  });

  it('keeps its source as it was written', async () => {
    expect((await db.get('transformer:c'))?.code).toContain('(n: N): N');
  });

  it('is refused with the place in its source', async () => {
    const error = await failure(db.put(ts('bad', 'export default () => 1;\nenum A {}')));
    expect([error.code, error.details]).toEqual([
      'GUEST_SYNTAX',
      { name: 'transformer:bad', line: 2, column: 1 },
    ]);
    const language = await failure(db.put(transformer('x', 'x', { language: 'coffee' })));
    expect([language.code, language.path]).toEqual(['INVALID_DOCUMENT', 'language']);
  });

  it('is told that a type must be imported as one', async () => {
    const code = `import { N } from 'transformer:c'; export default (n: N) => n`;
    expect((await failure(db.put(ts('typed', code)))).message).toContain('an export named "N"');
    await db.put(ts('typed', code.replace('import {', 'import type {')));
  });

  it('leaves one stripped form for equal sources, which no guest can write', async () => {
    const before = await db.query({ _type: 'stripped' }).count();
    const code = 'export default (n: number): number => n + 1';
    await db.put([ts('same1', code), ts('same2', code)]);
    await db.put(ts('same1', code));
    expect(await db.query({ _type: 'stripped' }).count()).toBe(before + 1);
    const forge = `function f() { db.put({ _id: 'stripped:x', _type: 'stripped', code: '' }) }`;
    await db.put([
      transformer('forge', forge, { permissions: ['db.put', 'db.put:stripped'] }),
      only('forge', 'transformer:forge'),
    ]);
    expect(await runFailure(db.run('pipeline:forge'))).toMatchObject({ code: 'PROTECTED_TYPE' });
  });
});

/** A copy of the built package beside dependencies that lack the stripper. */
describe('a store that is opened where types cannot be stripped', () => {
  const folder = storeFolder();
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const bare = join(folder.path, 'bare');
  const store = join(folder.path, 'store');
  afterAll(() => folder.remove());

  beforeAll(async () => {
    const own = await open(store, { workers: 1 });
    await own.put([
      ts('typed', 'export default ({ n }: { n: number }): number => n + 1'),
      only('typed', 'transformer:typed'),
    ]);
    await own.close();
    linkWithout(root, bare);
  });

  it('runs what was written, and says how to install the stripper for more', async () => {
    const program = join(bare, 'program.mjs');
    writeFileSync(
      program,
      `import { open } from './dist/index.js';
      const db = await open(${JSON.stringify(store)}, { workers: 1 });
      const { output } = await db.run('pipeline:typed', { n: 1 });
      const put = db.put({ _type: 'transformer', language: 'ts', code: 'export default (n: string) => n' });
      console.log(output, await put.catch((error) => error.code + error.message));
      await db.close();`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    expect(stdout).toMatch(/^2 TYPESCRIPT_MISSING.*npm install @swc\/wasm-typescript/);
  });
});

function linkWithout(root: string, to: string): void {
  mkdirSync(join(to, 'node_modules'), { recursive: true });
  cpSync(join(root, 'dist'), join(to, 'dist'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === '@swc') continue;
    symlinkSync(join(root, 'node_modules', name), join(to, 'node_modules', name));
  }
  cpSync(join(root, 'package.json'), join(to, 'package.json'));
  cpSync(join(root, 'schemas'), join(to, 'schemas'), { recursive: true });
  rmSync(join(to, 'dist', 'readme'), { recursive: true, force: true });
}
