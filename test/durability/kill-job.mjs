import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { open } from 'jdbx';
import { seededRandom } from '#jdbx/torture/seeded-random.js';

const CHILD = fileURLToPath(new URL('job-child.mjs', import.meta.url));

export const STAGES = ['prompt', 'solution', 'answer', 'grade'];

/** What is killed: this many questions for each of the models, this many runs at once. */
export const JOB = { concurrency: 6, delayMs: 100 };

/**
 * Starts the job on one store, `rounds` times, to be killed, then lets it end.
 *
 * Half of the kills come a random time after the store was opened, the other half at a
 * random edge of a stage, so that short stages are cut as well as the long one. After
 * each kill the store is opened without resuming, checked, and asked what was cut.
 */
export async function killJob({ directory, rows, rounds, seed, onRound = () => {} }) {
  const random = seededRandom(seed);
  const outcomes = [];
  for (let round = 1; round <= rounds; round++) {
    const moment = chooseMoment(random, round);
    const { signal } = await runJob(directory, rows, moment);
    const finished = signal === null;
    const outcome = { round, moment: moment.join(), finished, ...(await inspect(directory)) };
    outcomes.push(outcome);
    onRound(outcome);
  }
  return { outcomes, exitCode: (await runJob(directory, rows)).exitCode };
}

/** @returns an edge, how often it is passed, and milliseconds from then on */
function chooseMoment(random, round) {
  if (round % 2 === 0) return ['open', 1, 5 + Math.floor(random() * 396)];
  const stage = STAGES[Math.floor(random() * STAGES.length)];
  const edge = `${stage} ${random() < 0.5 ? 'starts' : 'ends'}`;
  const times = 1 + Math.floor(random() * 12);
  return [edge, times, Math.floor(random() * 5)];
}

async function runJob(directory, rows, moment = []) {
  const args = [CHILD, directory, rows, JOB.concurrency, JOB.delayMs, ...moment].map(String);
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const [exitCode, signal] = await once(child, 'exit');
  return { exitCode, signal };
}

/** The store as the kill left it: whether it is whole, and which stages were cut. */
async function inspect(directory) {
  const store = await open(directory, { resume: false });
  try {
    const { ok, problems } = await store.check();
    const unfinished = await store.query({ _type: 'run', status: 'running' });
    const done = await store.query({ _type: 'run', status: 'completed' }).count();
    const cut = await Promise.all(unfinished.map(({ _id }) => nextStage(store, _id)));
    return { ok, problems, completed: done, cut: cut.toSorted() };
  } finally {
    await store.close();
  }
}

async function nextStage(store, run) {
  const checkpoints = await store.query({ _type: 'checkpoint', run });
  const done = new Set(checkpoints.map(({ path }) => path));
  return STAGES.find((stage) => !done.has(stage)) ?? 'the end';
}
