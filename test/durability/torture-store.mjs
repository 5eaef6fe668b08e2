/**
 * `npm run torture:store -- --rounds 300 --seed 7`: kills a process that writes into a store
 * that often, and checks what is left each time; then `--power 50` losses of power.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killStore } from './kill-store.mjs';
import { losePower } from './lose-power.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    power: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [rounds, power, seed] = [values.rounds, values.power, values.seed].map(Number);
if (![rounds, power, seed].every((count) => Number.isSafeInteger(count) && count >= 0)) {
  console.error('expected whole numbers: --rounds N --power N --seed N');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'jdbx-torture-store-'));
console.log(`${rounds} kills and ${power} losses of power, seed ${seed}, in ${directory}`);

const killed = await killStore({ directory, rounds, seed, onRound: print });
const { kills, acknowledged, torn, backups, partial } = killed;
console.log(
  `${kills} kills: ${acknowledged} commits acknowledged, ${torn} were under way, ` +
    `${backups} backups opened, ${partial} cut short; ${killed.problems.length} problems.`,
);
const lost = await losePower({ directory: join(directory, 'power'), rounds: power, seed });
console.log(
  lost.skipped ??
    `${lost.rounds} losses of power: ${lost.acknowledged} commits acknowledged, ` +
      `${lost.dropped} writes dropped, ${lost.torn} torn; ${lost.problems.length} problems.`,
);
const problems = [...killed.problems, ...(lost.problems ?? [])];
for (const problem of problems) console.log(`  ${problem}`);
if (problems.length > 0) {
  console.log(`What is left is kept in ${directory}`);
  process.exitCode = 1;
} else rmSync(directory, { recursive: true });

function print({ round, waitMs, acknowledged, open, backups, problems }) {
  console.log(
    `${round}. after ${waitMs.toFixed(0)} ms: ${acknowledged} acknowledged, ${open} open, ${backups} backups`,
  );
  for (const problem of problems) console.log(`   ${problem}`);
}
