/**
 * What a call of a model costs here, beside undici alone, the official client and the Vercel
 * AI SDK, against one server on loopback. The ways take turns in short rounds, and medians are
 * compared.
 *
 *     npm run bench:llm                   a table
 *     npm run bench:llm -- --json         one JSON object
 *
 * Run `npm run build` first.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installRivals } from '../rivals/install.mjs';
import { aiSdk, bare, jdbx, openaiSdk } from './callers.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '8' },
    calls: { type: 'string', default: '150' },
  },
});
const rounds = Number(options.rounds);
const count = Number(options.calls);
const CONCURRENCY = 8;
/** Calls of each kind that are made before the first round. */
const WARM_UP = 500;

installRivals();
const server = fork(fileURLToPath(new URL('server.mjs', import.meta.url)));
const port = await new Promise((resolve) => server.once('message', resolve));
const url = `http://127.0.0.1:${port}`;
const directory = mkdtempSync(join(tmpdir(), 'jdbx-bench-llm-'));
try {
  await compare();
} finally {
  server.disconnect();
  rmSync(directory, { recursive: true, force: true });
}

async function compare() {
  const ways = {
    undici: bare(url),
    'jdbx, whole road': await jdbx(url, join(directory, 'store')),
    'jdbx, stage alone': await jdbx(url, join(directory, 'plain'), { plain: true }),
    'openai SDK': openaiSdk(url),
    'AI SDK': await aiSdk(url),
  };
  const samples = Object.fromEntries(
    Object.keys(ways).map((name) => [name, { json: [], stream: [], first: [] }]),
  );
  // Long enough for the compiler to have seen each way.
  for (const way of Object.values(ways)) {
    await way.json(WARM_UP, CONCURRENCY);
    await way.stream(WARM_UP, CONCURRENCY);
  }
  for (let round = -1; round < rounds; round++) {
    const names = Object.keys(ways);
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      for (const kind of ['json', 'stream']) {
        const sample = await sampleOf(ways[name][kind]);
        if (round >= 0) samples[name][kind].push(sample);
      }
      const first = await firstChunk(ways[name].stream);
      if (round >= 0) samples[name].first.push(first);
    }
  }
  for (const way of Object.values(ways)) await way.close();
  report(Object.entries(samples).map(([name, sample]) => figuresOf(name, sample)));
}

/** CPU of all threads, user and system, and time, per call in milliseconds. */
async function sampleOf(call) {
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
  await call(count, CONCURRENCY);
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1_000 / count, ms: (performance.now() - startedAt) / count };
}

/** The median time to the first piece of a stream, one call at a time. */
async function firstChunk(call) {
  const times = [];
  await call(25, 1, (ms) => times.push(ms));
  return median(times);
}

function figuresOf(name, { json, stream, first }) {
  const pick = (samples, field) => round(median(samples.map((sample) => sample[field])));
  return {
    name,
    json_cpu_ms: pick(json, 'cpu'),
    json_ms: pick(json, 'ms'),
    stream_cpu_ms: pick(stream, 'cpu'),
    stream_ms: pick(stream, 'ms'),
    first_chunk_ms: round(median(first)),
  };
}

function report(figures) {
  const floor = figures.find(({ name }) => name === 'undici');
  const all = figures.map((each) => ({
    ...each,
    json_cpu_over: round(each.json_cpu_ms - floor.json_cpu_ms),
    stream_cpu_over: round(each.stream_cpu_ms - floor.stream_cpu_ms),
    first_chunk_over: round(each.first_chunk_ms - floor.first_chunk_ms),
  }));
  if (options.json) return console.log(JSON.stringify({ rounds, calls: count, figures: all }));
  console.log(
    `${rounds} rounds of ${count} calls, ${CONCURRENCY} at a time; milliseconds per call, medians`,
  );
  console.table(Object.fromEntries(all.map(({ name, ...rest }) => [name, rest])));
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function round(number) {
  return Math.round(number * 1_000) / 1_000;
}
