import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { answer, FaultServer, hang } from '../support/fault-server.js';
import {
  chat,
  failure,
  integration,
  openStore,
  pipeline,
  prompt,
  runFailure,
  runStage,
  storeFolder,
  transformer,
  until,
} from './support.js';

let db: Jdbx;
let server: FaultServer;

beforeAll(async () => {
  db = await openStore();
  server = await FaultServer.start([answer(chat('fine'))]);
  await db.put([
    integration('chat', server.url),
    transformer('echo', 'export default (value) => value'),
    transformer('count', "function f() { return db.insert({ _type: 'counted' })._id }", {
      permissions: ['db.insert:counted'],
    }),
    pipeline('echo', [{ name: 'echo', transformer: 'transformer:echo' }]),
    pipeline('count', [{ name: 'count', transformer: 'transformer:count' }]),
    pipeline('ask', [{ name: 'ask', integration: 'integration:chat', inputs: '$input.text' }]),
  ]);
});

afterAll(async () => {
  await db.close();
  await server.close();
});

describe('a run', () => {
  it('gives its id, its output, what it used and how long it took', async () => {
    server.play([answer(chat('fine'))]);
    const result = await db.run('pipeline:ask', { text: 'well?' });
    expect(result).toMatchObject({
      id: expect.stringMatching(/^run:/),
      pipeline: 'pipeline:ask',
      status: 'completed',
      output: { text: 'fine' },
      usage: { input_tokens: 10, output_tokens: 5, cost_usd: 0, calls: 1 },
    });
    expect(result.durationMs).toBeGreaterThanOrEqual(0);
    expect(await db.runOf(result.id)).toMatchObject({
      status: 'completed',
      input: { text: 'well?' },
    });
  });

  it('of a pipeline that is not there, or is none, is refused and nothing is written', async () => {
    const before = db.seq;
    expect(await failure(db.run('pipeline:gone'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
    expect(await failure(db.run('transformer:echo'))).toMatchObject({ code: 'INVALID_PIPELINE' });
    expect(db.seq).toBe(before);
  });

  it('of a pipeline that names what is missing is refused with the place, at any depth', async () => {
    await db.put([
      pipeline('gap', [
        { name: 'a', transformer: 'transformer:echo' },
        {
          name: 'b',
          parallel: {
            left: [
              {
                name: 'c',
                map: { over: [], stages: [{ name: 'd', transformer: 'transformer:gone' }] },
              },
            ],
          },
        },
      ]),
      pipeline('outer-gap', [{ name: 'sub', pipeline: 'pipeline:gap' }]),
    ]);
    const before = db.seq;
    const path = 'stages.1.parallel.left.0.map.stages.0.transformer';
    expect(await failure(db.run('pipeline:gap'))).toMatchObject({
      code: 'MISSING_DOCUMENT',
      path,
      details: { id: 'transformer:gone' },
    });
    expect(await failure(db.run('pipeline:outer-gap'))).toMatchObject({
      code: 'MISSING_DOCUMENT',
      path: `stages.0.pipeline (pipeline:gap).${path}`,
    });
    expect(db.seq).toBe(before);
  });

  it('on an input or a session that no document can hold is refused, and nothing is written', async () => {
    const before = db.seq;
    const refused: [Promise<unknown>, string][] = [
      [db.run('pipeline:echo', { a: { b: () => 1 } }), 'input.a.b'],
      [db.run('pipeline:echo', { n: Number.NaN }), 'input.n'],
      [db.run('pipeline:echo', {}, { session: 'transformer:echo' }), 'session'],
      [db.run('pipeline:echo', { session_id: 'transformer:echo' }), 'session'],
      [db.run('pipeline:echo', {}, { session: 'x'.repeat(950) }), 'session'],
    ];
    for (const [run, path] of refused) {
      expect(await failure(run)).toMatchObject({ code: 'INVALID_DOCUMENT', path });
    }
    expect(db.seq).toBe(before);
  });

  it('is misused with a TypeError', async () => {
    for (const run of [
      db.run(undefined as never),
      db.run('' as never),
      db.run('pipeline:echo', {}, { key: '' }),
      db.run('pipeline:echo', {}, { key: 5 as never }),
    ]) {
      await expect(run).rejects.toThrow(TypeError);
    }
  });

  it('keeps large values once, however often they recur', async () => {
    const text = 'x'.repeat(100_000);
    const { id, output } = await db.run('pipeline:echo', { text });
    expect(output).toEqual({ text });
    const run = await db.runOf(id);
    const checkpoint = await db.get<{ output_ref: string }>(`checkpoint:${id}:echo`);
    expect(run).not.toHaveProperty('input');
    expect([run?.input_ref, run?.output_ref]).toEqual([
      checkpoint?.output_ref,
      checkpoint?.output_ref,
    ]);
    expect(await db.get(String(run?.output_ref))).toMatchObject({ _type: 'blob', value: { text } });
  });

  it('whose large value is gone is an error, not null', async () => {
    const text = 'y'.repeat(100_000);
    const { id } = await db.run('pipeline:echo', { text }, { key: 'large' });
    await db.remove(String((await db.runOf(id))?.output_ref));
    const again = db.run('pipeline:echo', {}, { key: 'large' });
    expect(await failure(again)).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });
});

describe('a key', () => {
  it('gives the same run back, and runs nothing twice', async () => {
    const first = await db.run('pipeline:count', {}, { key: 'same' });
    const second = await db.run('pipeline:count', {}, { key: 'same' });
    expect(second).toEqual(first);
    expect(first.id).toBe('run:same');
  });

  it('joins a run that is under way, from the first moment on', async () => {
    const runs = Array.from({ length: 10 }, () => db.run('pipeline:count', {}, { key: 'joined' }));
    const outputs = (await Promise.all(runs)).map(({ output }) => output);
    expect(new Set(outputs).size).toBe(1);
    expect(await db.audit.query({ run: 'run:joined', kind: 'run-start' }).count()).toBe(1);
  });

  it('of a run of another pipeline is a conflict, under way or ended', async () => {
    const under = db.run('pipeline:count', {}, { key: 'other' });
    expect(await failure(db.run('pipeline:echo', {}, { key: 'other' }))).toMatchObject({
      code: 'CONFLICT',
    });
    await under;
    expect(await failure(db.run('pipeline:echo', {}, { key: 'other' }))).toMatchObject({
      code: 'CONFLICT',
      details: { run: 'run:other' },
    });
  });

  it('never takes a run of its own for a child of another', async () => {
    await db.put(pipeline('wraps', [{ name: 'sub', pipeline: 'pipeline:echo' }]));
    await db.run('pipeline:echo', 'mine', { key: 'w/sub' });
    expect(await runFailure(db.run('pipeline:wraps', 'theirs', { key: 'w' }))).toMatchObject({
      code: 'CONFLICT',
      stage: 'sub',
    });
    await db.run('pipeline:wraps', 'theirs', { key: 'v' });
    expect(await failure(db.run('pipeline:echo', 'mine', { key: 'v/sub' }))).toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('gives a failed run’s failure again', async () => {
    await db.put([
      transformer('throw', 'function f() { throw new Error("once") }'),
      pipeline('fails', [{ name: 'bad', transformer: 'transformer:throw' }]),
    ]);
    const first = await runFailure(db.run('pipeline:fails', {}, { key: 'failed' }));
    const again = await runFailure(db.run('pipeline:fails', {}, { key: 'failed' }));
    expect([again.outer, again.code, again.stage]).toEqual(['RUN_FAILED', 'GUEST_ERROR', 'bad']);
    expect(again.message).toBe(first.message);
    expect(await db.audit.query({ run: 'run:failed', kind: 'stage' }).count()).toBe(1);
  });
});

describe('cancelling', () => {
  it('ends a run that waits for a model, and leaves what its finished stages did', async () => {
    server.play([hang()]);
    await db.put(
      pipeline('count-ask', [
        { name: 'count', transformer: 'transformer:count' },
        { name: 'ask', integration: 'integration:chat', inputs: 'x' },
      ]),
    );
    const run = db.run('pipeline:count-ask', {}, { key: 'cancelled' });
    await until(() => server.requests.length === 1);
    expect(await db.cancel('run:cancelled')).toBe(true);
    expect(await failure(run)).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(await db.runOf('run:cancelled')).toMatchObject({ status: 'cancelled' });
    const trail = await db.audit.ofRun('run:cancelled');
    expect(trail.map(({ kind, path, status }) => [kind, path, status])).toEqual([
      ['run-start', undefined, undefined],
      ['stage', 'count', 'done'],
      ['llm-call', 'ask', undefined],
      ['stage', 'ask', 'stopped'],
      ['run-end', undefined, 'cancelled'],
    ]);
    expect(await db.cancel('run:cancelled')).toBe(false);
    expect(await failure(db.run('pipeline:count-ask', {}, { key: 'cancelled' }))).toMatchObject({
      code: 'RUN_CANCELLED',
    });
  });

  it('by a signal works before and during the run, and for whoever joined it', async () => {
    const before = db.seq;
    const early = db.run('pipeline:count', {}, { signal: AbortSignal.abort(new Error('early')) });
    expect(await failure(early)).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(db.seq).toBe(before);
    server.play([hang()]);
    const controller = new AbortController();
    const run = db.run('pipeline:ask', { text: 'x' }, { key: 'signal' });
    const joined = db.run('pipeline:ask', {}, { key: 'signal', signal: controller.signal });
    await until(() => server.requests.length === 1);
    controller.abort(new Error('enough'));
    expect(await failure(run)).toMatchObject({
      code: 'RUN_CANCELLED',
      message: expect.stringContaining('enough'),
    });
    expect(await failure(joined)).toMatchObject({ code: 'RUN_CANCELLED' });
  });

  it('reaches the run of a pipeline stage, and a guest in a loop', async () => {
    await db.put([
      transformer('loop', 'function f() { for (;;); }', { limits: { timeout_ms: 60_000 } }),
      pipeline('loop', [{ name: 'spin', transformer: 'transformer:loop' }]),
      pipeline('outer-loop', [{ name: 'sub', pipeline: 'pipeline:loop' }]),
    ]);
    let spinning = false;
    db.events.on('stage-start', ({ path }) => {
      spinning ||= path === 'spin';
    });
    const run = db.run('pipeline:outer-loop', {}, { key: 'outer' });
    await until(() => spinning);
    await db.cancel('run:outer');
    expect(await failure(run)).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(await db.runOf('run:outer/sub')).toMatchObject({ status: 'cancelled' });
  });
});

describe('pins', () => {
  it('keep a run at the definitions that it began with, child pipelines included', async () => {
    const versioned = (n: number) => [
      transformer('say', `export default () => ${n}`),
      prompt('say', `version ${n}`, []),
      pipeline('say', [
        { name: 'say', transformer: 'transformer:say' },
        { name: 'ask', prompt: 'prompt:say' },
        { name: 'both', transformer: 'transformer:echo', inputs: ['say', 'ask'] },
      ]),
    ];
    await db.put([
      ...versioned(1),
      pipeline('pinned', [
        { name: 'wait', integration: 'integration:chat', inputs: 'x' },
        { name: 'sub', pipeline: 'pipeline:say', inputs: {} },
      ]),
    ]);
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.play([
      async (response, seen) => {
        await gate;
        await answer(chat('go'))(response, seen);
      },
    ]);
    const old = db.run('pipeline:pinned');
    await until(() => server.requests.length === 1);
    await db.put(versioned(2));
    await db.remove('prompt:say');
    release();
    const { id, output } = await old;
    expect(output).toEqual({ say: 1, ask: { prompt: 'version 1' } });
    expect((await db.runOf(id))?.definitions).toMatchObject({
      'pipeline:pinned': 1,
      'pipeline:say': 1,
      'transformer:say': 1,
      'prompt:say': 1,
    });
    expect((await db.runOf(`${id}/sub`))?.definitions).toMatchObject({ 'transformer:say': 1 });
    await db.put(versioned(3));
    expect((await db.run('pipeline:say')).output).toMatchObject({ say: 3 });
  });

  it('are recorded with every stage', async () => {
    const { id } = await db.run('pipeline:ask', { text: 'x' });
    const [stage] = await db.audit.query({ run: id, kind: 'stage' });
    const { _rev } = (await db.get<{ _rev: number }>('integration:chat')) ?? { _rev: 0 };
    expect(stage?.definitions).toEqual({ 'integration:chat': _rev });
  });
});

describe('events', () => {
  it('come in order, with the outcome', async () => {
    const own = await openStore();
    const seen: string[] = [];
    own.events.on('run-start', ({ run, resumed }) => seen.push(`${run} ${resumed}`));
    own.events.on('stage-start', ({ path }) => seen.push(`> ${path}`));
    own.events.on('stage-end', ({ path, status }) => seen.push(`< ${path} ${status}`));
    own.events.on('run-end', ({ status, error }) => seen.push(`${status} ${error?.code}`));
    await own.put([
      transformer('echo', 'export default (value) => value'),
      transformer('throw', 'function f() { throw new Error("x") }'),
      pipeline('events', [
        { name: 'one', transformer: 'transformer:echo' },
        { name: 'two', when: false, transformer: 'transformer:echo' },
        { name: 'three', transformer: 'transformer:throw', on_error: 'continue' },
        { name: 'four', transformer: 'transformer:throw' },
      ]),
    ]);
    await failure(own.run('pipeline:events', {}, { key: 'e' }));
    await own.close();
    expect(seen).toEqual([
      'run:e false',
      '> one',
      '< one done',
      '> two',
      '< two skipped',
      '> three',
      '< three continued',
      '> four',
      '< four failed',
      'failed GUEST_ERROR',
    ]);
  });

  it('with a listener that throws do not harm the run', async () => {
    const own = await openStore();
    const warnings: Error[] = [];
    const collect = (warning: Error) => warnings.push(warning);
    process.on('warning', collect);
    own.events.on('stage-end', () => {
      throw new Error('a progress bar fell over');
    });
    const echo = transformer('echo', 'export default (value) => value');
    expect(await runStage(own, { transformer: echo._id }, 1, [echo])).toBe(1);
    await own.close();
    await until(() => warnings.length > 0);
    process.off('warning', collect);
    expect(warnings[0]?.message).toBe('a progress bar fell over');
  });
});

describe('closing the store', () => {
  it('stops runs after their commits, and the next open goes on where they were', async () => {
    const folder = storeFolder();
    const options = { env: {}, workers: 1 };
    const first = await open(folder.path, options);
    server.play([answer(chat('one')), hang()]);
    await first.put([
      integration('chat', server.url, { price: { input_per_million: 1e6, output_per_million: 0 } }),
      transformer('count', "function f() { return db.insert({ _type: 'counted' })._id }", {
        permissions: ['db.insert:counted'],
      }),
      pipeline('inner', [
        { name: 'count', transformer: 'transformer:count' },
        { name: 'two', integration: 'integration:chat', inputs: 'two' },
      ]),
      pipeline('long', [
        { name: 'one', integration: 'integration:chat', inputs: 'one' },
        { name: 'sub', pipeline: 'pipeline:inner' },
      ]),
    ]);
    const stopped = failure(first.run('pipeline:long', {}, { key: 'long' }));
    await until(() => server.requests.length === 2);
    await first.close();
    expect(await stopped).toMatchObject({ code: 'STORE_CLOSED' });
    expect(await failure(first.run('pipeline:long'))).toMatchObject({ code: 'STORE_CLOSED' });

    const still = await open(folder.path, { ...options, resume: false });
    expect(await still.runOf('run:long')).toMatchObject({ status: 'running' });
    await still.close();

    server.play([answer(chat('two'))]);
    const second = await open(folder.path, options);
    const resumed: boolean[] = [];
    second.events.on('run-start', (event) => resumed.push(event.resumed));
    const { output, usage } = await second.run('pipeline:long', {}, { key: 'long' });
    expect(output).toMatchObject({ text: 'two' });
    // The call that was under way at the close is counted, though it reported no tokens.
    expect(usage).toEqual({ input_tokens: 20, output_tokens: 10, cost_usd: 20, calls: 3 });
    expect(await second.query({ _type: 'counted' }).count()).toBe(1);
    const trail = await second.audit.query({ run: /^run:long/ });
    expect(trail.map(({ kind, path, status }) => [kind, path, status].join(' ').trim())).toEqual([
      'run-start',
      'llm-call one',
      'stage one done',
      'run-start',
      'stage count done',
      'llm-call two',
      'stage two stopped',
      'stage sub stopped',
      'run-resume  running',
      'run-resume  running',
      'llm-call two',
      'stage two done',
      'run-end  completed',
      'stage sub done',
      'run-end  completed',
    ]);
    expect((await second.check()).problems).toEqual([]);
    await second.close();
    folder.remove();
  });

  it('leaves runs that may still be cancelled: their children end with them', async () => {
    const folder = storeFolder();
    server.play([answer(chat('one')), hang()]);
    const first = await open(folder.path, { env: {} });
    await first.put([
      integration('chat', server.url),
      pipeline('inner', [
        { name: 'one', integration: 'integration:chat', inputs: 'one' },
        { name: 'two', integration: 'integration:chat', inputs: 'two' },
      ]),
      pipeline('outer', [{ name: 'sub', pipeline: 'pipeline:inner' }]),
    ]);
    const stopped = failure(first.run('pipeline:outer', {}, { key: 'left' }));
    await until(() => server.requests.length === 2);
    await first.close();
    await stopped;

    const second = await open(folder.path, { env: {}, resume: false });
    const signal = AbortSignal.abort(new Error('no more'));
    const run = second.run('pipeline:outer', {}, { key: 'left', signal });
    expect(await failure(run)).toMatchObject({ code: 'RUN_CANCELLED' });
    const runs = await second.query({ _type: 'run' }).sort({ _id: 1 });
    expect(runs.map(({ _id, status }) => `${_id} ${status}`)).toEqual([
      'run:left cancelled',
      'run:left/sub cancelled',
    ]);
    expect(runs.map(({ usage }) => (usage as { calls: number }).calls)).toEqual([2, 2]);
    await second.close();
    folder.remove();
  });

  it('or filling it leaves a run unfinished, not failed, and it ends when there is room', async () => {
    const folder = storeFolder();
    const small = await open(folder.path, { env: {}, workers: 1, sizeMaxBytes: 3_000_000 });
    await small.put([
      transformer(
        'grow',
        `function f({ n }) {
          return db.put({ _id: 'big:' + n, _type: 'big', text: 'x'.repeat(300_000) })._id;
        }`,
        { permissions: ['db.put:big'] },
      ),
      pipeline('grow', [
        {
          name: 'all',
          map: {
            over: { $range: [0, 20] },
            as: 'n',
            concurrency: 1,
            stages: [{ name: 'grow', transformer: 'transformer:grow', inputs: ['n'] }],
          },
        },
      ]),
    ]);
    const full = await failure(small.run('pipeline:grow', {}, { key: 'grow' }));
    expect(full.code).toBe('STORE_FULL');
    expect(await small.runOf('run:grow')).toMatchObject({ status: 'running' });
    const done = await small.query({ _type: 'big' }).count();
    expect(done).toBeGreaterThan(0);
    await small.close();
    const large = await open(folder.path, { env: {}, workers: 1 });
    const { output } = await large.run('pipeline:grow', {}, { key: 'grow' });
    expect(output).toHaveLength(20);
    expect(await large.query({ _type: 'big' }).count()).toBe(20);
    expect((await large.check()).problems).toEqual([]);
    await large.close();
    folder.remove();
  });

  it('waits for what is under way, and settled does too', async () => {
    const own = await openStore();
    await own.put([
      transformer('echo', 'export default (value) => value'),
      pipeline('echo', [{ name: 'echo', transformer: 'transformer:echo' }]),
    ]);
    const runs = Array.from({ length: 20 }, (_, n) => own.run('pipeline:echo', n));
    await own.settled();
    expect(await own.query({ _type: 'run', status: 'completed' }).count()).toBe(20);
    await Promise.all(runs);
    await own.close();
  });
});

describe('many runs at once', () => {
  it('wait for a worker rather than fail', async () => {
    const own = await openStore();
    await own.put([
      transformer('echo', 'export default (value) => value'),
      pipeline('echo', [{ name: 'echo', transformer: 'transformer:echo' }]),
    ]);
    const runs = Array.from({ length: 1_100 }, (_, n) => own.run('pipeline:echo', n));
    const outputs = (await Promise.all(runs)).map(({ output }) => output);
    expect(outputs).toEqual(Array.from({ length: 1_100 }, (_, n) => n));
    await own.close();
  });
});
