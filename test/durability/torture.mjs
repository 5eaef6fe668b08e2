/** `npm run torture -- --rounds 200 --seed 7`: kills the main job many times, and checks what is left. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killJob } from './kill-job.mjs';
import { verifyJob } from './verify-job.mjs';

/** Each round gets at most about three questions done, so this many leave something to kill. */
const QUESTIONS_A_ROUND = 3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    store: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
  console.error('expected whole numbers: --rounds N --seed N');
  process.exit(2);
}
const directory = values.store ?? mkdtempSync(join(tmpdir(), 'jdbx-torture-'));
const rows = rounds * QUESTIONS_A_ROUND;
console.log(`${rounds} rounds over ${rows} questions, seed ${seed}, in ${directory}`);

const { outcomes, exitCode } = await killJob({ directory, rows, rounds, seed, onRound: print });
const problems = await verifyJob(directory, rows);
const idle = outcomes.filter(({ cut }) => cut.length === 0).length;
const broken = outcomes.filter(({ ok }) => !ok).length;
for (const problem of problems) console.log(`  ${problem}`);
console.log(
  `${rounds} kills, ${idle} of them with no run under way, ${broken} left a broken store; ` +
    `the last job ended with ${exitCode}; ${problems.length} problems.`,
);
if (problems.length > 0 || broken > 0 || exitCode !== 0) {
  console.log(`The store is kept in ${directory}`);
  process.exitCode = 1;
} else if (values.store === undefined) {
  rmSync(directory, { recursive: true });
}

function print({ round, moment, completed, cut, problems }) {
  const state = cut.length === 0 ? 'no run was under way' : `cut: ${cut.join(', ')}`;
  console.log(`${round}. ${moment}: ${completed} runs completed; ${state}`);
  for (const problem of problems) console.log(`   ${problem}`);
}
