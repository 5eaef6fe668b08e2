import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { open } from 'jdbx';
import { seededRandom } from '#jdbx/torture/seeded-random.js';

const CHILD = fileURLToPath(new URL('job-child.mjs', import.meta.url));

export const STAGES = ['prompt', 'solution', 'answer', 'grade'];

/** What is killed: this many questions for each of the models, this many runs at once. */
export const JOB = { concurrency: 6, delayMs: 100 };

/**
 * Starts the job on one store and kills it, `rounds` times, then lets it end.
 *
 * Half of the kills come a random time after the store was opened, the other half at a
 * random edge of a stage, so that short stages are cut as well as the long one. After
 * each kill the store is opened without resuming, checked, and asked what was cut.
 */
export async function killJob({ directory, rows, rounds, seed, onRound = () => {} }) {
  const random = seededRandom(seed);
  const outcomes = [];
  for (let round = 1; round <= rounds; round++) {
    const job = startJob(directory, rows);
    const moment = chooseMoment(random, round);
    await job.until((line) => line === 'open');
    await Promise.race([moment.comes(job), job.ended]);
    job.kill();
    const { finished } = await job.ended;
    const outcome = { round, moment: moment.name, finished, ...(await inspect(directory)) };
    outcomes.push(outcome);
    onRound(outcome);
  }
  const last = startJob(directory, rows);
  return { outcomes, exitCode: (await last.ended).exitCode };
}

function chooseMoment(random, round) {
  if (round % 2 === 0) {
    const ms = 5 + Math.floor(random() * 396);
    return { name: `${ms} ms after opening`, comes: () => sleep(ms) };
  }
  const stage = STAGES[Math.floor(random() * STAGES.length)];
  const edge = `${stage} ${random() < 0.5 ? 'starts' : 'ends'}`;
  const times = 1 + Math.floor(random() * 12);
  const jitterMs = Math.floor(random() * 5);
  const comes = async (job) => {
    let left = times;
    await job.until((line) => line === edge && --left === 0);
    await sleep(jitterMs);
  };
  return { name: `${jitterMs} ms after "${edge}" number ${times}`, comes };
}

/** A child under way: its lines, its end, and the way to kill it. */
function startJob(directory, rows) {
  const args = [CHILD, directory, rows, JOB.concurrency, JOB.delayMs].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  let finished = false;
  lines.on('line', (line) => {
    finished ||= line === 'done';
  });
  const ended = new Promise((resolve) => {
    child.on('close', (exitCode) => resolve({ exitCode, finished }));
  });
  const until = (wanted) =>
    new Promise((resolve) => {
      const look = (line) => {
        if (!wanted(line)) return;
        lines.off('line', look);
        resolve();
      };
      lines.on('line', look);
      ended.then(resolve);
    });
  return { ended, until, kill: () => child.kill('SIGKILL') };
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
