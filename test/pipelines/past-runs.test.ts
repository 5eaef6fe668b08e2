import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer } from '../support/fault-server.js';
import {
  chat,
  failure,
  integration,
  openStore,
  pipeline,
  prompt,
  runFailure,
  transformer,
} from './support.js';

let db: Jdbx;
let server: FaultServer;

beforeAll(async () => {
  db = await openStore();
  server = await FaultServer.start([answer(chat('forty-two'))]);
  await db.put([
    integration('chat', server.url),
    prompt('ask', 'Tell me about {topic}.', ['topic']),
    transformer('add', 'export default ({ n, by }) => n + by'),
    transformer('dice', 'export default () => [Math.random(), Date.now()]'),
    transformer(
      'save',
      `function f({ id, value }) {
        const before = db.get(id);
        if (value === null) return db.remove(id);
        return db.put({ _id: id, _type: 'thing', value, before: before && before.value });
      }`,
      { permissions: ['db.get:thing', 'db.put:thing', 'db.remove:thing'] },
    ),
  ]);
});

afterAll(async () => {
  await db.close();
  await server.close();
});

const add = (name: string, n: string, by: unknown) => ({
  name,
  transformer: 'transformer:add',
  inputs: { n, by },
});

describe('a fork', () => {
  beforeAll(async () => {
    await db.put(pipeline('sum', [add('a', '$input', 1), add('b', '$a', 10), add('c', '$b', 100)]));
    await db.run('pipeline:sum', 1, { key: 'sum' });
  });

  it('goes on after a stage, with what a patch changes', async () => {
    expect(await db.fork('run:sum', 'b')).toMatchObject({ output: 112 });
    expect(await db.fork('run:sum', 'b', { outputs: { b: 1_000 } })).toMatchObject({
      output: 1_100,
    });
    expect(await db.fork('run:sum', 'a', { outputs: { a: 5 } })).toMatchObject({ output: 115 });
    expect(await db.fork('run:sum', undefined, { input: 7 })).toMatchObject({ output: 118 });
    expect((await db.run('pipeline:sum', 1, { key: 'sum' })).output).toBe(112);
  });

  it('runs only what is left, with the definitions of the run that it comes from', async () => {
    await db.put(transformer('add', 'export default ({ n, by }) => n - by'));
    const { id, output } = await db.fork('run:sum', 'b', {}, { key: 'forked' });
    expect([id, output]).toEqual(['run:forked', 112]);
    const trail = await db.audit.query({ run: id, kind: 'stage' });
    expect(trail.map(({ path }) => path)).toEqual(['c']);
    expect(await db.runOf(id)).toMatchObject({ forked_from: 'run:sum' });
    await db.restore('transformer:add', 1);
  });

  it('names what is not there', async () => {
    const code = async (promise: Promise<unknown>) => (await failure(promise)).code;
    expect(await code(db.fork('run:none', 'a'))).toBe('MISSING_DOCUMENT');
    expect(await code(db.fork('run:sum', 'z'))).toBe('UNKNOWN_STAGE');
    expect(await code(db.fork('run:sum', 'a', { outputs: { b: 1 } }))).toBe('UNKNOWN_STAGE');
    expect(await code(db.fork('run:sum', 'a', {}, { key: 'sum' }))).toBe('DUPLICATE_ID');
    await expect(db.fork('run:sum', 'a', { output: 1 } as never)).rejects.toThrow(TypeError);
  });
});

describe('a replay', () => {
  const stages = [
    { name: 'dice', transformer: 'transformer:dice' },
    { name: 'ask', integration: 'integration:chat', prompt: 'prompt:ask' },
    {
      name: 'both',
      when: { $gt: ['$input.n', 1] },
      parallel: { left: [add('x', '$input.n', 1)], right: [add('y', '$input.n', 2)] },
    },
    {
      name: 'save',
      transformer: 'transformer:save',
      inputs: { id: 'thing:r', value: '$both.left' },
    },
  ];

  it('of a run gives the same again, and calls nothing', async () => {
    await db.put(pipeline('replay', stages, { output: '$both' }));
    server.play([answer(chat('tea'))]);
    await db.run('pipeline:replay', { topic: 'tea', n: 2 }, { key: 'replay' });
    const before = [db.seq, server.requests.length];
    expect(await db.replay('run:replay')).toEqual({
      run: 'run:replay',
      same: true,
      compared: 5,
      taken: 1,
    });
    expect([db.seq, server.requests.length]).toEqual(before);
  });

  it('tells the first difference from what is on record', async () => {
    await db.update('checkpoint:run:replay:both/left/x', { $set: { output: 99 } });
    expect(await db.replay('run:replay')).toMatchObject({
      same: false,
      difference: { path: 'both/left/x', what: 'output', recorded: 99, replayed: 3 },
    });
    await db.update('checkpoint:run:replay:dice', { $set: { output: [0, 0] } });
    expect(await db.replay('run:replay')).toMatchObject({ difference: { path: 'dice' } });
  });

  it('of a run that failed or waits ends where its records do', async () => {
    await db.put(
      pipeline('half', [
        add('a', '$input', 1),
        { name: 'w', wait: { answer: {} } },
        add('b', '$a', 1),
      ]),
    );
    await db.run('pipeline:half', 1, { key: 'half' });
    expect(await db.replay('run:half')).toMatchObject({ same: true, compared: 1 });
    expect(await failure(db.replay('run:none'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });
});

describe('undoing', () => {
  const save = (name: string, id: string, value: unknown) => ({
    name,
    transformer: 'transformer:save',
    inputs: { id, value: { $literal: value } },
  });

  it('puts back what a run wrote, made and removed, child runs included', async () => {
    await db.put([
      { _id: 'thing:old', _type: 'thing', value: 'first' },
      { _id: 'thing:gone', _type: 'thing', value: 'here' },
      pipeline('child', [save('deep', 'thing:deep', 1)]),
      pipeline('writes', [
        save('change', 'thing:old', 'second'),
        save('again', 'thing:old', 'third'),
        save('make', 'thing:new', 1),
        save('remove', 'thing:gone', null),
        { name: 'sub', pipeline: 'pipeline:child' },
      ]),
    ]);
    await db.run('pipeline:writes', {}, { key: 'writes' });
    expect(await db.get('thing:gone')).toBeUndefined();
    const { undone, kept } = await db.undo('run:writes');
    expect([...undone].sort()).toEqual(['thing:deep', 'thing:gone', 'thing:new', 'thing:old']);
    expect(kept).toEqual([]);
    expect(await db.get('thing:old')).toMatchObject({ value: 'first' });
    expect(await db.get('thing:gone')).toMatchObject({ value: 'here' });
    expect([await db.get('thing:new'), await db.get('thing:deep')]).toEqual([undefined, undefined]);
    const [entry] = await db.audit.query({ kind: 'undo', run: 'run:writes' });
    expect(entry).toMatchObject({ undone, kept: [] });
  });

  it('of one stage leaves the others, and says where something newer stands', async () => {
    await db.put(pipeline('two', [save('a', 'thing:a', 1), save('b', 'thing:b', 1)]));
    await db.run('pipeline:two', {}, { key: 'two' });
    await db.update('thing:b', { $set: { value: 2 } });
    const seq = db.seq;
    expect(await db.undo('run:two', 'b')).toEqual({
      undone: [],
      kept: [{ id: 'thing:b', reason: 'newer', seq }],
    });
    expect(await db.undo('run:two', 'a')).toMatchObject({ undone: ['thing:a'] });
    expect(await db.get('thing:b')).toMatchObject({ value: 2 });
    await db.remove('thing:b');
    expect(await db.undo('run:two', 'b')).toMatchObject({ kept: [{ reason: 'newer' }] });
  });

  it('names what is not there, or at work', async () => {
    expect(await failure(db.undo('run:none'))).toMatchObject({ code: 'MISSING_DOCUMENT' });
    expect(await failure(db.undo('run:two', 'z'))).toMatchObject({ code: 'UNKNOWN_STAGE' });
  });
});

describe('what may go wrong with a run', () => {
  it('its session is removed meanwhile: the next stage that changes it fails', async () => {
    const touch = {
      name: 't',
      transformer: 'transformer:dice',
      session: { $inc: { 'state.n': 1 } },
    };
    await db.put(
      pipeline('session', [{ ...touch, name: 's' }, { name: 'w', wait: { answer: {} } }, touch]),
    );
    await db.run('pipeline:session', {}, { key: 'session', session: 'session:gone' });
    await db.remove('session:gone');
    await db.answer('run:session', 'w', null);
    const { code, stage, message } = await runFailure(db.ended('run:session'));
    expect([code, stage]).toEqual(['MISSING_DOCUMENT', 't']);
    expect(message).toContain('session:gone');
    expect(await db.get('session:gone')).toBeUndefined();
  });

  it('a definition is removed while it is pinned: the kept revision serves', async () => {
    await db.put(transformer('brief', 'export default () => "still here"'));
    await db.put(
      pipeline('pinned', [
        { name: 'w', wait: { answer: {} } },
        { name: 't', transformer: 'transformer:brief' },
      ]),
    );
    await db.run('pipeline:pinned', {}, { key: 'pinned' });
    await db.remove('transformer:brief');
    await db.remove('pipeline:pinned');
    await db.answer('run:pinned', 'w', null);
    expect((await db.ended('run:pinned')).output).toBe('still here');
  });

  it('an output is over the limit', async () => {
    await db.put([
      transformer('large', 'export default () => "x".repeat(9 * 2 ** 20)'),
      pipeline('large', [{ name: 'l', transformer: 'transformer:large' }]),
    ]);
    expect(await runFailure(db.run('pipeline:large'))).toMatchObject({
      code: 'GUEST_OUTPUT',
      stage: 'l',
    });
  });

  it('an expression fails', async () => {
    await db.put(
      pipeline('wrong', [{ name: 'e', emit: { event: 'x', value: { $divide: [1, '$input'] } } }]),
    );
    expect(await runFailure(db.run('pipeline:wrong', 0))).toMatchObject({
      code: 'INVALID_EXPRESSION',
      stage: 'e',
    });
  });
});
