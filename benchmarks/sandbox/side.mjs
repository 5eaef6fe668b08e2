/** One side of a trial in a process of its own: takes a turn of so many calls when it is told to. */
import { openSide, TRIALS } from './trials.mjs';

const [index, which] = process.argv.slice(2);
const run = await openSide(TRIALS[Number(index)], which);

process.on('message', async (calls) => process.send(await timeOf(calls)));
process.send(run !== undefined);

/**
 * Microseconds of one call: of this process's work, since on a shared machine the clock on the wall
 * measures the neighbours.
 */
async function timeOf(calls) {
  const begun = process.cpuUsage();
  for (let call = 0; call < calls; call++) await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / calls;
}
