/**
 * A thousand streams at once, each a run of its own through pool, budget and durable commits,
 * for as long as is asked: what the process holds must not grow with time. Ends with 1 when
 * it does, or when a run failed.
 *
 *     npm run torture:streams -- --seconds 600 [--streams 1000] [--json]
 *
 * Memory is what the process has of its own (`RssAnon`; the store's mapped file comes and goes
 * with the kernel's cache), read after a full collection. The first third of the time is for
 * caches and pools to fill; then the median of the last third of the samples may lie above that
 * of the third before by no more than a twentieth and 8 MiB.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { open } from '../../dist/index.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    streams: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const streams = Number(options.streams);
/** A stream lasts about twelve seconds: 60 pieces, 200 ms apart. */
const PACE = { chunks: 60, every_ms: 200 };
const GROWTH_SHARE_MAX = 0.05;
const GROWTH_BYTES_MAX = 8 * 2 ** 20;

const directory = mkdtempSync(join(tmpdir(), 'jdbx-streams-'));
const server = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), { execArgv: [] });
const port = await new Promise((resolve) => server.once('message', resolve));
try {
  process.exitCode = await torture();
} finally {
  server.disconnect();
  rmSync(directory, { recursive: true, force: true });
}

async function torture() {
  const db = await open(directory, {
    env: {},
    workers: 1,
    cacheBytes: 4 * 2 ** 20,
    retentionIntervalMs: 5_000,
  });
  await db.put([
    {
      _id: 'pool:p',
      _type: 'resource_pool',
      queue_max: 10_000,
      resources: [
        {
          id: 'one',
          provider: 'openai',
          endpoint: `http://127.0.0.1:${port}/v1`,
          model: 'bench',
          concurrency: streams,
        },
      ],
    },
    // What was done goes, as a server's would: else its index entries are what grows.
    ...['run', 'checkpoint', 'audit'].map((type) => ({
      _id: `retention:${type}`,
      _type: 'retention',
      type,
      documents: { newest: 4 * streams },
    })),
    { _id: 'budget:b', _type: 'budget', limits: { tokens: 1e15 } },
    {
      _id: 'pipeline:stream',
      _type: 'pipeline',
      budget: 'budget:b',
      stages: [{ name: 'ask', integration: 'pool:p', stream: true, params: PACE }],
    },
  ]);
  let pieces = 0;
  db.events.on('model-event', () => pieces++);
  const until = performance.now() + seconds * 1_000;
  const samples = [];
  const sampling = setInterval(() => samples.push(sample(db, until)), 2_000);
  let runs = 0;
  const work = async (n) => {
    // Not all in one step: they are to be at different places of their answers.
    await new Promise((resolve) => setTimeout(resolve, (n / streams) * 10_000));
    while (performance.now() < until) {
      await db.run('pipeline:stream', `Go on, ${n}.`);
      runs++;
    }
  };
  const done = await Promise.allSettled(Array.from({ length: streams }, (_, n) => work(n)));
  clearInterval(sampling);
  const failed = done.filter(({ status }) => status === 'rejected');
  const budget = await db.get('budget:b');
  await db.close();
  return report({ runs, pieces, failed, samples, spent: budget.spent });
}

function sample(db, until) {
  globalThis.gc();
  const s = Math.round(seconds - (until - performance.now()) / 1_000);
  return { s, bytes: ownBytes(), heap: process.memoryUsage().heapUsed, seq: db.seq };
}

/** Where the system does not tell them apart, the mapped file counts too. */
function ownBytes() {
  try {
    const [, kib] = /RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kib) * 1_024;
  } catch {
    return process.memoryUsage().rss;
  }
}

function report({ runs, pieces, failed, samples, spent }) {
  const inTime = samples.filter(({ s }) => s <= seconds);
  const third = Math.floor(inTime.length / 3);
  const middle = inTime.slice(third, 2 * third);
  const last = inTime.slice(2 * third);
  const [before, after] = [middle, last].map((part) => median(part.map(({ bytes }) => bytes)));
  const commits = last.at(-1).seq - middle[0].seq;
  const allowed = before * GROWTH_SHARE_MAX + GROWTH_BYTES_MAX;
  const isFlat = after - before <= allowed;
  const mib = (bytes) => Math.round(bytes / 2 ** 18) / 4;
  const figures = {
    seconds,
    streams,
    runs,
    pieces,
    commits,
    calls: spent?.calls,
    failed: failed.length,
    middle_mib: mib(before),
    last_mib: mib(after),
    allowed_growth_mib: mib(allowed),
    samples_mib: inTime.map(({ s, bytes, heap }) => [s, mib(bytes), mib(heap)]),
  };
  if (options.json) console.log(JSON.stringify(figures));
  else {
    const { samples_mib, ...rest } = figures;
    console.table(rest);
    console.log(`second, MiB, heap: ${samples_mib.map((each) => each.join('/')).join(' ')}`);
  }
  for (const { reason } of failed.slice(0, 3)) console.error(reason);
  if (!isFlat) console.error('expected memory to stay, it grew');
  const isSound = failed.length === 0 && runs === spent?.calls && third > 0;
  return isFlat && isSound ? 0 : 1;
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
