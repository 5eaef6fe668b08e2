import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx, TestReport } from '#jdbx/index.js';
import { failure, openStore, prompt, transformer } from '../support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('double', 'export default (n) => n * 2'),
    transformer(
      'mark',
      "export default ({ name }) => db.insert({ _id: 'mark:' + name, _type: 'mark' })._id",
      { permissions: ['db.insert:mark'] },
    ),
    transformer(
      'spoil',
      "export default () => { db.insert({ _type: 'mark' }); throw new Error('spoilt') }",
      { permissions: ['db.insert:mark'] },
    ),
    prompt('ask', 'Who is {name}?', ['name']),
  ]);
});

afterAll(() => db.close());

/** Stores a program with tests and runs these. */
async function tested(code: string, tests: readonly object[], more = {}): Promise<TestReport> {
  await db.put({
    _id: 'engine:tested',
    _type: 'execution_engine',
    code: `export default ${code}`,
    tests,
    ...more,
  });
  return db.test('engine:tested');
}

const explained = ({ results }: TestReport) =>
  results.map(({ ok, error, differences }) => (ok ? 'ok' : (error ?? differences)));

const ASKS = `async ({ name }, { executeStage }) => {
  const said = await executeStage({ name: 'ask', prompt: 'prompt:ask' }, { name });
  try {
    const answers = await Promise.all([1, 2].map((n) =>
      executeStage({ name: 'answer', integration: 'integration:none', inputs: '$said' }, { said, n })));
    return answers.map(({ text }) => text);
  } catch (error) { return [error.code, error.message] }
}`;

describe('a test of a program', () => {
  it('runs its stages, and takes what would call a model from its answers', async () => {
    const report = await tested(ASKS, [
      {
        input: { name: 'Ada' },
        answers: { answer: [{ text: 'one' }, { text: 'two' }] },
        expected: ['one', 'two'],
      },
      {
        input: { name: 'Ada' },
        answers: {
          answer: [{ text: 'one' }, { $error: { code: 'MODEL_REFUSED', message: 'no' } }],
        },
        expected: ['MODEL_REFUSED', 'MODEL_REFUSED: no'],
      },
      { input: { name: 'Ada' }, answers: { answer: [{ text: 'one' }] }, expected: ['one', 'two'] },
      { input: { name: 'Ada' }, expected: [] },
      { input: {}, expected_error: { code: 'MISSING_VARIABLE' } },
    ]);
    const [first, second, third, fourth, fifth] = explained(report);
    expect([first, second, fifth]).toEqual(['ok', 'ok', 'ok']);
    expect(third).toMatchObject([{ path: '0', actual: 'RECORDING_MISSING' }, {}]);
    expect(fourth).toMatchObject([{ actual: 'RECORDING_MISSING' }, {}]);
  });

  it('shows its stages what earlier ones wrote, drops what a failed one did, and writes nothing', async () => {
    const before = db.seq;
    const report = await tested(
      `async () => {
        await Promise.all(['a', 'b'].map((name) => executeStage({ transformer: 'transformer:mark' }, { name })));
        await executeStage({ transformer: 'transformer:spoil' }).catch(() => {});
        const twice = await executeStage({ transformer: 'transformer:mark' }, { name: 'a' }).catch(({ code }) => code);
        return [db.query({ _type: 'mark' }).map(({ _id }) => _id), twice];
      }`,
      [
        {
          documents: [{ _id: 'mark:0', _type: 'mark' }],
          expected: [['mark:0', 'mark:a', 'mark:b'], 'DUPLICATE_ID'],
        },
      ],
      { permissions: ['db.query:mark'] },
    );
    expect(explained(report)).toEqual(['ok']);
    expect(db.seq).toBe(before + 1);
  });

  it('does not wait, and keeps what it is handed by a list of stages in order', async () => {
    const report = await tested(
      `async (n, { executeStage, sleep, now, checkpoint }) => {
        const begun = now();
        await sleep(3_600_000);
        await checkpoint({ n });
        const said = await executeStage({ name: 'person', wait: { answer: {} } });
        const all = await executeStage(
          { name: 'all', map: { over: '$list', as: 'x', stages: [{ name: 'one', transformer: 'transformer:double', inputs: '$x' }] } },
          { list: [1, n] });
        return { hours: (now() - begun) / 3_600_000, said, all };
      }`,
      [
        {
          input: 4,
          answers: { person: ['yes'] },
          expected: { hours: 1, said: 'yes', all: [2, 8] },
        },
      ],
    );
    expect(explained(report)).toEqual(['ok']);
  });

  it('says where an error was thrown', async () => {
    const report = await tested("() => {\n  throw new Error('x')\n}", [{ expected: 1 }]);
    expect(explained(report)).toMatchObject([
      { code: 'GUEST_ERROR', module: 'engine:tested', line: 2 },
    ]);
  });

  it('may be demanded, and is among all tests', async () => {
    const code = "async (n) => executeStage({ transformer: 'transformer:double' }, n)";
    const more = { require_tests: true };
    expect(await failure(tested(code, [{ input: 2, expected: 5 }], more))).toMatchObject({
      code: 'TESTS_FAILED',
    });
    expect(await tested(code, [{ input: 2, expected: 4 }], more)).toMatchObject({ passed: 1 });
    const { results } = await db.test();
    expect(results.map(({ document }) => document)).toContain('engine:tested');
  });

  it.each([
    [{ answers: ['x'] }, 'tests.0.answers'],
    [{ answers: { ask: 'x' } }, 'tests.0.answers.ask'],
    [{ answers: { ask: [{ $error: {} }] } }, 'tests.0.answers.ask.0.$error'],
  ])('is refused with %j', async (test, path) => {
    const refused = tested('async () => 1', [{ expected: 1, ...test }]);
    expect(await failure(refused)).toMatchObject({ code: 'INVALID_DOCUMENT', path });
  });
});
