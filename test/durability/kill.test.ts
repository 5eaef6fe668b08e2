/**
 * The promise of the whole: a job that is killed at any moment, and started again, ends as
 * if nothing had happened. The job is the example's, in a child process of its own; it is
 * ended by SIGKILL at seeded random moments. `npm run torture` does so with pipelines of every kind of stage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
// @ts-expect-error: plain JavaScript, shared with the script that runs for longer
import { killJob, STAGES } from './kill-job.mjs';
// @ts-expect-error: the same
import { verifyJob } from './verify-job.mjs';

interface Outcome {
  readonly ok: boolean;
  readonly finished: boolean;
  readonly problems: readonly string[];
  readonly completed: number;
  readonly cut: readonly string[];
}

const ROUNDS = 26;
const QUESTIONS = 75;
const directory = mkdtempSync(join(tmpdir(), 'jdbx-kill-'));

describe(`the main job, killed ${ROUNDS} times`, () => {
  let outcomes: readonly Outcome[];
  let exitCode: number;

  beforeAll(async () => {
    const job = { directory, rows: QUESTIONS, rounds: ROUNDS, seed: 20_240_615 };
    ({ outcomes, exitCode } = await killJob(job));
  }, 180_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('was under way when it was killed, at every stage', () => {
    const hits = outcomes.filter(({ cut, finished }) => cut.length > 0 && !finished);
    expect(hits.length).toBeGreaterThanOrEqual(25);
    const cut = new Set(hits.flatMap((outcome) => outcome.cut));
    expect([...cut]).toEqual(expect.arrayContaining(STAGES));
  });

  it('leaves a whole store after each kill: documents, indexes, log and audit chain', () => {
    expect(outcomes.flatMap(({ problems }) => problems)).toEqual([]);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
  });

  it('loses no run that was completed', () => {
    const completed = outcomes.map((outcome) => outcome.completed);
    expect(completed).toEqual(completed.toSorted((left, right) => left - right));
  });

  it('ends, when it is left alone, with every effect exactly once', async () => {
    expect(exitCode).toBe(0);
    expect(await verifyJob(directory, QUESTIONS)).toEqual([]);
  });

  it('went on with runs that a killed process had begun', async () => {
    const store = await open(directory, { resume: false });
    const resumed = await store.audit.query({ kind: 'run-resume' }).count();
    await store.close();
    expect(resumed).toBeGreaterThanOrEqual(25);
  });

  it('would have been caught missing something', async () => {
    const problems: string[] = await verifyJob(directory, QUESTIONS + 1);
    for (const what of ['grades', 'checkpoints', 'completed runs', 'stage records']) {
      expect(problems).toContainEqual(expect.stringMatching(`^${what}: .* is missing$`));
    }
  });
});
