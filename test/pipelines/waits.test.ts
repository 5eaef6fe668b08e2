import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import {
  failure,
  openStore,
  pipeline,
  runFailure,
  storeFolder,
  transformer,
  until,
} from './support.js';

let db: Jdbx;
let now = Date.UTC(2026, 0, 1);

const ECHO = transformer('echo', 'export default (value) => value');
const echo = { name: 'echo', transformer: 'transformer:echo' };
const ask = (name: string, schema: object | boolean = true) => ({
  name,
  wait: { answer: { question: { for: name }, schema } },
});

beforeAll(async () => {
  db = await openStore({ clock: { now: () => now } });
  await db.put(ECHO);
});

afterAll(() => db.close());

async function begin(name: string, stages: readonly object[], options: object = {}, more = {}) {
  await db.put(pipeline(name, stages, more));
  return db.run(`pipeline:${name}`, {}, { key: name, ...options });
}

describe('a run that waits for a person', () => {
  it('stands as waiting, is listed, and goes on with the answer', async () => {
    const schema = { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } };
    const run = await begin('one', [echo, ask('approve', schema), { ...echo, name: 'after' }]);
    expect(run).toMatchObject({ id: 'run:one', status: 'waiting', output: null });
    expect(await db.runOf('run:one')).toMatchObject({ status: 'waiting' });
    const [wait] = await db.waits({ kind: 'answer', run: 'run:one' });
    expect(wait).toMatchObject({ path: 'approve', question: { for: 'approve' }, schema });
    await db.answer('run:one', 'approve', { ok: true });
    expect(await db.ended('run:one')).toMatchObject({ output: { ok: true } });
    expect(await db.waits({ run: 'run:one' }).count()).toBe(0);
  });

  it('refuses an answer that the schema refuses, a second one, and one to nothing', async () => {
    await begin('refusals', [ask('n', { type: 'number', minimum: 1 }), ask('other')]);
    const answer = (wait: string, value: unknown) =>
      failure(db.answer('run:refusals', wait, value));
    expect(await answer('n', 'text')).toMatchObject({ code: 'SCHEMA_VIOLATION' });
    expect(await answer('gone', 1)).toMatchObject({ code: 'WAIT_MISSING' });
    expect(await answer('n', () => 1)).toMatchObject({ code: 'INVALID_DOCUMENT', path: 'answer' });
    await db.answer('run:refusals', 'wait:run:refusals:n', 5);
    expect(await answer('n', 5)).toMatchObject({ code: 'WAIT_ANSWERED' });
    await db.settled();
    await db.cancel('run:refusals');
    expect(await answer('other', 1)).toMatchObject({ code: 'RUN_ENDED' });
  });

  it('has several waits open in branches, elements and child runs, answered in any order', async () => {
    await db.put(pipeline('asks', [ask('deep')]));
    const stages = [
      {
        name: 'all',
        parallel: {
          left: [ask('a'), echo],
          right: [{ name: 'each', map: { over: [1, 2, 3], concurrency: 1, stages: [ask('b')] } }],
          child: [{ name: 'sub', pipeline: 'pipeline:asks' }],
        },
      },
    ];
    await begin('many', stages);
    const waits = await db.waits({ run: { $in: ['run:many', 'run:many/all/child/sub'] } });
    expect(waits.map(({ path }) => path).sort()).toEqual([
      'all/left/a',
      'all/right/each/0/b',
      'all/right/each/1/b',
      'all/right/each/2/b',
      'deep',
    ]);
    for (const { run, path } of [...waits].reverse()) await db.answer(run, path, `${path}!`);
    expect((await db.ended('run:many')).output).toEqual({
      left: 'all/left/a!',
      right: [0, 1, 2].map((n) => `all/right/each/${n}/b!`),
      child: 'deep!',
    });
    const ends = await db.audit.query({ kind: 'run-end', run: /^run:many/ }).count();
    expect(ends).toBe(2);
  });

  it('is given up after its timeout, and the run goes by on_error', async () => {
    const stages = [{ ...ask('late'), timeout: 60_000, on_error: { continue: 'nobody' } }];
    await begin('late', stages);
    now += 61_000;
    await wakeUp();
    expect((await db.ended('run:late')).output).toBe('nobody');
    expect(await failure(db.answer('run:late', 'late', 1))).toMatchObject({
      code: 'WAIT_ANSWERED',
    });
  });

  it('ends at the deadline of its run', async () => {
    await begin('dead', [ask('never')], { deadline: now + 5_000 });
    now += 6_000;
    await wakeUp();
    expect(await runFailure(db.ended('run:dead'))).toMatchObject({ code: 'RUN_DEADLINE' });
    expect(await db.waits({ run: 'run:dead' }).count()).toBe(0);
  });

  it('can be cancelled, and its waits are closed, those of child runs too', async () => {
    await db.put(pipeline('asks', [ask('deep')]));
    await begin('stop', [{ name: 'sub', pipeline: 'pipeline:asks' }]);
    expect(await db.cancel('run:stop')).toBe(true);
    expect(await failure(db.ended('run:stop'))).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(await db.waits({ run: /^run:stop/ }).count()).toBe(0);
    expect(await db.runOf('run:stop/sub')).toMatchObject({ status: 'cancelled' });
  });
});

describe('signals and events', () => {
  it('a signal reaches a run that waits, and one that will', async () => {
    const wait = (name: string) => ({ name, wait: { signal: name } });
    await begin('signals', [wait('first'), ask('between'), wait('second')]);
    await db.signal('run:signals', 'second', 2);
    await db.signal('run:signals', 'first', 1);
    await db.settled();
    await db.answer('run:signals', 'between', null);
    expect((await db.ended('run:signals')).output).toBe(2);
    expect(await failure(db.signal('run:signals', 'first', 1))).toMatchObject({
      code: 'RUN_ENDED',
    });
    expect(await failure(db.signal('run:none', 'x'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('an event reaches every run that waits for its name and key, before or after it came', async () => {
    const stages = [{ name: 'w', wait: { event: 'paid', key: '$input.order' } }];
    await db.put(pipeline('paid', stages));
    const start = (key: string, order: number) => db.run('pipeline:paid', { order }, { key });
    await start('early', 7);
    await start('other', 8);
    await db.put(
      pipeline('pay', [
        { name: 'e', emit: { event: 'paid', key: '$input.order', value: { by: 'card' } } },
      ]),
    );
    expect((await db.run('pipeline:pay', { order: 7 })).output).toEqual({ by: 'card' });
    expect((await db.ended('run:early')).output).toEqual({ by: 'card' });
    expect(await start('after', 7)).toMatchObject({ status: 'completed', output: { by: 'card' } });
    expect(await db.runOf('run:other')).toMatchObject({ status: 'waiting' });
  });

  it('an event for one is taken by one, the one that has waited longest', async () => {
    await db.put(pipeline('take', [{ name: 'w', wait: { event: 'work' } }]));
    for (const key of ['w1', 'w2', 'w3']) {
      now += 10;
      await db.run('pipeline:take', {}, { key });
    }
    await db.emit('work', 'a', { once: true });
    await db.emit('work', 'b', { once: true });
    expect((await db.ended('run:w1')).output).toBe('a');
    expect((await db.ended('run:w2')).output).toBe('b');
    expect(await db.runOf('run:w3')).toMatchObject({ status: 'waiting' });
  });

  it('an event that the schema refuses is passed over, and one that is old is met no more', async () => {
    const schema = { type: 'number' };
    await db.emit('number', 'text');
    await db.emit('number', 1, { keepMs: 1_000 });
    now += 2_000;
    expect(
      await begin('numbers', [{ name: 'w', wait: { event: 'number', schema } }]),
    ).toMatchObject({
      status: 'waiting',
    });
    await db.emit('number', 5);
    expect((await db.ended('run:numbers')).output).toBe(5);
  });

  it('a loop meets each event for all once', async () => {
    const loop = {
      until: { $eq: ['$index', 3] },
      max: 5,
      stages: [{ name: 'w', wait: { event: 'tick' } }],
    };
    await begin('ticks', [{ name: 'l', loop }]);
    for (const n of [1, 2, 3]) {
      await db.emit('tick', n);
      await db.settled();
    }
    expect((await db.ended('run:ticks')).output).toBe(3);
  });
});

describe('a wait for a time', () => {
  it('goes on when it has come, and not before', async () => {
    const until_ = new Date(now + 60_000).toISOString();
    await begin('sleep', [
      { name: 'a', wait: { ms: 30_000 } },
      { name: 'b', wait: { until: until_ } },
    ]);
    now += 29_000;
    await wakeUp();
    expect(await db.runOf('run:sleep')).toMatchObject({ status: 'waiting' });
    now += 2_000;
    await wakeUp();
    expect(await db.waits({ run: 'run:sleep' })).toMatchObject([{ path: 'b', due_at: until_ }]);
    now -= 3_600_000; // a clock that is set back wakes nobody early
    await wakeUp();
    expect(await db.runOf('run:sleep')).toMatchObject({ status: 'waiting' });
    now += 3_600_000 + 60_000;
    await wakeUp();
    expect(await db.ended('run:sleep')).toMatchObject({ status: 'completed' });
  });

  it('refuses what is no time', async () => {
    for (const wait of [{ ms: 'soon' }, { until: 'never' }, { ms: -1_000_000_000_000_000 }]) {
      const run = begin(`no-time-${JSON.stringify(wait).length}`, [{ name: 'w', wait }]);
      expect(await runFailure(run)).toMatchObject({ code: 'MISSING_INPUT' });
    }
  });

  it('ends by itself with the machine’s clock', async () => {
    const real = await openStore();
    await real.put(pipeline('nap', [{ name: 'w', wait: { ms: 20 } }]));
    const { id, status } = await real.run('pipeline:nap');
    expect(status).toBe('waiting');
    expect(await real.ended(id)).toMatchObject({ status: 'completed' });
    await real.close();
  });
});

/** The alarm clock looks at the store again when something is expected at once. */
async function wakeUp(): Promise<void> {
  await db.resume();
  const { id } = await begin(`nudge-${++nudges}`, [{ name: 'w', wait: { ms: 0 } }]);
  await db.ended(id);
  await db.settled();
}
let nudges = 0;

it('waits survive the process, and are answered after it', async () => {
  const folder = storeFolder();
  const openAgain = () => open(folder.path, { workers: 1, env: {} });
  let store = await openAgain();
  const branches = { left: [ask('a')], right: [ask('b')] };
  await store.put([ECHO, pipeline('long', [{ name: 'both', parallel: branches }, echo])]);
  await store.run('pipeline:long', {}, { key: 'long' });
  for (const [path, value] of [
    ['both/right/b', 2],
    ['both/left/a', 1],
  ] as const) {
    await store.close();
    store = await openAgain();
    await store.answer('run:long', path, value);
    await store.settled();
  }
  expect((await store.ended('run:long')).output).toEqual({ left: 1, right: 2 });
  expect(await store.audit.verify()).toMatchObject({ ok: true });
  await store.close();
  folder.remove();
});

describe('a run under way', () => {
  it('is paused between stages, and goes on when it is told to', async () => {
    await db.put(transformer('slow', 'function f() { const end = Date.now() + 1; return "slow" }'));
    const stages = [ask('first'), { ...echo, inputs: 'done' }];
    await begin('paused', stages);
    await db.pause('run:paused');
    expect(await db.runOf('run:paused')).toMatchObject({ status: 'paused' });
    await db.answer('run:paused', 'first', 1);
    await db.settled();
    expect(await db.runOf('run:paused')).toMatchObject({ status: 'paused' });
    expect(await db.resume('run:paused')).toMatchObject({ status: 'completed', output: 'done' });
    expect(await failure(db.pause('run:paused'))).toMatchObject({ code: 'RUN_ENDED' });
    expect(await failure(db.resume('run:paused'))).toMatchObject({ code: 'RUN_ENDED' });
    expect(await failure(db.pause('run:none'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('gives a paused result to whoever waits for it', async () => {
    await db.put(
      transformer('spin', 'function f() { for (;;); }', { limits: { timeout_ms: 30_000 } }),
    );
    await db.put(pipeline('spin', [{ name: 's', transformer: 'transformer:spin' }]));
    let started = false;
    const onStart = ({ run }: { run: string }) => {
      started ||= run === 'run:spin';
    };
    db.events.on('stage-start', onStart);
    const run = db.run('pipeline:spin', {}, { key: 'spin' });
    await until(() => started);
    await db.pause('run:spin');
    expect(await run).toMatchObject({ status: 'paused' });
    expect(await db.cancel('run:spin')).toBe(true);
    db.events.off('stage-start', onStart);
  });

  it('starts, and is waited for elsewhere', async () => {
    await db.put(pipeline('start', [echo]));
    const id = await db.start('pipeline:start', 5, { key: 'started' });
    expect(await db.runOf(id)).toMatchObject({ _type: 'run' });
    expect((await db.ended(id)).output).toBe(5);
    expect(await failure(db.start('pipeline:none'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });
});

describe('following a run', () => {
  it('tells what happened and what happens, and joins again without a gap or a double', async () => {
    await db.put(pipeline('inner', [echo]));
    const stages = [
      echo,
      { name: 'sub', pipeline: 'pipeline:inner' },
      ask('ok'),
      { ...echo, name: 'z' },
    ];
    await begin('follow', stages);
    const all: string[] = [];
    let last = 0;
    for await (const { n, type, path } of db.follow('run:follow')) {
      all.push(path === undefined ? type : `${type} ${path}`);
      expect(n).toBeGreaterThan(last);
      last = n;
      if (type === 'wait-open') break;
    }
    await db.answer('run:follow', 'ok', 1);
    for await (const { type, path } of db.follow('run:follow', { since: last })) {
      all.push(path === undefined ? type : `${type} ${path}`);
    }
    expect(all).toEqual([
      'run-start',
      'stage-end echo',
      'run-start',
      'stage-end echo',
      'run-end',
      'stage-end sub',
      'wait-open ok',
      'wait-end ok',
      'run-resume',
      'stage-end ok',
      'stage-end z',
      'run-end',
    ]);
    const next = db.follow('run:none').next();
    expect(await failure(next)).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });
});
