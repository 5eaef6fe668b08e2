import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failure, openStore, runFailure, transformer, until } from '../support.js';

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
      'unmark',
      "export default ({ name }) => { db.remove('mark:' + name); db.insert({ _id: 'gone:' + name, _type: 'mark' }) }",
      { permissions: ['db.remove:mark', 'db.insert:mark'] },
    ),
    transformer('boom', "export default () => { throw new Error('boom') }"),
  ]);
});

afterAll(() => db.close());

let count = 0;
async function program(code: string, more: object = {}): Promise<string> {
  const _id = `engine:p${++count}`;
  const whole = /^async (\(|n =>)/.test(code) ? `export default ${code}` : code;
  await db.put({ _id, _type: 'execution_engine', code: whole, ...more });
  return _id;
}

const paths = async (run: string) =>
  (await db.query<{ path: string }>({ _type: 'checkpoint', run })).map(({ path }) => path).sort();

describe('a program', () => {
  it('runs stages one after the other, each with a checkpoint of its own', async () => {
    const id = await program(`
      async function run(input, { executeStage }) {
        const two = await executeStage({ name: 'first', transformer: 'transformer:double' }, input.n);
        return await executeStage({ name: 'second', transformer: 'transformer:double' }, two);
      }`);
    const { id: run, output } = await db.run(id, { n: 3 });
    expect(output).toBe(12);
    expect(await paths(run)).toEqual(['program', 'program/1/first', 'program/2/second']);
  });

  it('runs stages at the same time, and is handed their ends in the order of the commits', async () => {
    const id = await program(`
      export default async ({ names }, { executeStage }) => {
        const order = [];
        const outputs = await Promise.all(names.map(async (name) => {
          const output = await executeStage({ transformer: 'transformer:mark' }, { name });
          order.push(name);
          return output;
        }));
        return { outputs, order };
      }`);
    const names = ['a', 'b', 'c', 'd'];
    const { id: run, output } = await db.run(id, { names });
    const { outputs, order } = output as { outputs: string[]; order: string[] };
    expect(outputs).toEqual(names.map((name) => `mark:${name}`));
    const stages = await db.audit
      .query({ run, kind: 'stage', stage: 'transformer' })
      .sort({ n: 1 });
    const committed = stages.map(({ writes }) => (writes as { id: string }[])[0]?.id.slice(5));
    expect(order).toEqual(committed);
    expect(await db.replay(run)).toMatchObject({ same: true });
  });

  it('calls stages that its document names', async () => {
    const id = await program("async (input) => executeStage('twice', await twice(input.n))", {
      stages: [{ name: 'twice', transformer: 'transformer:double' }],
    });
    const { id: run, output } = await db.run(id, { n: 4 });
    expect(output).toBe(16);
    expect((await db.runOf(run))?.definitions).toHaveProperty(['transformer:double'], 1);
  });

  it('looks up what a stage names as its inputs', async () => {
    const id = await program(
      "async (task_id, { executeStage }) => executeStage({ name: 'x', transformer: 'transformer:double', inputs: '$n' }, { n: 5, task_id })",
    );
    expect((await db.run(id, { task_id: 't' })).output).toBe(10);
  });

  it('may catch what a stage failed with, and is told the same after a crash', async () => {
    const id = await program(`async () => {
      try { await executeStage({ transformer: 'transformer:boom' }) }
      catch (error) { return [error.code, error.message, error instanceof JdbxError] }
    }`);
    const { id: run, output } = await db.run(id);
    expect(output).toEqual(['GUEST_ERROR', 'GUEST_ERROR: Error: boom', true]);
    expect(await db.replay(run)).toMatchObject({ same: true });
  });

  it('fails as its stage does when it lets the failure through', async () => {
    const id = await program(
      "async () => executeStage({ name: 'bang', transformer: 'transformer:boom' })",
    );
    expect(await runFailure(db.run(id))).toMatchObject({
      code: 'GUEST_ERROR',
      stage: 'program/1/bang',
    });
  });

  it('fails with the place in its own code', async () => {
    const id = await program('async function run() {\n  const one = 1;\n  one();\n}');
    const { code, cause } = await runFailure(db.run(id));
    expect(code).toBe('GUEST_ERROR');
    expect(cause.details).toMatchObject({ module: id, line: 3 });
  });

  it('stops what is under way when it fails', async () => {
    const id = await program(`async () => {
      const slow = executeStage({ name: 'slow', wait: { ms: 60000 } });
      await executeStage({ transformer: 'transformer:boom' });
      await slow;
    }`);
    const { code } = await runFailure(db.run(id));
    expect(code).toBe('GUEST_ERROR');
    expect(await db.waits().count()).toBe(0);
  });

  it('takes the first of several, and leaves a wait behind', async () => {
    const id = await program(`async () => Promise.race([
      executeStage({ name: 'ask', wait: { signal: 'never' } }),
      executeStage({ name: 'work', transformer: 'transformer:double' }, 21),
    ])`);
    expect((await db.run(id)).output).toBe(42);
    expect(await db.waits().count()).toBe(0);
  });

  it('finishes stages that it does not wait for', async () => {
    const id = await program(
      "async () => { executeStage({ transformer: 'transformer:mark' }, { name: 'left' }); return 1 }",
    );
    expect((await db.run(id)).output).toBe(1);
    expect(await db.get('mark:left')).toBeDefined();
  });

  it('holds nothing while it waits, and goes on with the answer', async () => {
    const id = await program(`async () => {
      const first = await executeStage({ transformer: 'transformer:double' }, 1);
      const [left, right] = await Promise.all([
        executeStage({ name: 'left', wait: { answer: { question: 'left?' } } }),
        executeStage({ name: 'right', wait: { answer: {} } }),
      ]);
      return [first, left, right];
    }`);
    const { id: run, status } = await db.run(id);
    expect(status).toBe('waiting');
    await db.answer(run, 'program/3/right', 'R');
    await until(async () => (await db.runOf(run))?.status === 'waiting');
    await db.answer(run, 'program/2/left', 'L');
    expect((await db.ended(run)).output).toEqual([2, 'L', 'R']);
    const stages = await db.audit.query({ run, kind: 'stage', path: /program\/\d/ });
    expect(stages.map(({ path }) => path).sort()).toEqual([
      'program/1/transformer',
      'program/2/left',
      'program/3/right',
    ]);
    expect(await db.replay(run)).toMatchObject({ same: true, taken: 2 });
  });

  it('reads the store and the clock once, whatever they say later', async () => {
    await db.put({ _id: 'fact:1', _type: 'fact', n: 1 });
    const id = await program(
      `async (input, { now }) => {
        const before = db.get('fact:1').n;
        const at = now();
        await executeStage({ name: 'wait', wait: { answer: {} } });
        return [before, at, db.query({ _type: 'fact' }).first().n];
      }`,
      { permissions: ['db.get', 'db.query:fact'] },
    );
    const { id: run } = await db.run(id);
    await db.put({ _id: 'fact:1', _type: 'fact', n: 2 });
    await db.answer(run, 'program/1/wait', null);
    const { output } = (await db.ended(run)) as { output: unknown[] };
    expect(output[0]).toBe(1);
    expect(output[1]).toBeInstanceOf(Date);
    expect(output[2]).toBe(2);
    await db.put({ _id: 'fact:1', _type: 'fact', n: 3 });
    expect(await db.replay(run)).toMatchObject({ same: true });
  });

  it('keeps checkpoints, and its session lists them', async () => {
    const id = await program(`async (input) => {
      const refs = [];
      for (let n = 0; n < 3; n++) refs.push(await checkpoint('session:program', { n }));
      return refs;
    }`);
    const { output } = await db.run(id, {}, { session: 'session:program' });
    const refs = output as string[];
    expect(await db.get(refs[2] as string)).toMatchObject({ output: { n: 2 } });
    const session = await db.get<{ checkpoints: { state_ref: string }[] }>('session:program');
    expect(session?.checkpoints.map(({ state_ref }) => state_ref)).toEqual(refs);
  });

  it.each([
    ["checkpoint('session:other', 1)", { session: 'session:own' }, 'session:own'],
    ["checkpoint('session:other', 1)", {}, 'no session'],
    ["checkpoint('session:own', 1, 2)", { session: 'session:own' }, 'session:own'],
  ])('is refused %s, which is of another session', async (code, options, text) => {
    const { code: thrown, message } = await runFailure(
      db.run(await program(`async () => ${code}`), {}, options),
    );
    expect(thrown).toBe('INVALID_PIPELINE');
    expect(message).toContain(text);
  });

  it('is undone when it has ended: of one stage, then of all', async () => {
    const mark = "executeStage({ name: 'mark', transformer: 'transformer:mark' }, { name })";
    const id = await program(`async () => {
      await Promise.all(['w1', 'w2'].map((name) => ${mark}));
      for (const name of ['w3']) await ${mark};
    }`);
    const { id: run } = await db.run(id);
    const left = async () => (await db.query({ _id: /^mark:w/ })).map(({ _id }) => _id);
    expect(await left()).toEqual(['mark:w1', 'mark:w2', 'mark:w3']);
    expect(await db.undo(run, 'program/3/mark')).toMatchObject({ undone: ['mark:w3'], kept: [] });
    expect(await left()).toEqual(['mark:w1', 'mark:w2']);
    const { undone } = await db.undo(run);
    expect([...undone].sort()).toEqual(['mark:w1', 'mark:w2']);
    expect(await left()).toEqual([]);
    expect(await db.audit.verify()).toMatchObject({ ok: true });
  });

  it('undoes what its stages did when its document says so', async () => {
    const id = await program(
      `async () => {
        const undo = (name) => [{ name: 'unmark', transformer: 'transformer:unmark', inputs: ['name'] }];
        for (const name of ['u1', 'u2']) {
          await executeStage({ transformer: 'transformer:mark', compensate: undo(name) }, { name });
        }
        await executeStage({ transformer: 'transformer:boom' });
      }`,
      { on_error: 'compensate' },
    );
    expect(await runFailure(db.run(id))).toMatchObject({ code: 'GUEST_ERROR' });
    expect(await db.query({ _id: { $in: ['mark:u1', 'mark:u2'] } }).count()).toBe(0);
    expect(await db.query({ _id: { $in: ['gone:u1', 'gone:u2'] } }).count()).toBe(2);
  });

  it('runs as a stage of a pipeline, as a child run and as a tool', async () => {
    const id = await program("async (n) => executeStage({ transformer: 'transformer:double' }, n)");
    await db.put({
      _id: 'pipeline:around',
      _type: 'pipeline',
      stages: [
        { name: 'own', program: id, inputs: 3 },
        { name: 'child', pipeline: id },
        { name: 'tool', tool: id },
      ],
    });
    expect((await db.run('pipeline:around')).output).toBe(24);
  });

  it('can be paused, resumed and cancelled', async () => {
    const id = await program(`async () => {
      await executeStage({ name: 'one', transformer: 'transformer:double' }, 1);
      return executeStage({ name: 'ask', wait: { answer: {} } });
    }`);
    const { id: run } = await db.run(id);
    await db.pause(run);
    expect((await db.runOf(run))?.status).toBe('paused');
    await db.answer(run, 'program/2/ask', 'yes');
    await db.resume(run);
    expect((await db.ended(run)).output).toBe('yes');
    const { id: other } = await db.run(id);
    expect(await db.cancel(other)).toBe(true);
    expect((await db.runOf(other))?.status).toBe('cancelled');
  });

  it('is forked after a stage, and refused when a patch makes it ask for something else', async () => {
    const id = await program(`async (input) => {
      const one = await executeStage({ name: 'one', transformer: 'transformer:double' }, 1);
      const two = await executeStage({ name: 'two', transformer: 'transformer:double' }, one);
      return executeStage({ name: 'three', transformer: 'transformer:double' }, two);
    }`);
    const { id: run } = await db.run(id);
    const again = await db.fork(run, 'program/2/two', { outputs: { 'program/2/two': 100 } });
    expect(again.output).toBe(200);
    const patch = { outputs: { 'program/1/one': 7 } };
    const { code, cause } = await runFailure(db.fork(run, 'program/2/two', patch));
    expect(code).toBe('REPLAY_DIVERGED');
    expect(cause.details).toMatchObject({
      position: 2,
      what: 'input',
      recorded: { name: 'two' },
      asked: { name: 'two' },
      module: id,
      line: 3,
    });
    expect(cause.message).toContain('line 3');
  });

  it('hands stages over that ended in another order than they were asked for, also in a fork', async () => {
    const id = await program(`async () => {
      const order = [];
      const note = (name) => () => order.push(name);
      await Promise.all([
        executeStage({ name: 'late', wait: { signal: 'go' } }).then(note('late')),
        executeStage({ name: 'soon', transformer: 'transformer:double' }, 1).then(note('soon')),
      ]);
      await executeStage({ name: 'last', transformer: 'transformer:double' }, order.length);
      return order;
    }`);
    const { id: run } = await db.run(id);
    await db.signal(run, 'go');
    expect((await db.ended(run)).output).toEqual(['soon', 'late']);
    expect((await db.fork(run, 'program/3/last')).output).toEqual(['soon', 'late']);
  });

  it('is told when it waits for what no stage will end', async () => {
    const id = await program('async () => new Promise(() => {})');
    const { code, message } = await runFailure(db.run(id));
    expect(code).toBe('GUEST_ERROR');
    expect(message).toContain('nothing will end');
  });

  it('cannot hide that it parted from its record', async () => {
    const id = await program(`async () => {
      try { return await executeStage({ nonsense: 1 }) } catch { return 'hidden' }
    }`);
    expect(await runFailure(db.run(id))).toMatchObject({ code: 'INVALID_PIPELINE' });
  });

  it('goes on past what one stay in the sandbox may take', async () => {
    const id = await program(
      `async () => {
        let n = 0;
        for (let k = 0; k < 60; k++) n = await executeStage({ transformer: 'transformer:inc' }, n);
        return n;
      }`,
      { limits: { host_calls: 100, timeout_ms: 2000 } },
    );
    await db.put(transformer('inc', 'export default (n) => n + 1'));
    expect((await db.run(id)).output).toBe(60);
  });

  it('runs beside many others, more than have a place in the sandbox', async () => {
    const id = await program(`async (n) => {
      const one = await executeStage({ transformer: 'transformer:double' }, n);
      return executeStage({ transformer: 'transformer:double' }, one);
    }`);
    const runs = Array.from({ length: 40 }, (_, n) => db.run(id, n));
    expect((await Promise.all(runs)).map(({ output }) => output)).toEqual(
      Array.from({ length: 40 }, (_, n) => n * 4),
    );
  });
});

describe('a program that cannot run', () => {
  const refused = (document: object) =>
    failure(db.put({ _id: 'engine:bad', _type: 'execution_engine', ...document }));

  it('is refused when it is written', async () => {
    expect(await refused({})).toMatchObject({ code: 'INVALID_DOCUMENT' });
    expect(await refused({ code: 'const x = 1' })).toMatchObject({ code: 'GUEST_SYNTAX' });
    expect(await refused({ code: 'async () => {' })).toMatchObject({ code: 'GUEST_SYNTAX' });
    const code = 'export default async () => 1';
    expect(await refused({ code, permissions: ['db.put'] })).toMatchObject({
      code: 'INVALID_DOCUMENT',
      path: 'permissions.0',
    });
    expect(await refused({ code, permissions: ['llm.call'] })).toMatchObject({
      code: 'INVALID_DOCUMENT',
    });
    expect(await refused({ code, stages: [{ name: 'x' }] })).toMatchObject({
      code: 'INVALID_PIPELINE',
      path: 'stages.0',
    });
    expect(await refused({ code, timeout: -1 })).toMatchObject({ code: 'INVALID_PIPELINE' });
    expect(await refused({ code: 'function with_(a) { with (a) { b } }' })).toMatchObject({
      code: 'GUEST_SYNTAX',
    });
  });

  it('does not begin when a stage that it names is missing', async () => {
    const id = await program('async () => 1', {
      stages: [{ name: 'x', transformer: 'transformer:absent' }],
    });
    expect(await failure(db.run(id))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('fails at the stage that it calls by a name that is none', async () => {
    const id = await program("async () => executeStage('absent')");
    expect(await runFailure(db.run(id))).toMatchObject({ code: 'INVALID_PIPELINE' });
  });
});
