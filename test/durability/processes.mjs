/** `npm run torture:processes -- --seconds 60 --processes 3 --seed 7`: random work of several processes on one store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProcesses } from './processes-round.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    processes: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [seconds, processes, seed] = [values.seconds, values.processes, values.seed].map(Number);
if (!(seconds > 0) || !Number.isSafeInteger(processes) || !Number.isSafeInteger(seed)) {
  console.error('expected numbers: --seconds N --processes N --seed N');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'jdbx-processes-'));
console.log(`${processes} processes for ${seconds} s, seed ${seed}, in ${directory}`);
const { kills, stops, commits, problems } = await runProcesses({
  directory,
  seconds,
  processes,
  seed,
});
for (const problem of problems) console.log(`  ${problem}`);
console.log(
  `${commits} acknowledged changes, ${kills} kills, ${stops} stops; ${problems.length} problems.`,
);
if (problems.length > 0) {
  console.log(`The store is kept in ${directory}`);
  process.exitCode = 1;
} else rmSync(directory, { recursive: true });
