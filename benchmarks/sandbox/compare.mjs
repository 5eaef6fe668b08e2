import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TRIALS } from './trials.mjs';

const SIDE = fileURLToPath(new URL('./side.mjs', import.meta.url));
/** The engines' compilers take a while to finish: microseconds of processor time for each side. */
const WARM_UP_US = 800_000;

/** Measures all trials, the two sides of each by turns. */
export async function compareAll(rounds) {
  const results = [];
  for (const index of TRIALS.keys()) results.push(await compare(rounds, index));
  return results.filter((result) => result !== undefined);
}

async function compare(rounds, index) {
  const { name, against, calls, each = 1 } = TRIALS[index];
  const sides = ['ours', 'theirs'].map((which) => fork(SIDE, [`${index}`, which]));
  try {
    const [oursIs, theirsIs] = await Promise.all(sides.map(answerOf));
    if (!(oursIs && theirsIs)) return undefined;
    for (const side of sides) await warmUp(side, calls);
    const [oursUs, theirsUs] = (await takeTurns(sides, rounds, calls)).map((us) => us / each);
    return { name, against, oursUs, theirsUs, ratio: theirsUs / oursUs };
  } finally {
    for (const side of sides) side.kill();
  }
}

async function warmUp(side, calls) {
  for (let spent = 0; spent < WARM_UP_US; ) spent += calls * (await turnOf(side, calls));
}

/** The median of each side. */
async function takeTurns(sides, rounds, calls) {
  const times = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) times[at].push(await turnOf(side, calls));
  }
  return times.map(median);
}

function turnOf(side, calls) {
  side.send(calls);
  return answerOf(side);
}

/** @throws {Error} when the side ends instead */
function answerOf(side) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`a side of a trial ended with ${code}`));
    side.once('exit', onExit);
    side.once('message', (answer) => {
      side.off('exit', onExit);
      resolve(answer);
    });
  });
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
