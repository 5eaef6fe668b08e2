import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx, NewDocument } from '#jdbx/index.js';
import {
  answer,
  type Behaviour,
  drop,
  empty,
  FaultServer,
  garbage,
  hang,
  status,
} from '../support/fault-server.js';
import {
  chat,
  integration,
  openStore,
  pipeline,
  runFailure,
  runStage,
  transformer,
  withEnoughTime,
} from './support.js';

let db: Jdbx;
let server: FaultServer;
let count = 0;

beforeAll(async () => {
  db = await openStore();
  server = await FaultServer.start([answer(chat('fine'))]);
  await db.put([
    integration('flaky', server.url, { timeout_ms: 5_000 }),
    integration('quick', server.url, { timeout_ms: 150 }),
    transformer('throw', 'function f() { throw new Error("always") }'),
  ]);
});

afterAll(async () => {
  await db.close();
  await server.close();
});

const RETRY = { attempts: 3, delay_ms: 1, backoff: 'constant' };
/** More often than any machine is so busy that an attempt runs out of time by itself. */
const PATIENT = { ...RETRY, attempts: 50 };

/** Says to what it answers; to `text` not when it is asked first. */
function silentOnce(text: string): Behaviour {
  let isSilent = true;
  return (response, seen) => {
    const asked = seen.body.messages.at(-1).content;
    if (asked !== text || !isSilent) return answer(chat(`to ${asked}`))(response, seen);
    isSilent = false;
  };
}

/** Runs one call against a script, and gives what came of it with its audit trail. */
async function call(script: readonly Behaviour[], stage: object = {}) {
  server.play(script);
  const id = `pipeline:call-${++count}`;
  await db.put({
    ...pipeline('x', [{ name: 'ask', integration: 'integration:flaky', ...stage }]),
    _id: id,
  });
  const key = `call-${count}`;
  const run = db.run(id, 'hello', { key });
  const outcome = await run.then(
    ({ output }) => ({ text: (output as { text?: string } | null)?.text, output }),
    async () => runFailure(run),
  );
  const trail = await db.audit.ofRun(`run:${key}`);
  const of = (kind: string) => trail.filter((entry) => entry.kind === kind);
  return { outcome, calls: of('llm-call'), stages: of('stage'), asked: server.requests.length };
}

describe('a provider that fails', () => {
  it('and answers 429 first is asked again by its integration, within one attempt of the stage', async () => {
    await db.put(
      integration('patient', server.url, { retry_strategy: { max_retries: 2, delay_ms: 1 } }),
    );
    const { outcome, calls, stages } = await call(
      [status(429, { 'retry-after': '0' }), answer(chat('at last'))],
      { integration: 'integration:patient' },
    );
    expect(outcome).toMatchObject({ text: 'at last' });
    expect(
      calls.map(({ attempt, error }) => [attempt, (error as { code?: string })?.code]),
    ).toEqual([
      [1, 'MODEL_RATE_LIMITED'],
      [2, undefined],
    ]);
    expect(stages).toHaveLength(1);
  });

  it('and answers 429 first is asked again by the stage, in a second attempt', async () => {
    const { outcome, calls, stages } = await call([status(429), answer(chat('ok'))], {
      retry: RETRY,
    });
    expect(outcome).toMatchObject({ text: 'ok' });
    expect(calls).toHaveLength(2);
    expect(stages.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 'failed'],
      [2, 'done'],
    ]);
  });

  it.each([
    ['500 always', [status(500)], 'MODEL_UNAVAILABLE', 3],
    ['429 always', [status(429)], 'MODEL_RATE_LIMITED', 3],
    ['garbage', [garbage()], 'MODEL_RESPONSE', 3],
    ['an empty body', [empty()], 'MODEL_RESPONSE', 3],
    ['another API', [answer({ hello: 'world' })], 'MODEL_RESPONSE', 3],
    ['nothing, closing the connection', [drop()], 'MODEL_UNAVAILABLE', 3],
    ['400, which another attempt does not mend', [status(400)], 'MODEL_REFUSED', 1],
  ] as const)(
    'with %s fails the run, each attempt on record',
    async (_, script, code, attempts) => {
      const { outcome, calls, stages, asked } = await call(script, { retry: RETRY });
      expect(outcome).toMatchObject({ outer: 'RUN_FAILED', code, stage: 'ask' });
      expect(asked).toBe(attempts);
      expect(calls.map(({ error }) => (error as { code: string }).code)).toEqual(
        Array(attempts).fill(code),
      );
      expect(stages.map(({ status }) => status)).toEqual(Array(attempts).fill('failed'));
    },
  );

  it('by not answering at all is given up after its time', async () => {
    const { outcome, calls } = await call([hang()], { integration: 'integration:quick' });
    expect(outcome).toMatchObject({ code: 'MODEL_TIMEOUT' });
    expect(calls).toHaveLength(1);
  });
});

describe('retry', () => {
  it('goes by the codes that it lists', async () => {
    const only = { ...RETRY, codes: ['MODEL_UNAVAILABLE'] };
    expect(
      (await call([status(500), status(429), answer(chat('x'))], { retry: only })).outcome,
    ).toMatchObject({ code: 'MODEL_RATE_LIMITED' });
  });

  it('drops what a failed attempt wrote', async () => {
    const document = transformer(
      'third-time',
      `function f() {
        db.insert({ _type: 'mark' });
        if (db.query({ _type: 'go' }).count() === 0) throw new Error('later');
        return db.query({ _type: 'mark' }).count();
      }`,
      { permissions: ['db.insert:mark', 'db.query'] },
    );
    const onEnd = () => void db.put({ _id: 'go:1', _type: 'go' });
    db.events.once('stage-start', onEnd);
    const retry = { attempts: 50, delay_ms: 10, backoff: 'constant' };
    expect(await runStage(db, { transformer: document._id, retry }, {}, [document])).toBe(1);
    expect(await db.query({ _type: 'mark' }).count()).toBe(1);
  });

  it('uses what every attempt was billed for', async () => {
    await db.put(
      transformer(
        'fail-after-call',
        `function f() {
          llm.call('integration:flaky', 'hello');
          throw new Error('after the call');
        }`,
        { permissions: ['llm.call'] },
      ),
    );
    const { outcome } = await call([answer(chat('x'))], {
      integration: undefined,
      transformer: 'transformer:fail-after-call',
      retry: RETRY,
      on_error: 'continue',
    });
    expect(outcome).toMatchObject({ output: null });
    expect((await db.runOf(`run:call-${count}`))?.usage).toEqual({
      input_tokens: 30,
      output_tokens: 15,
      cost_usd: 0,
      calls: 3,
    });
  });
});

describe('timeout', () => {
  it('ends an attempt that takes too long, with its model call on record', async () => {
    const { outcome, calls, stages } = await withEnoughTime(
      (timeout) => call([hang()], { timeout }),
      ({ asked }) => asked > 0,
    );
    expect(outcome).toMatchObject({ code: 'STAGE_TIMEOUT', stage: 'ask' });
    expect(calls).toHaveLength(1);
    expect(stages.map(({ error }) => (error as { code: string }).code)).toEqual(['STAGE_TIMEOUT']);
  });

  it('is for one attempt: the next has its own', async () => {
    const { outcome } = await call([hang(), answer(chat('second'))], {
      timeout: 300,
      retry: PATIENT,
    });
    expect(outcome).toMatchObject({ text: 'second' });
  });

  it('of a map stops its elements, and a retry goes on with what is left', async () => {
    server.play([silentOnce('c')]);
    await db.put(
      pipeline('slow-map', [
        {
          name: 'all',
          timeout: 300,
          retry: PATIENT,
          map: {
            over: '$input',
            concurrency: 1,
            stages: [{ name: 'ask', integration: 'integration:flaky' }],
          },
        },
      ]),
    );
    const { id, output, usage } = await db.run('pipeline:slow-map', ['a', 'b', 'c']);
    const texts = ['to a', 'to b', 'to c'];
    expect((output as { text: string }[]).map(({ text }) => text)).toEqual(texts);
    const audited = { run: id, path: /^all\// };
    expect(usage.calls).toBe(await db.audit.query({ ...audited, kind: 'llm-call' }).count());
    const stages = await db.audit.query({ ...audited, kind: 'stage' });
    const told = stages.map(({ path, status }) => `${path} ${status}`);
    // A busy machine may have no time for more than one in an attempt.
    expect([...new Set(told)].filter((each) => !/^all\/[01]\/ask stopped$/.test(each))).toEqual([
      'all/0/ask done',
      'all/1/ask done',
      'all/2/ask stopped',
      'all/2/ask done',
    ]);
    expect(told.filter((each) => each.endsWith('done'))).toHaveLength(3);
  });

  it('of a pipeline ends the whole run', async () => {
    server.play([hang()]);
    const stages = [{ name: 'ask', integration: 'integration:flaky' }];
    await db.put(pipeline('late', stages, { timeout: 100 }));
    const late = db.run('pipeline:late', 'hello', { key: 'late' });
    expect(await runFailure(late)).toMatchObject({ code: 'STAGE_TIMEOUT' });
    expect(await db.runOf('run:late')).toMatchObject({ status: 'failed' });
  });

  it('of a stage that runs a pipeline ends the child, and a retry takes it up again', async () => {
    server.play([silentOnce('b')]);
    const ask = { integration: 'integration:flaky' };
    const sub = { name: 'sub', pipeline: 'pipeline:child', timeout: 300, retry: PATIENT };
    await db.put([
      pipeline('child', [
        { name: 'one', ...ask, inputs: 'a' },
        { name: 'two', ...ask, inputs: 'b' },
      ]),
      pipeline('parent', [sub]),
    ]);
    const { id, output, usage } = await db.run('pipeline:parent', 'hello');
    expect(output).toMatchObject({ text: 'to b' });
    const run = `${id}/sub`;
    expect(usage.calls).toBe(await db.audit.query({ run, kind: 'llm-call' }).count());
    expect(await db.audit.query({ run, path: 'one', status: 'done' }).count()).toBe(1);
    const child = await db.audit.query({ run, kind: { $in: ['run-resume', 'run-end'] } });
    const told = child.map(({ kind, status }) => `${kind} ${status}`);
    // Once, unless the machine is busy.
    const again = ['run-end cancelled', 'run-resume cancelled'];
    const times = (told.length - 1) / 2;
    expect(times).toBeGreaterThanOrEqual(1);
    expect(told).toEqual([...Array(times).fill(again).flat(), 'run-end completed']);
  });
});

describe('on_error', () => {
  const stages = (on_error: unknown): NewDocument =>
    pipeline('rule', [
      { name: 'bad', transformer: 'transformer:throw', on_error },
      { name: 'after', transformer: 'transformer:is-null', inputs: { bad: '$bad' } },
    ]);

  beforeEach(() => db.put(transformer('is-null', 'export default ({ bad }) => ({ bad })')));

  it('fails the run by default and on request', async () => {
    for (const rule of [undefined, 'fail']) {
      await db.put(stages(rule));
      const { code, stage, cause } = await runFailure(db.run('pipeline:rule'));
      expect([code, stage]).toEqual(['GUEST_ERROR', 'bad']);
      expect(cause.message).toContain('always');
    }
  });

  it('goes on with null, or with the value that it names', async () => {
    await db.put(stages('continue'));
    expect((await db.run('pipeline:rule')).output).toEqual({ bad: null });
    await db.put(stages({ continue: { score: 0 } }));
    const { id, output } = await db.run('pipeline:rule');
    expect(output).toEqual({ bad: { score: 0 } });
    expect(await db.audit.query({ run: id, kind: 'stage' }).first()).toMatchObject({
      path: 'bad',
      status: 'continued',
      error: { code: 'GUEST_ERROR', line: 1 },
    });
  });

  it('leaves nothing of what the failed stage wrote', async () => {
    const document = transformer(
      'write-then-throw',
      'function f() { db.put({ _id: "ghost:1", _type: "ghost" }); throw new Error("x") }',
      { permissions: ['db.put'] },
    );
    const stage = { transformer: document._id, on_error: 'continue' };
    expect(await runStage(db, stage, {}, [document])).toBe(null);
    expect(await db.get('ghost:1')).toBeUndefined();
  });
});

describe('the error of a run', () => {
  it('names the run, the stage, the code and the reason', async () => {
    await db.put(pipeline('named', [{ name: 'wrong', transformer: 'transformer:throw' }]));
    const { outer, code, stage, message } = await runFailure(
      db.run('pipeline:named', {}, { key: 'named' }),
    );
    expect([outer, code, stage]).toEqual(['RUN_FAILED', 'GUEST_ERROR', 'wrong']);
    expect(message).toMatch(/^RUN_FAILED: run:named failed at stage wrong: GUEST_ERROR: .*always/);
    expect(await db.runOf('run:named')).toMatchObject({
      status: 'failed',
      error: { code: 'GUEST_ERROR', stage: 'wrong' },
    });
  });
});
