/** What many runs on a slow model cost, and how soon a store goes on that was killed with them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'jdbx';

const LATENCY_MS = 1_000;
const CHILD = new URL('flight-child.mjs', import.meta.url).pathname;

/** Runs in flight at once, and none answered before all are; then others, so many a second. */
export async function flight({ directory }, { runs = 10_000, pace = 200, paced = 1_000 } = {}) {
  const server = await startModel(runs);
  const db = await openWith(directory, server.url);
  await db.run('pipeline:nothing');
  globalThis.gc?.();
  const before = memory();
  const startedAt = performance.now();
  const all = Array.from({ length: runs }, (_, at) => db.run('pipeline:ask', { at }));
  await server.heard();
  globalThis.gc?.();
  const during = memory();
  const done = await Promise.all(all);
  const seconds = (performance.now() - startedAt) / 1_000;
  const added = await pacedRuns(db, pace, paced);
  await db.close();
  server.stop();
  return {
    finished: done.filter(({ status }) => status === 'completed').length,
    seconds,
    heapBytesARun: (during.heap - before.heap) / runs,
    residentBytesARun: (during.resident - before.resident) / runs,
    addedP50Ms: percentile(added, 0.5),
    addedP99Ms: percentile(added, 0.99),
  };
}

/** What each run takes longer than its model. */
async function pacedRuns(db, pace, count) {
  const startedAt = performance.now();
  const runs = [];
  for (let at = 0; at < count; at++) {
    const left = startedAt + (at * 1_000) / pace - performance.now();
    if (left > 0) await sleep(left);
    const begun = performance.now();
    runs.push(db.run('pipeline:ask', { at }).then(() => performance.now() - begun - LATENCY_MS));
  }
  return Promise.all(runs);
}

/** From opening a store until every run that a killed process had left has called its model again. */
export async function resume({ directory }, { runs = 1_000 } = {}) {
  // The runs are pinned to the integration: the same server hears them again.
  const server = await startModel(2 * runs, runs);
  const child = fork(CHILD, [directory, server.url, String(runs)]);
  await server.heard();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const startedAt = performance.now();
  const db = await open(directory, { env: {} });
  const openMs = performance.now() - startedAt;
  await server.heard();
  const startedMs = performance.now() - startedAt;
  await db.settled();
  const resumed = await db.query({ _type: 'run', status: 'completed' }).count();
  await db.close();
  server.stop();
  return { resumed, openMs, startedMs };
}

export async function openWith(directory, endpoint, options = {}) {
  const db = await open(directory, { env: {}, ...options });
  const integration = { _id: 'integration:slow', _type: 'integration', provider: 'openai' };
  await db.put([
    { ...integration, endpoint, model: 'm', timeout_ms: 300_000 },
    { _id: 'transformer:nothing', _type: 'transformer', code: 'function f() { return null; }' },
    {
      _id: 'pipeline:nothing',
      _type: 'pipeline',
      stages: [{ name: 'nothing', transformer: 'transformer:nothing' }],
    },
    {
      _id: 'pipeline:ask',
      _type: 'pipeline',
      stages: [{ name: 'ask', integration: 'integration:slow', inputs: 'Well?' }],
    },
  ]);
  return db;
}

/** A model in a process of its own; `heard` waits until so many more calls have come. */
async function startModel(hold, tell = hold) {
  const file = new URL('models-server.mjs', import.meta.url).pathname;
  const child = fork(file, [String(hold), String(tell)]);
  const [{ port }] = await once(child, 'message');
  const heard = () => once(child, 'message');
  return { url: `http://127.0.0.1:${port}/v1`, heard, stop: () => child.kill() };
}

function memory() {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + external };
}

function percentile(numbers, share) {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
