import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx, TestReport } from '#jdbx/index.js';
import { failure, openStore, pipeline, prompt, transformer } from './support.js';

let db: Jdbx;
beforeAll(async () => {
  db = await openStore();
});
afterAll(() => db.close());

/** Stores a transformer with tests and runs these. */
async function tested(
  code: string,
  tests: readonly object[],
  more: object = {},
): Promise<TestReport> {
  await db.put(transformer('tested', code, { tests, ...more }));
  return db.test('transformer:tested');
}

const DOUBLE = 'export default ({ n }) => ({ n: n * 2, list: [n] })';

describe('a test of a transformer', () => {
  it('passes when the result is what it expects', async () => {
    const tests = [
      { name: 'two', input: { n: 2 }, expected: { list: [2], n: 4 } },
      { input: { n: 0 }, expected: { n: 0, list: [0] } },
    ];
    expect(await tested(DOUBLE, tests)).toMatchObject({
      ok: true,
      passed: 2,
      failed: 0,
      results: [
        { document: 'transformer:tested', test: 'two', ok: true },
        { document: 'transformer:tested', test: 'test 2', ok: true },
      ],
    });
  });

  it('says where the result departs', async () => {
    const tests = [{ input: { n: 2 }, expected: { n: 5, list: [2, 3], extra: null } }];
    expect((await tested(DOUBLE, tests)).results[0]).toMatchObject({
      ok: false,
      differences: [
        { path: 'n', expected: 5, actual: 4 },
        { path: 'list.1', expected: 3 },
        { path: 'extra', expected: null },
      ],
    });
  });

  it('compares dates, bytes and, where it says so, numbers nearly', async () => {
    const code = 'export default () => [new Date(5), new Uint8Array([1, 2]), 0.1 + 0.2]';
    const expected = [new Date(5), new Uint8Array([1, 2]), 0.3];
    const report = await tested(code, [
      { expected, approx: 1e-9 },
      { expected },
      { expected: [new Date(6), new Uint8Array([1, 3]), 0.3], approx: 1e-9 },
    ]);
    expect(
      report.results.map(({ ok, differences }) => [ok, differences?.map(({ path }) => path)]),
    ).toEqual([
      [true, undefined],
      [false, ['2']],
      [false, ['0', '1']],
    ]);
  });

  it('may expect an error, by code, message or both', async () => {
    const code = `function f({ mode }) {
      if (mode === 'own') throw new JdbxError('NO_STOCK', 'none left');
      if (mode === 'host') db.put({ _type: 'note' });
      return 'fine';
    }`;
    const report = await tested(code, [
      { input: { mode: 'own' }, expected_error: { code: 'NO_STOCK', message: 'none left' } },
      { input: { mode: 'own' }, expected_error: { code: 'GUEST_ERROR' } },
      { input: { mode: 'host' }, expected_error: { code: 'PERMISSION_DENIED' } },
      { input: { mode: 'own' }, expected_error: { code: 'OTHER' } },
      { input: { mode: 'own' }, expected: 'fine' },
      { input: {}, expected_error: { message: 'x' } },
    ]);
    expect(report.results.map(({ ok }) => ok)).toEqual([true, true, true, false, false, false]);
    expect(report.results[3]).toMatchObject({
      error: { code: 'GUEST_ERROR', module: 'transformer:tested', line: 2 },
      expectedError: { code: 'OTHER' },
    });
    expect(report.results[5]).toMatchObject({ differences: [{ path: '', actual: 'fine' }] });
  });

  it('sees its documents beside those of the store, and writes nothing', async () => {
    await db.put({ _id: 'note:stored', _type: 'note', n: 1 });
    const code = `function f() {
      db.put({ _id: 'note:made', _type: 'note', n: 100 });
      db.remove('note:stored');
      return db.query({ _type: 'note' }).sort({ n: 1 }).map(({ n }) => n);
    }`;
    const before = db.seq;
    const more = { permissions: ['db.put:note', 'db.remove:note', 'db.query:note'] };
    const tests = [{ documents: [{ _type: 'note', n: 10 }], expected: [10, 100] }];
    expect((await tested(code, tests, more)).results[0]?.differences).toBeUndefined();
    expect(db.seq).toBe(before + 1);
    expect(await db.query({ _type: 'note' }).count()).toBe(1);
  });

  it('has its own session, seed and clock, and the same ones each time', async () => {
    const code = `function f(input, session) { return [session.state.topic, Math.random(), Date.now(), new Date().getFullYear()] }`;
    const tests = ['a', 'a', 'b'].map((seed) => ({
      seed,
      now: new Date(Date.UTC(2030, 0, 1)),
      session: { state: { topic: 'x' } },
      expected: [],
    }));
    const { results } = await tested(code, tests);
    const values = results.map(({ differences }) => differences?.map(({ actual }) => actual));
    expect(values[0]).toEqual(values[1]);
    expect(values[2]).not.toEqual(values[0]);
    expect(values[0]).toMatchObject(['x', expect.any(Number), Date.UTC(2030, 0, 1), 2030]);
  });

  it('answers for models by itself', async () => {
    await db.put({
      _id: 'integration:gone',
      _type: 'integration',
      provider: 'openai',
      endpoint: 'http://127.0.0.1:9/',
    });
    const code = `async function f() { return [(await llm.call('integration:gone', 'a')).text, llm.call('integration:gone', 'b').text] }`;
    const more = { permissions: ['llm.call'] };
    const report = await tested(
      code,
      [
        { answers: ['one', { text: 'two', finish: 'length' }], expected: ['one', 'two'] },
        { answers: ['one'], expected_error: { code: 'RECORDING_MISSING' } },
      ],
      more,
    );
    expect(report.ok).toBe(true);
  });

  it('tells what the code printed when it fails', async () => {
    const report = await tested('function f() { console.log("here"); return 1 }', [
      { expected: 2 },
    ]);
    expect(report.results[0]?.console).toEqual([{ level: 'log', text: 'here' }]);
  });

  it('runs in the sandbox, under the limits of the document', async () => {
    const more = { limits: { timeout_ms: 100 } };
    const report = await tested('function f() { for (;;); }', [{ expected: 1 }], more);
    expect(report.results[0]?.error?.code).toBe('GUEST_TIMEOUT');
  });

  it('sees the modules and types of its document', async () => {
    await db.put(
      transformer('unit', 'export const rate = (n: number): number => n / 4', { language: 'ts' }),
    );
    const code = `import { rate } from 'transformer:unit';\nexport default ({ n }: { n: number }) => rate(n)`;
    expect((await tested(code, [{ input: { n: 2 }, expected: 0.5 }], { language: 'ts' })).ok).toBe(
      true,
    );
  });
});

describe('a test of a prompt', () => {
  it('expects the text, or all of what is rendered', async () => {
    await db.put(
      prompt('tested', 'Say {word}.', ['word'], {
        temperature: 0.5,
        tests: [
          { input: { word: 'hello' }, expected: 'Say hello.' },
          {
            input: { word: 'hello' },
            expected: { prompt: 'Say hello.', settings: { temperature: 0.5 } },
          },
          { input: {}, expected_error: { code: 'MISSING_VARIABLE' } },
          { input: { word: 'x' }, expected: 'Say y.' },
        ],
      }),
    );
    const { results } = await db.test('prompt:tested');
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(results[3]?.differences).toEqual([{ path: '', expected: 'Say y.', actual: 'Say x.' }]);
  });
});

describe('which tests are run', () => {
  it('those of one document, of a filter, or of all', async () => {
    const own = await openStore();
    await own.put([
      transformer('a', 'export default () => 1', { tests: [{ expected: 1 }], team: 'x' }),
      transformer('b', 'export default () => 1', { tests: [{ expected: 2 }], team: 'y' }),
      transformer('c', 'export default () => 1'),
      { _id: 'note:tests', _type: 'note', tests: [{ expected: 9 }] },
    ]);
    const counts = async (target?: string | object) => {
      const { passed, failed } = await own.test(target as never);
      return [passed, failed];
    };
    expect(await counts()).toEqual([1, 1]);
    expect(await counts({ team: 'x' })).toEqual([1, 0]);
    expect(await counts('transformer:b')).toEqual([0, 1]);
    expect(await counts('transformer:c')).toEqual([0, 0]);
    expect((await failure(own.test('transformer:none'))).code).toBe('MISSING_DOCUMENT');
    await own.close();
  });
});

describe('tests that cannot be understood', () => {
  it.each([
    ['tests', { tests: 5 }],
    ['tests.0', { tests: ['x'] }],
    ['tests.0.expected', { tests: [{}] }],
    ['tests.0.expected', { tests: [{ expected: 1, expected_error: { code: 'X' } }] }],
    ['tests.0.expected_error', { tests: [{ expected_error: {} }] }],
    ['tests.0.expected_error', { tests: [{ expected_error: { kode: 'X' } }] }],
    ['tests.1.inputs', { tests: [{ expected: 1 }, { expected: 1, inputs: {} }] }],
    ['tests.0.approx', { tests: [{ expected: 1, approx: 2 }] }],
    ['tests.0.documents.0', { tests: [{ expected: 1, documents: [{}] }] }],
    ['tests.0.now', { tests: [{ expected: 1, now: 'noon' }] }],
    ['tests', { require_tests: true }],
    ['require_tests', { require_tests: 'yes' }],
  ])('are refused when they are written, at %s', async (path, more) => {
    const error = await failure(db.put(transformer('odd', 'export default () => 1', more)));
    expect([error.code, error.path]).toEqual(['INVALID_DOCUMENT', path]);
  });
});

describe('a document that demands its tests', () => {
  const gate = (name: string, code: string, expected: unknown, more: object = {}) =>
    transformer(name, code, { require_tests: true, tests: [{ name: 'gate', expected }], ...more });

  it('is not stored while one fails, and says which', async () => {
    const error = await failure(db.put(gate('gated', 'export default () => 1', 2)));
    expect(error.code).toBe('TESTS_FAILED');
    expect(error.message).toContain('transformer:gated: gate');
    expect(error.details).toMatchObject({
      failures: [{ test: 'gate', differences: [{ path: '', expected: 2, actual: 1 }] }],
    });
    expect(await db.get('transformer:gated')).toBeUndefined();
    await db.put(gate('gated', 'export default () => 2', 2));
    expect((await db.get('transformer:gated'))?._rev).toBe(1);
  });

  it('is so on every road', async () => {
    await db.put(gate('roads', 'export default () => 2', 2));
    const refused = async (write: Promise<unknown>) => (await failure(write)).code;
    const bad = gate('roads', 'export default () => 3', 2);
    const id = 'transformer:roads';
    expect(await refused(db.update(id, { $set: { code: bad.code } }))).toBe('TESTS_FAILED');
    expect(await refused(db.transaction((tx) => tx.put(bad)))).toBe('TESTS_FAILED');
    expect(await refused(db.import({ text: JSON.stringify([bad]) }, { mode: 'put' }))).toBe(
      'TESTS_FAILED',
    );
    const code = `function f({ code }) { db.update('${id}', { $set: { code } }) }`;
    await db.put([
      transformer('editor', code, { permissions: ['db.update:transformer', 'db.get'] }),
      pipeline('editor', [{ name: 'only', transformer: 'transformer:editor' }]),
    ]);
    const run = await failure(db.run('pipeline:editor', { code: bad.code }));
    expect(run.details?.code).toBe('TESTS_FAILED');
    expect((await db.get(id))?._rev).toBe(1);
    await db.run('pipeline:editor', { code: 'export default () => 1 + 1' });
    expect((await db.get(id))?._rev).toBe(2);
  });

  it('is tested with what comes in the same commit', async () => {
    await db.put([
      gate('user', `import { n } from 'transformer:shared'; export default () => n`, 5),
      transformer('shared', 'export const n = 5'),
    ]);
    expect((await db.test('transformer:user')).ok).toBe(true);
  });

  it('is tested again when a module of it changes, which may be refused for it', async () => {
    const error = await failure(db.put(transformer('shared', 'export const n = 6')));
    expect([error.code, error.message]).toEqual([
      'TESTS_FAILED',
      expect.stringContaining('transformer:user: gate'),
    ]);
    await db.put(transformer('shared', 'export const n = 2 + 3'));
    await db.put([
      transformer('shared', 'export const n = 6'),
      gate('user', `import { n } from 'transformer:shared'; export default () => n`, 6),
    ]);
  });

  it('holds nobody else up, and many may come at once', async () => {
    const puts = Array.from({ length: 10 }, (_, n) =>
      db.put(gate(`many${n}`, `export default () => ${n}`, n)),
    );
    const others = Array.from({ length: 10 }, (_, n) =>
      db.put({ _id: `note:${n}`, _type: 'note' }),
    );
    await Promise.all([...puts, ...others]);
    expect(
      await db
        .query({ _type: 'transformer', require_tests: true, _id: { $regex: 'many' } })
        .count(),
    ).toBe(10);
  });

  it('may be a prompt', async () => {
    const made = (template: string) =>
      prompt('gated', template, ['a'], {
        require_tests: true,
        tests: [{ input: { a: 1 }, expected: 'a 1' }],
      });
    expect((await failure(db.put(made('b {a}')))).code).toBe('TESTS_FAILED');
    await db.put(made('a {a}'));
  });
});
