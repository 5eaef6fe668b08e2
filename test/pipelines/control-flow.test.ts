import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failure, openStore, pipeline, runFailure, runStage, transformer } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('echo', 'export default (value) => value'),
    transformer('double', 'export default (n) => n * 2'),
    transformer('throw', 'function f() { throw new Error("no") }'),
    transformer('log', "function f(entry) { db.insert({ _type: 'log', entry }); return entry }", {
      permissions: ['db.insert:log'],
    }),
  ]);
});

afterAll(() => db.close());

const double = { name: 'n', transformer: 'transformer:double' };
const logs = async (run: string) => {
  const trail = await db.audit.query({ run, kind: 'stage', 'writes.kind': 'put' }).sort({ n: 1 });
  const ids = trail.flatMap(({ writes }) => (writes as { id: string }[]).map(({ id }) => id));
  return (await db.getMany<{ entry: unknown }>(ids)).map((document) => document?.entry);
};

describe('a loop stage', () => {
  it('goes on while a condition holds, and gives the last output', async () => {
    const loop = { while: { $lt: [{ $ifNull: ['$n', '$input'] }, 50] }, max: 10, stages: [double] };
    expect(await runStage(db, { loop }, 3)).toBe(96);
    expect(await runStage(db, { loop }, 60)).toBe(60);
  });

  it('ends once a condition is true after an iteration', async () => {
    const loop = { until: { $eq: ['$index', 3] }, max: 10, stages: [double] };
    expect(await runStage(db, { loop }, 1)).toBe(8);
  });

  it('leaves a checkpoint of each stage of each iteration', async () => {
    const loop = { until: { $gt: ['$n', 4] }, max: 10, stages: [double] };
    await db.put(pipeline('loop', [{ name: 'l', loop }]));
    await db.run('pipeline:loop', 1, { key: 'loop' });
    const paths = await db.query({ _type: 'checkpoint', run: 'run:loop' }).sort({ path: 1 });
    expect(paths.map(({ path }) => path)).toEqual(['l', 'l/0/n', 'l/1/n', 'l/2/n']);
  });

  it('fails at its bound, or ends there when it says so', async () => {
    const loop = { while: true, max: 3, stages: [double] };
    expect(await runFailure(runStage(db, { loop }, 1))).toMatchObject({ code: 'LOOP_LIMIT' });
    expect(await runStage(db, { loop: { ...loop, at_max: 'end' } }, 1)).toBe(8);
  });
});

describe('a branch stage', () => {
  const at = (name: string) => [
    { name: 's', transformer: 'transformer:echo', inputs: { case: name } },
  ];
  const branch = {
    cases: [
      { name: 'low', when: { $lt: ['$input', 10] }, stages: at('low') },
      { when: { $lt: ['$input', 100] }, stages: at('middle') },
    ],
    default: at('high'),
  };

  it.each([
    [5, 'low'],
    [50, 'middle'],
    [500, 'high'],
  ])('runs the first case that is true for %d: %s', async (input, name) => {
    expect(await runStage(db, { branch }, input)).toEqual({ case: name });
  });

  it('gives null when no case is true and there is no default', async () => {
    expect(await runStage(db, { branch: { cases: branch.cases } }, 500)).toBeNull();
  });

  it('says in the audit trail which case it took', async () => {
    await db.put(pipeline('branch', [{ name: 'b', branch }]));
    await db.run('pipeline:branch', 50, { key: 'branch' });
    const [entry] = await db.audit.query({ run: 'run:branch', path: 'b' });
    expect(entry).toMatchObject({ case: '1' });
    expect(await db.get('checkpoint:run:branch:b/1/s')).toBeDefined();
  });
});

describe('a tool stage', () => {
  const parameters = {
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'number' } },
    additionalProperties: false,
  };
  const tools = [
    transformer('square', 'export default ({ n }) => n * n', { parameters }),
    pipeline('square', [{ name: 's', transformer: 'transformer:square' }], { parameters }),
    { _id: 'tool:square', _type: 'tool', transformer: 'transformer:square', parameters },
    { _id: 'tool:log', _type: 'tool', builtin: 'db.insert', permissions: ['db.insert:log'] },
    { _id: 'tool:none', _type: 'tool', builtin: 'db.drop' },
  ];

  it.each(['transformer:square', 'pipeline:square', 'tool:square'])('calls %s', async (tool) => {
    await db.put(tools);
    const stage = { tool, arguments: { n: '$input.side' } };
    expect(await runStage(db, stage, { side: 7 })).toBe(49);
  });

  it('refuses arguments that the schema does not let through, with the path', async () => {
    await db.put(tools);
    const wrong = runStage(db, { tool: 'tool:square' }, { n: 'seven' });
    const { code, cause } = await runFailure(wrong);
    expect([code, cause.path]).toEqual(['TOOL_ARGUMENTS', 'n']);
  });

  it('calls a built-in verb with the rights of the tool’s document', async () => {
    await db.put(tools);
    const insert = (document: object) => runStage(db, { tool: 'tool:log' }, { document });
    expect(await insert({ _type: 'log', entry: 'by tool' })).toMatchObject({ entry: 'by tool' });
    expect(await runFailure(insert({ _type: 'run', entry: 1 }))).toMatchObject({
      code: 'PROTECTED_TYPE',
    });
  });

  it('names a built-in that is none when the run begins', async () => {
    await db.put([...tools, pipeline('no-tool', [{ name: 't', tool: 'tool:none' }])]);
    expect(await failure(db.run('pipeline:no-tool'))).toMatchObject({ code: 'INVALID_DOCUMENT' });
  });
});

describe('a map over a query', () => {
  it('runs for each document in the order of their ids, page by page', async () => {
    const tasks = Array.from({ length: 903 }, (_, n) => ({
      _id: `task:${String(n).padStart(5, '0')}`,
      _type: 'task',
      owner: n % 3 === 0 ? 'a' : 'b',
      n,
    }));
    await db.insert(tasks);
    const map = {
      over: { query: { filter: { _type: 'task', owner: '$input.owner' } } },
      concurrency: 16,
      as: 'task',
      stages: [{ name: 's', transformer: 'transformer:double', inputs: '$task.n' }],
    };
    expect(await runStage(db, { map }, { owner: 'a' })).toEqual({ elements: 301 });
    const collected = await runStage(db, { map: { ...map, collect: true } }, { owner: 'b' });
    const expected = tasks.filter(({ owner }) => owner === 'b').map(({ n }) => n * 2);
    expect(collected).toEqual(expected);
    const limited = {
      ...map,
      collect: true,
      over: { query: { filter: { _type: 'task' }, limit: 3 } },
    };
    expect(await runStage(db, { map: limited })).toEqual([0, 2, 4]);
  });

  it('takes no array of a million, and says what does', async () => {
    const over = { $range: [0, 1_000_000] };
    const map = { over, stages: [double] };
    const { code, message } = await runFailure(runStage(db, { map }));
    expect(code).toBe('DOCUMENT_TOO_LARGE');
    expect(message).toContain('a query that does not collect has no limit');
  });
});

describe('a stage that fails', () => {
  const bad = { name: 'bad', transformer: 'transformer:throw' };

  it('goes to a later stage, which sees the error', async () => {
    const { output } = await runPipeline('goto', [
      { ...bad, on_error: { goto: 'mend' } },
      { name: 'between', transformer: 'transformer:log' },
      {
        name: 'mend',
        transformer: 'transformer:echo',
        inputs: { why: '$error.code', between: '$between' },
      },
    ]);
    expect(output).toEqual({ why: 'GUEST_ERROR', between: null });
  });

  it('goes on with a value, and tells why', async () => {
    const { output } = await runPipeline('continue', [
      { ...bad, on_error: { continue: 7 } },
      { name: 'after', transformer: 'transformer:echo', inputs: ['bad', 'error'] },
    ]);
    expect(output).toEqual({
      bad: 7,
      error: { code: 'GUEST_ERROR', stage: 'bad', message: expect.stringContaining('no') },
    });
  });

  it('has what finished stages did undone, the last first, in containers too', async () => {
    const undo = (name: string, inputs: unknown) => [
      { name: 'undo', transformer: 'transformer:log', inputs: { undo: name, of: inputs } },
    ];
    const step = (name: string, compensate = undo(name, `$${name}`)) => ({
      name,
      transformer: 'transformer:log',
      inputs: name,
      compensate,
    });
    const failing = runPipeline('compensate', [
      step('book'),
      { name: 'plain', transformer: 'transformer:log', inputs: 'plain' },
      { name: 'both', parallel: { left: [step('left')], right: [step('right')] } },
      { ...bad, on_error: 'compensate' },
    ]);
    expect(await runFailure(failing)).toMatchObject({
      code: 'GUEST_ERROR',
      stage: 'bad',
    });
    const entries = (await logs('run:compensate')) as ({ undo: string } | string)[];
    const undone = entries.filter((entry) => typeof entry === 'object');
    expect(undone.at(-1)).toEqual({ undo: 'book', of: 'book' });
    expect(undone.map(({ undo: of }) => of).sort()).toEqual(['book', 'left', 'right']);
    expect(entries.filter((entry) => entry === 'plain')).toHaveLength(1);
  });

  it('ends with another code when undoing fails', async () => {
    const failing = runPipeline(
      'undo-fails',
      [{ name: 'a', transformer: 'transformer:echo', compensate: [bad] }, bad],
      { on_error: 'compensate' },
    );
    expect(await runFailure(failing)).toMatchObject({
      code: 'COMPENSATION_FAILED',
      stage: 'a/compensate/bad',
    });
  });
});

describe('a stage with a cache', () => {
  it('gives what it gave before for the same input and definition', async () => {
    const random = transformer('random', 'export default (x) => [x, Math.random()]');
    const stage = { transformer: random._id, cache: true };
    const first = await runStage(db, stage, 1, [random]);
    expect(await runStage(db, stage, 1, [random])).toEqual(first);
    expect(await runStage(db, stage, 2, [random])).not.toEqual(first);
    const edited = { ...random, code: `${random.code} // edited` };
    expect(await runStage(db, stage, 1, [edited])).not.toEqual(first);
  });

  it('goes by its own key, and forgets after its age', async () => {
    let now = Date.now();
    const aged = await openStore({ clock: { now: () => now } });
    const random = transformer('random', 'export default (x) => [x, Math.random()]');
    const cache = { max_age: 1_000, key: '$input.id' };
    const stage = { transformer: random._id, cache };
    const first = await runStage(aged, stage, { id: 1, other: 1 }, [random]);
    expect(await runStage(aged, stage, { id: 1, other: 2 })).toEqual(first);
    now += 1_001;
    expect(await runStage(aged, stage, { id: 1, other: 1 })).not.toEqual(first);
    await aged.close();
  });

  it('keeps nothing of a stage that wrote to the store', async () => {
    const stage = { transformer: 'transformer:log', cache: true };
    const before = await db.query({ _type: 'log' }).count();
    await runStage(db, stage, 'cached');
    await runStage(db, stage, 'cached');
    expect(await db.query({ _type: 'log' }).count()).toBe(before + 2);
  });
});

async function runPipeline(name: string, stages: readonly object[], more: object = {}) {
  await db.put(pipeline(name, stages, more));
  return db.run(`pipeline:${name}`, {}, { key: name });
}
