/**
 * What the sandbox costs, as ratios within one run: the two of every pair are
 * processes of their own, so that neither pays for the other's garbage, take
 * turns in many short rounds, and are compared by medians, so that a busy
 * machine slows both alike.
 *
 *     npm run bench:sandbox            a table
 *     npm run bench:sandbox -- --json  one JSON object
 *
 * Run `npm run build` first.
 */
import { parseArgs } from 'node:util';
import { budgetOf } from './budget.mjs';
import { compareAll } from './compare.mjs';
import { poolRates } from './pool.mjs';
import { compareReads } from './reads.mjs';
import { CODE, LARGE, SMALL } from './trials.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '60' },
  },
});
const rounds = Number(options.rounds);

const results = await compareAll(rounds);
const rates = await poolRates(CODE, SMALL);
const budget = { '200 B': await budgetOf(CODE, SMALL), '2 KB': await budgetOf(CODE, LARGE) };
const reads = await compareReads(Math.min(rounds, 20));

if (options.json)
  console.log(JSON.stringify({ rounds, results, pool: rates, reads, budget }, null, 2));
else {
  for (const { name, against, oursUs, theirsUs, ratio } of results) {
    const times = `${oursUs.toFixed(1)} µs against ${theirsUs.toFixed(1)} µs`;
    console.log(`${ratio.toFixed(1).padStart(7)}×  ${name}: ${times}, ${against}`);
  }
  for (const [size, parts] of Object.entries(budget)) {
    const told = Object.entries(parts).map(([name, us]) => `${us.toFixed(1)} ${name}`);
    console.log(`a clean call of ${size}, µs: ${told.join(', ')}`);
  }
  for (const { name, nearUs, farUs, ratio } of reads.results) {
    const times = `${nearUs.toFixed(1)} µs against ${farUs.toFixed(1)} µs`;
    console.log(`${ratio.toFixed(1).padStart(7)}×  ${name}: ${times}, through the caller's thread`);
  }
  for (const { workers, reuse, callsPerSecond } of rates) {
    const kind = reuse ? 'warm' : 'clean';
    console.log(
      `${Math.round(callsPerSecond)} ${kind} calls a second through ${workers} worker(s)`,
    );
  }
}
