import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TRIALS } from './trials.mjs';

const SIDE = fileURLToPath(new URL('./side.mjs', import.meta.url));
/** The engines' compilers take a while to finish: microseconds of processor time for each side. */
const WARM_UP_US = 800_000;
const WARM_UP_CALLS = 20;
/** As long is a turn: each finds the machine's caches full of the other's, and soon of its own. */
const TURN_US = 30_000;

/** Measures all trials, the two sides of each by turns. */
export async function compareAll(rounds) {
  const results = [];
  for (const index of TRIALS.keys()) results.push(await compare(rounds, index));
  return results.filter((result) => result !== undefined);
}

async function compare(rounds, index) {
  const { name, against, each = 1 } = TRIALS[index];
  const sides = ['ours', 'theirs'].map((which) => fork(SIDE, [`${index}`, which]));
  try {
    const [oursIs, theirsIs] = await Promise.all(sides.map(answerOf));
    if (!(oursIs && theirsIs)) return undefined;
    const calls = [];
    for (const side of sides) calls.push(await warmUp(side));
    const times = await takeTurns(sides, calls, rounds);
    const [oursUs, theirsUs] = times.map((us) => us / each);
    return { name, against, oursUs, theirsUs, ratio: theirsUs / oursUs };
  } finally {
    for (const side of sides) side.kill();
  }
}

/** Gives how many calls one turn has. */
async function warmUp(side) {
  let us = WARM_UP_US;
  for (let spent = 0; spent < WARM_UP_US; ) {
    us = await turnOf(side, WARM_UP_CALLS);
    spent += WARM_UP_CALLS * us;
  }
  return Math.ceil(TURN_US / us);
}

/** The median of each side. */
async function takeTurns(sides, calls, rounds) {
  const times = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) times[at].push(await turnOf(side, calls[at]));
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
