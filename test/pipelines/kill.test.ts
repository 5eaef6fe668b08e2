import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open, type RunDocument } from '#jdbx/index.js';
import { storeFolder } from './support.js';

/**
 * A process runs a pipeline of every kind of stage and is killed with SIGKILL at seeded
 * random moments, again and again, then allowed to finish. Whatever the moments were,
 * the store must look as if nothing had happened, but for calls that were made twice.
 */
const SEED = 20_240_115;
const ROUNDS = 8;
const JOB = new URL('./kill-job.mjs', import.meta.url).pathname;
const { ITEMS, KEYS, PATHS, SESSION } = (await import(
  new URL('./kill-documents.mjs', import.meta.url).href
)) as { ITEMS: number; KEYS: string[]; PATHS: string[]; SESSION: string };

const folder = storeFolder();
let db: Jdbx;
let killed = 0;

beforeAll(async () => {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    if (await startAndKill(20 + random() * 250)) killed++;
  }
  await startAndKill(undefined);
  db = await open(folder.path, { env: {}, resume: false });
}, 120_000);

afterAll(async () => {
  await db?.close();
  folder.remove();
});

/** Starts the job, and kills it so long after it began; true when it was still at work. */
async function startAndKill(afterMs: number | undefined): Promise<boolean> {
  const child = spawn(process.execPath, [JOB, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<NodeJS.Signals | null>((resolve, reject) =>
    child.on('exit', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(signal) : reject(new Error(`exit code ${code}`)),
    ),
  );
  if (afterMs !== undefined) {
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
  }
  return (await gone) === 'SIGKILL';
}

/** https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const tally = (names: readonly unknown[]) => [...names].map(String).sort();

describe(`a store whose process was killed ${ROUNDS} times`, () => {
  it('was really killed at work', async () => {
    expect(killed).toBeGreaterThanOrEqual(ROUNDS / 2);
    expect(await db.audit.query({ kind: 'run-resume' }).count()).toBeGreaterThanOrEqual(ROUNDS);
  });

  it('has every run completed once', async () => {
    const runs = await db.query<RunDocument>({ _type: 'run' });
    expect(tally(runs.map(({ _id, status }) => `${_id} ${status}`))).toEqual(
      tally(
        KEYS.flatMap((key) => [
          `run:${key} completed`,
          `run:${key}/both/left/sub completed`,
          `run:undone-${key} failed`,
        ]),
      ),
    );
    const ends = await db.audit.query({ kind: 'run-end' });
    expect(tally(ends.map(({ run }) => run))).toEqual(tally(runs.map(({ _id }) => _id)));
  });

  it('has every effect on the database exactly once', async () => {
    const ids = async (_type: string) => tally((await db.query({ _type })).map(({ _id }) => _id));
    expect(await ids('mark')).toEqual(
      tally(KEYS.flatMap((key) => [`mark:${key}`, `mark:${key}-sub`])),
    );
    const items = KEYS.flatMap((key) =>
      Array.from({ length: ITEMS }, (_, n) => `item:${key}:${n}`),
    );
    expect(await ids('item')).toEqual(tally(items));
    const laps = KEYS.flatMap((key) => [0, 1].map((n) => `lap:${key}:${n}`));
    expect(await ids('lap')).toEqual(tally(laps));
    expect(await ids('note')).toEqual(tally(KEYS.map((key) => `note:${key}`)));
    expect(await ids('seen')).toEqual(tally(items.map((id) => `seen:${id}`)));
    expect(await ids('release')).toEqual(tally(KEYS.map((key) => `release:${key}`)));
    expect(await ids('ghost')).toEqual([]);
    expect(await db.get('total:1')).toMatchObject({ n: KEYS.length });
  });

  it('has exactly the checkpoints that there are stages', async () => {
    const checkpoints = await db.query({ _type: 'checkpoint' });
    expect(tally(checkpoints.map(({ _id }) => _id))).toEqual(
      tally(
        KEYS.flatMap((key) => [
          ...PATHS.map((path) => `checkpoint:run:${key}:${path}`),
          `checkpoint:run:${key}/both/left/sub:answer`,
          `checkpoint:run:${key}/both/left/sub:mark`,
          `checkpoint:run:undone-${key}:hold`,
          `checkpoint:run:undone-${key}:hold/compensate/release`,
        ]),
      ),
    );
    const done = await db.audit.query({
      kind: 'stage',
      status: { $in: ['done', 'skipped', 'continued'] },
    });
    expect(tally(done.map(({ run, path }) => `checkpoint:${run}:${path}`))).toEqual(
      tally(checkpoints.map(({ _id }) => _id).filter((id) => !/\/@/.test(id))),
    );
  });

  it('has every wait met once, and every event once', async () => {
    const waits = await db.query({ _type: 'wait' });
    expect(tally(waits.map(({ run, path, status }) => `${run} ${path} ${status}`))).toEqual(
      tally(
        KEYS.flatMap((key) => [
          `run:${key} rest/heard/hear answered`,
          `run:${key} rest/slept/sleep answered`,
        ]),
      ),
    );
    expect(await db.query({ _type: 'event' }).count()).toBe(KEYS.length);
    expect(await db.audit.query({ kind: 'wait-end' }).count()).toBe(waits.length);
  });

  it('has a session whose counters are exact', async () => {
    const calls = await db.audit.query({ kind: 'llm-call' });
    const answered = calls.filter(({ response }) => response !== undefined);
    const session = await db.get<{ state: { names: string[] } }>(SESSION);
    expect(session).toMatchObject({
      turns: 4 * KEYS.length,
      state: { answers: KEYS.length, done: KEYS.length, token_count: 10 * answered.length },
      usage: { calls: calls.length, input_tokens: 7 * answered.length },
    });
    expect(tally(session?.state.names ?? [])).toEqual(tally(KEYS));
    expect(await db.query({ _type: 'turn', session: SESSION }).count()).toBe(4 * KEYS.length);
  });

  it('says of each run what the audit trail says that it used', async () => {
    const whole = { _type: 'run', parent: { $exists: false } };
    for (const run of await db.query<RunDocument>(whole)) {
      const own = await db.audit.query({ run: run._id, kind: 'llm-call' }).count();
      const child = await db.audit
        .query({ run: `${run._id}/both/left/sub`, kind: 'llm-call' })
        .count();
      expect(run.usage?.calls).toBe(own + child);
    }
  });

  it('has a sound audit chain, and indexes that equal a full scan', async () => {
    expect(await db.audit.verify()).toMatchObject({ ok: true });
    expect((await db.check()).problems).toEqual([]);
  });
});
