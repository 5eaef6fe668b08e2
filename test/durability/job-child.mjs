/**
 * The job that is killed: `node job-child.mjs STORE ROWS CONCURRENCY DELAY_MS [EDGE TIMES MS]`.
 * It has itself killed so long after an edge of a stage, such as `answer ends`, was passed so
 * often, or after the store was open: `open`.
 */
import { open } from 'jdbx';
import { runJob } from '../../examples/gsm8k/job.mjs';
import { killedAfter } from '../support/killed-after.mjs';
import { jobRows } from './job-rows.mjs';

const [directory, rows, concurrency, delayMs, edge, times, ms] = process.argv.slice(2);
const count = edge ? await killedAfter(Number(times), Number(ms)) : () => {};
const pass = (at) => at === edge && count();
const store = await open(directory);
store.events.on('stage-start', ({ path }) => pass(`${path} starts`));
store.events.on('stage-end', ({ path }) => pass(`${path} ends`));
pass('open');
const { failures } = await runJob({
  store,
  data: await jobRows(Number(rows)),
  concurrency: Number(concurrency),
  delayMs: Number(delayMs),
});
for (const { message } of failures) console.error(message);
await store.close();
process.exitCode = failures.length === 0 ? 0 : 1;
