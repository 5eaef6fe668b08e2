import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open, type RunDocument } from '#jdbx/index.js';
import { killAtWork, killsOf } from '../kill-at-work.js';
import { storeFolder } from '../support.js';

/**
 * A process runs a program that uses many kinds of stage and is killed with SIGKILL at seeded
 * random moments, again and again, then allowed to finish. Whatever the moments were, the
 * store must look as if nothing had happened. More often with `JDBX_TEST_KILLS`; a process that
 * has little left may then end before it is killed.
 */
const SEED = 19_700_101;
const KILLS = killsOf(2);
const JOB = new URL('./kill-job.mjs', import.meta.url).pathname;
const { KEYS, LAPS, PATHS } = (await import(
  new URL('./kill-documents.mjs', import.meta.url).href
)) as { KEYS: string[]; LAPS: number; PATHS: string[] };

const folder = storeFolder();
let db: Jdbx;
let killed = 0;

beforeAll(async () => {
  killed = await killAtWork({
    job: JOB,
    directory: folder.path,
    kills: KILLS,
    seed: SEED,
    stagesMax: 24,
  });
  db = await open(folder.path, { env: {}, resume: false });
}, 120_000);

afterAll(async () => {
  await db?.close();
  folder.remove();
});

const tally = (names: readonly unknown[]) => [...names].map(String).sort();

describe(`a program whose process was killed ${KILLS} times`, () => {
  it('was really killed at work', async () => {
    expect(killed).toBeGreaterThanOrEqual(Math.min(KILLS, 2));
    expect(await db.audit.query({ kind: 'run-resume' }).count()).toBeGreaterThanOrEqual(1);
  });

  it('has every run completed once, with what its stages gave', async () => {
    const runs = await db.query<RunDocument>({ _type: 'run' });
    expect(tally(runs.map(({ _id, status }) => `${_id} ${status}`))).toEqual(
      tally(
        KEYS.flatMap((key) => [
          `run:${key} completed`,
          `run:${key}/program/3/sub completed`,
          `run:undone-${key} failed`,
        ]),
      ),
    );
    for (const key of KEYS) {
      expect(await db.get(`run:${key}`)).toMatchObject({
        output: {
          answer: `answer to ${key}`,
          sub: `release:${key}`,
          failed: 'GUEST_ERROR',
          laps: Array.from({ length: LAPS }, (_, n) => `lap:${key}:${n}`),
          waited: true,
          heard: 2,
        },
      });
    }
  });

  it('has every effect on the database exactly once', async () => {
    const ids = async (_type: string) => tally((await db.query({ _type })).map(({ _id }) => _id));
    expect(await ids('mark')).toEqual(tally(KEYS.map((key) => `mark:${key}`)));
    expect(await ids('release')).toEqual(
      tally(KEYS.flatMap((key) => [`release:${key}`, `release:un${key}`])),
    );
    const laps = KEYS.flatMap((key) => Array.from({ length: LAPS }, (_, n) => `lap:${key}:${n}`));
    expect(await ids('lap')).toEqual(tally(laps));
    expect(await db.get('total:1')).toMatchObject({ n: KEYS.length });
  });

  it('has exactly one checkpoint for each stage, and one audit document', async () => {
    for (const key of KEYS) {
      const run = `run:${key}`;
      const checkpoints = await db.query<{ path: string }>({ _type: 'checkpoint', run });
      const paths = checkpoints.map(({ path }) => path).filter((path) => !path.includes('/@'));
      expect(tally(paths)).toEqual(tally(PATHS));
      const done = await db.audit.query({
        run,
        kind: 'stage',
        status: { $in: ['done', 'continued'] },
      });
      expect(tally(done.map(({ path }) => path))).toEqual(tally(PATHS));
    }
  });

  it('replays every run from its record', async () => {
    for (const key of KEYS) expect(await db.replay(`run:${key}`)).toMatchObject({ same: true });
  });

  it('has a sound audit chain, and indexes that equal a full scan', async () => {
    expect(await db.audit.verify()).toMatchObject({ ok: true });
    expect((await db.check()).problems).toEqual([]);
  });
});
