import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, type NewDocument, open, type RunDocument } from '#jdbx/index.js';
import { until } from '../pipelines/support.js';

/**
 * The clock is an option of the store, so hours pass when the test says so. What is due is
 * looked at when a schedule is written: each test ends a stretch of time by that.
 */
const START = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;

let folder: string;
let db: Jdbx;
let now = START;

beforeEach(async () => {
  now = START;
  folder = mkdtempSync(join(tmpdir(), 'jdbx-schedules-'));
  db = await openStore();
  await db.put([
    { _id: 'transformer:at', _type: 'transformer', code: 'export default (input) => input' },
    {
      _id: 'pipeline:job',
      _type: 'pipeline',
      stages: [{ name: 'at', transformer: 'transformer:at' }],
    },
    { _id: 'pipeline:wait', _type: 'pipeline', stages: [{ name: 'w', wait: { answer: {} } }] },
  ]);
});

afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

function openStore(resume = true): Promise<Jdbx> {
  return open(folder, { workers: 1, env: {}, clock: { now: () => now }, resume });
}

const schedule = (more: object): NewDocument => ({
  _id: 'schedule:s',
  _type: 'schedule',
  pipeline: 'pipeline:job',
  ...more,
});

/**
 * Lets the store look at what is due, and waits until it has: a look that meets the second
 * new schedule begins when the one that met the first has ended.
 */
async function look(): Promise<void> {
  for (let probes = 0; probes < 2; probes++) {
    const _id = `probe-${++looks}`;
    await db.put({ _id, _type: 'schedule', pipeline: 'pipeline:job', every: 86_400_000 });
    await until(async () => (await db.get(`schedule_progress:${_id}`)) !== undefined);
    await db.remove(_id);
  }
  await db.settled();
}
let looks = 0;

async function times(id = 'schedule:s'): Promise<string[]> {
  const runs = await db.query<RunDocument>({ _type: 'run', _id: { $regex: `^run:${id}@` } });
  return runs.map(({ _id }) => _id.slice(`run:${id}@2026-`.length, -':00.000Z'.length)).sort();
}

describe('a schedule', () => {
  it('starts one run for each of its times, with its input and session', async () => {
    await db.put(schedule({ cron: '*/10 * * * *', input: { n: 5 }, session: 'session:s' }));
    await look();
    for (let minute = 0; minute < 30; minute += 5) {
      now += 5 * MINUTE;
      await look();
    }
    expect(await times()).toEqual(['03-01T12:10', '03-01T12:20', '03-01T12:30']);
    const [run] = await db.query<RunDocument>({ _type: 'run' });
    expect(run).toMatchObject({ status: 'completed', input: { n: 5 }, session: 'session:s' });
  });

  it('counts from when it was written, by milliseconds', async () => {
    await db.put(schedule({ every: 7 * MINUTE }));
    await look();
    now += 7 * MINUTE;
    await look();
    now += 7 * MINUTE;
    await look();
    expect(await times()).toEqual(['03-01T12:07', '03-01T12:14']);
  });

  it('keeps to a time zone, also where its clocks are changed', async () => {
    now = Date.UTC(2026, 2, 28, 12); // Berlin's clocks are put forward in the next night
    await db.put(schedule({ cron: '30 9 * * *', time_zone: 'Europe/Berlin', missed: 'all' }));
    await look();
    now += 48 * 60 * MINUTE;
    await look();
    await until(async () => (await times()).length === 2);
    expect(await times()).toEqual(['03-29T07:30', '03-30T07:30']);
  });

  it('makes no second run when the clock is set back, nor when two follow it', async () => {
    await db.put(schedule({ cron: '0 * * * *' }));
    await look();
    now += 60 * MINUTE;
    await look();
    now -= 30 * MINUTE;
    await look();
    now += 30 * MINUTE;
    await look();
    expect(await times()).toEqual(['03-01T13:00']);
    // Its progress is lost, as if another process had not seen it: the run's key is the guard.
    await db.update('schedule_progress:schedule:s', { $set: { last: '2026-03-01T12:30:00.000Z' } });
    await look();
    expect(await times()).toEqual(['03-01T13:00']);
    expect(await db.audit.query({ kind: 'run-start' }).count()).toBe(1);
  });

  it.each([
    ['skip', []],
    ['once', ['03-01T15:00']],
    ['all', ['03-01T13:00', '03-01T14:00', '03-01T15:00']],
  ])('with missed: %s, after a process that was not there', async (missed, expected) => {
    await db.put(schedule({ cron: '0 * * * *', missed }));
    await look();
    await db.close();
    now += 200 * MINUTE;
    db = await openStore();
    await look();
    await until(async () => (await times()).length >= expected.length);
    await look();
    expect(await times()).toEqual(expected);
    now += 60 * MINUTE;
    await look();
    expect(await times()).toEqual([...expected, '03-01T16:00']);
  });

  it.each([
    ['skip', 1],
    ['queue', 1],
    ['allow', 3],
  ])('with overlap: %s, while a run has not ended', async (overlap, running) => {
    await db.put(
      schedule({ pipeline: 'pipeline:wait', every: 10 * MINUTE, overlap, missed: 'all' }),
    );
    await look();
    for (let n = 0; n < 3; n++) {
      now += 10 * MINUTE;
      await look();
    }
    expect(await times()).toHaveLength(running);
    await db.answer('run:schedule:s@2026-03-01T12:10:00.000Z', 'w', 1);
    await db.settled();
    now += MINUTE;
    await look();
    expect(await times()).toHaveLength(overlap === 'queue' ? 2 : running);
  });

  it('rests when it is not enabled, and begins anew when it is changed', async () => {
    await db.put(schedule({ every: 10 * MINUTE, enabled: false }));
    await look();
    now += 60 * MINUTE;
    await db.put(schedule({ every: 10 * MINUTE }));
    await look();
    expect(await times()).toEqual([]);
    now += 10 * MINUTE;
    await look();
    expect(await times()).toEqual(['03-01T13:10']);
  });

  it('of a pipeline that is not there says so, and goes on', async () => {
    await db.put(schedule({ every: 10 * MINUTE, pipeline: 'pipeline:none' }));
    await look();
    now += 10 * MINUTE;
    await look();
    expect(await db.get('schedule_progress:schedule:s')).toMatchObject({
      skipped: 1,
      error: expect.stringContaining('MISSING_DOCUMENT'),
    });
  });

  it('does nothing in a store that was opened to do only what it is told', async () => {
    await db.put(schedule({ every: 10 * MINUTE, missed: 'all' }));
    await look();
    await db.close();
    db = await openStore(false);
    now += 60 * MINUTE;
    await db.put({ _id: 'x', _type: 'schedule', pipeline: 'pipeline:job', every: MINUTE });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await times()).toEqual([]);
  });

  it.each([
    ['no pipeline', { pipeline: 5 }, 'pipeline'],
    ['neither cron nor every', {}, undefined],
    ['both', { cron: '* * * * *', every: 1_000 }, undefined],
    ['a pattern that is none', { cron: 'every monday' }, 'cron'],
    ['a pattern that never comes', { cron: '0 0 30 2 *' }, 'cron'],
    ['a time zone that is none', { cron: '* * * * *', time_zone: 'Mars/Base' }, 'time_zone'],
    ['a time too short', { every: 1 }, 'every'],
    ['a rule that is none', { every: 1_000, missed: 'later' }, 'missed'],
    ['another rule that is none', { every: 1_000, overlap: 'maybe' }, 'overlap'],
    ['enabled as text', { every: 1_000, enabled: 'no' }, 'enabled'],
  ])('with %s is refused when it is written', async (_, more, path) => {
    const error = await db.put(schedule(more)).catch((thrown) => thrown);
    expect([error.code, error.path]).toEqual(['INVALID_SCHEDULE', path]);
  });
});
