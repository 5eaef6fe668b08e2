/**
 * The job that is killed: `node job-child.mjs STORE ROWS CONCURRENCY DELAY_MS`. It prints
 * a line when it has opened the store, one at every edge of a stage, and one at its end.
 */
import { writeSync } from 'node:fs';
import { open } from 'jdbx';
import { runJob } from '../../examples/gsm8k/job.mjs';
import { jobRows } from './job-rows.mjs';

const [directory, rows, concurrency, delayMs] = process.argv.slice(2);
const store = await open(directory);
// Written at once: what the parent has read of a child is then never ahead of what it did.
const say = (line) => writeSync(1, `${line}\n`);
store.events.on('stage-start', ({ path }) => say(`${path} starts`));
store.events.on('stage-end', ({ path }) => say(`${path} ends`));
say('open');
const { failures } = await runJob({
  store,
  data: await jobRows(Number(rows)),
  concurrency: Number(concurrency),
  delayMs: Number(delayMs),
});
for (const { message } of failures) console.error(message);
await store.close();
say('done');
process.exitCode = failures.length === 0 ? 0 : 1;
