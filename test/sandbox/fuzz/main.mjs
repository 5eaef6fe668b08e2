/**
 * Runs random guest programs with random host calls against the sandbox:
 *
 *     npm run fuzz:sandbox -- --seconds 60 --seed 1
 *     npm run fuzz:sandbox -- --seed 1 --show 17     prints program 17 of seed 1
 *
 * Ends with 1 and the least program that it can find when one breaks a rule.
 */
import { parseArgs } from 'node:util';
import { fuzz, trialOf } from './fuzz.mjs';
import { sourceOf } from './grammar.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    show: { type: 'string' },
  },
});
const seed = Number(values.seed);
if (values.show !== undefined) {
  console.log(sourceOf(trialOf(seed, Number(values.show)).program));
  process.exit();
}

let reportedAt = performance.now();
function onProgress(state) {
  if (performance.now() - reportedAt < 10_000) return;
  reportedAt = performance.now();
  console.log(line(state));
}

function line({ programs, codes, worstMs, late, rssMb }) {
  return JSON.stringify({
    seed,
    programs,
    worstMs: Math.round(worstMs),
    late,
    rssMb: rssMb.at(-1),
    codes,
  });
}

const state = await fuzz({ seed, seconds: Number(values.seconds), onProgress });
console.log(line(state));
if (state.failure) {
  const { index, fault, code, trial } = state.failure;
  console.log(`FAILED: program ${index} of seed ${seed} ${fault}`);
  if (code) console.log(`${JSON.stringify({ args: trial.args, limits: trial.limits })}\n${code}`);
  process.exitCode = 1;
}
