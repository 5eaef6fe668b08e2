/**
 * What the sandbox costs, as ratios within one run: every pair is measured by
 * turns, in many short rounds, and compared by medians, so that a busy machine
 * slows both alike.
 *
 *     npm run bench:sandbox            a table
 *     npm run bench:sandbox -- --json  one JSON object
 *
 * Run `npm run build` first.
 */
import { parseArgs } from 'node:util';
import { budgetOf } from './budget.mjs';
import { compareAll } from './compare.mjs';
import { openIsolates } from './isolates.mjs';
import { poolRates } from './pool.mjs';
import { compareReads } from './reads.mjs';
import { openRivals } from './rivals.mjs';
import { openWorkerSide } from './worker-side.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '60' },
  },
});
const rounds = Number(options.rounds);

const DOCUMENT = {
  _id: 'pattern:42',
  _type: 'pattern',
  name: 'Observer pattern in small systems',
  tags: ['a', 'bb', 'ccc'],
  n: 41,
  score: 0.75,
  active: true,
  nested: { x: 1, y: 2, z: 'text' },
  note: 'some two hundred bytes',
};
const documents = (count) => Array.from({ length: count }, (_, n) => ({ ...DOCUMENT, n }));
const small = DOCUMENT;
const large = { ...DOCUMENT, items: documents(10) };

const ours = await openWorkerSide();
const rivals = await openRivals();
const isolates = await openIsolates();
const CODE = 'function f(doc) { return { ...doc, n: doc.n + 1 } }';
const CALLS = 'function f(count) { for (let i = 0; i < count; i++) host(); return 0 }';
const HOST_CALLS = 200;

const besideIsolates = isolates && [
  {
    name: 'clean call, 200 B',
    against: 'a context of isolated-vm',
    ours: ours.clean(CODE, small),
    theirs: isolates.isolateContext(CODE, small),
    calls: 20,
  },
  {
    name: 'warm call (reuse), 2 KB',
    against: 'a kept context of isolated-vm, copying',
    ours: ours.warm(CODE, large),
    theirs: isolates.isolateCopy(CODE, large),
    calls: 50,
  },
  {
    name: 'warm call (reuse), 2 KB',
    against: 'a kept context of isolated-vm, JSON',
    ours: ours.warm(CODE, large),
    theirs: isolates.isolateJson(CODE, large),
    calls: 50,
  },
];

const results = await compareAll(rounds, [
  {
    name: 'clean call, 200 B',
    against: 'fresh runtime and context of quickjs-emscripten',
    ours: ours.clean(CODE, small),
    theirs: rivals.wrapperFresh(CODE, small),
    calls: 50,
  },
  {
    name: 'clean call, 200 B',
    against: 'a node:vm context',
    ours: ours.clean(CODE, small),
    theirs: rivals.vmContext(CODE, small),
    calls: 50,
  },
  {
    name: 'warm call (reuse), 200 B',
    against: 'a kept context of quickjs-emscripten, JSON',
    ours: ours.warm(CODE, small),
    theirs: rivals.wrapperKept(CODE, small),
    calls: 50,
  },
  {
    name: 'warm call (reuse), 2 KB',
    against: 'a kept context of quickjs-emscripten, JSON',
    ours: ours.warm(CODE, large),
    theirs: rivals.wrapperKept(CODE, large),
    calls: 50,
  },
  {
    name: 'host call that does nothing',
    against: 'the same through quickjs-emscripten',
    ours: ours.hostCalls(CALLS, HOST_CALLS),
    theirs: rivals.wrapperHostCalls(CALLS, HOST_CALLS),
    calls: 20,
    each: HOST_CALLS,
  },
  ...(besideIsolates ?? []),
]);
const rates = await poolRates(CODE, small);
const budget = { '200 B': await budgetOf(CODE, small), '2 KB': await budgetOf(CODE, large) };
const reads = await compareReads(Math.min(rounds, 20));
rivals.close();
isolates?.close();

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
