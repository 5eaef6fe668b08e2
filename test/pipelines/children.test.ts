import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx, RunDocument } from '#jdbx/index.js';
import { FaultServer } from '../support/fault-server.js';
import {
  failure,
  integration,
  openStore,
  pipeline,
  runFailure,
  transformer,
  until,
} from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer(
      'book',
      "export default ({ name }) => db.insert({ _type: 'log', did: 'book ' + name })",
      {
        permissions: ['db.insert:log'],
      },
    ),
    transformer(
      'free',
      "export default ({ name }) => db.insert({ _type: 'log', did: 'free ' + name })",
      {
        permissions: ['db.insert:log'],
      },
    ),
    transformer('bad', "export default () => { throw new Error('bad') }"),
  ]);
});

afterAll(() => db.close());

const step = (name: string) => ({
  name,
  transformer: 'transformer:book',
  inputs: { name },
  compensate: [{ name: 'undo', transformer: 'transformer:free', inputs: { name } }],
});
const bad = { name: 'bad', transformer: 'transformer:bad' };
const undoing = { on_error: 'compensate' };

const did = async (run: string) => {
  const done = await db.audit
    .query({
      run: { $gte: run, $lt: `${run}0` },
      kind: 'stage',
      status: 'done',
      stage: 'transformer',
    })
    .sort({ n: 1 });
  return done.map(({ run: each, path }) => [...String(each).split('/').slice(1), path].join('/'));
};

describe('a child run, when its parent undoes what it did', () => {
  it('undoes its own stages, at its place among those of its parent', async () => {
    await db.put([
      pipeline('trip', [step('flight'), step('hotel')]),
      pipeline(
        'whole',
        [step('before'), { name: 'trip', pipeline: 'pipeline:trip' }, step('after'), bad],
        undoing,
      ),
    ]);
    const { code } = await runFailure(db.run('pipeline:whole', {}, { key: 'whole' }));
    expect(code).toBe('GUEST_ERROR');
    expect(await did('run:whole')).toEqual([
      'before',
      'trip/flight',
      'trip/hotel',
      'after',
      'after/compensate/undo',
      'trip/hotel/compensate/undo',
      'trip/flight/compensate/undo',
      'before/compensate/undo',
    ]);
    const child = (await db.runOf('run:whole/trip')) as RunDocument;
    expect(child).toMatchObject({ status: 'failed', compensating: { code: 'GUEST_ERROR' } });
  });

  it('does so too when it is what failed, or a program, or one of several', async () => {
    await db.put([
      pipeline('half', [step('flight'), bad]),
      pipeline('outer', [{ name: 'half', pipeline: 'pipeline:half' }], undoing),
      {
        _id: 'engine:outer',
        _type: 'execution_engine',
        on_error: 'compensate',
        code: `export default async () => {
          await executeStage({ name: 'trip', pipeline: 'pipeline:trip' });
          throw new Error('no');
        }`,
      },
    ]);
    await runFailure(db.run('pipeline:outer', {}, { key: 'outer' }));
    expect(await did('run:outer')).toEqual(['half/flight', 'half/flight/compensate/undo']);
    await runFailure(db.run('engine:outer', {}, { key: 'engine' }));
    expect(await did('run:engine')).toEqual([
      'program/1/trip/flight',
      'program/1/trip/hotel',
      'program/1/trip/hotel/compensate/undo',
      'program/1/trip/flight/compensate/undo',
    ]);
  });

  it('is left alone where its stage says what undoes it as a whole', async () => {
    const trip = { ...step('trip'), pipeline: 'pipeline:trip', transformer: undefined };
    await db.put(pipeline('says', [trip, bad], undoing));
    await runFailure(db.run('pipeline:says', {}, { key: 'says' }));
    expect(await did('run:says')).toEqual(['trip/flight', 'trip/hotel', 'trip/compensate/undo']);
    expect(await db.runOf('run:says/trip')).toMatchObject({ status: 'completed' });
  });

  it('ends its parent with COMPENSATION_FAILED when it cannot', async () => {
    const stuck = { ...step('x'), compensate: [bad] };
    await db.put([
      pipeline('stuck', [stuck]),
      pipeline('over', [{ name: 'stuck', pipeline: 'pipeline:stuck' }, bad], undoing),
    ]);
    expect(await runFailure(db.run('pipeline:over'))).toMatchObject({
      code: 'COMPENSATION_FAILED',
    });
  });
});

describe('a run that is cancelled', () => {
  it('stops its child runs down to the socket', async () => {
    let isClosed = false;
    // Never answers; its end of the connection tells when the caller is gone.
    const hang = (response: ServerResponse) =>
      void response.once('close', () => {
        isClosed = true;
      });
    const server = await FaultServer.start([hang]);
    try {
      await db.put([
        integration('slow', server.url),
        pipeline('asks', [
          { name: 'ask', integration: 'integration:slow', inputs: { prompt: 'x' } },
        ]),
        pipeline('middle', [{ name: 'child', pipeline: 'pipeline:asks' }]),
        pipeline('top', [{ name: 'middle', pipeline: 'pipeline:middle' }]),
      ]);
      const id = await db.start('pipeline:top', {}, { key: 'top' });
      const ended = failure(db.ended(id));
      await until(() => server.requests.length > 0);
      await db.cancel(id);
      expect(await ended).toMatchObject({ code: 'RUN_CANCELLED' });
      for (const run of ['run:top', 'run:top/middle', 'run:top/middle/child']) {
        await until(async () => (await db.runOf(run))?.ended_at !== undefined);
        expect((await db.runOf(run))?.status).toBe('cancelled');
      }
      await until(() => isClosed);
    } finally {
      await server.close();
    }
  });
});
