/**
 * What a call of a model costs here, beside undici alone, the official client and the Vercel
 * AI SDK, against one server on loopback. Each way is a process of its own, since in one process each
 * paid for the other's garbage; they are warmed up, take turns in short rounds, and medians are compared.
 *
 *     npm run bench:llm                   a table
 *     npm run bench:llm -- --json         one JSON object
 *     npm run bench:llm -- --only jdbx    the ways whose name has it, and undici
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

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '20' },
    calls: { type: 'string', default: '500' },
    'warm-up': { type: 'string', default: '6000' },
  },
});
const rounds = Number(options.rounds);
const calls = Number(options.calls);
/** Of one kind, before the first round: until then the engine's compiler is what is measured. */
const warmUp = Number(options['warm-up']);
const FLOOR = 'undici';
const WAYS = [FLOOR, 'jdbx, whole road', 'jdbx, stage alone', 'openai SDK', 'AI SDK'].filter(
  (name) => name === FLOOR || name.includes(options.only),
);
const KINDS = ['json', 'stream'];
const CONCURRENCY = 8;

installRivals();
const server = fork(beside('server.mjs'));
const url = `http://127.0.0.1:${await answerOf(server)}`;
const directory = mkdtempSync(join(tmpdir(), 'jdbx-bench-llm-'));
try {
  report((await compare()).map(figuresOf));
} finally {
  server.disconnect();
  rmSync(directory, { recursive: true, force: true });
}

async function compare() {
  const sides = [];
  for (const name of WAYS) sides.push(await openSide(name));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await takeTurn(side);
  }
  for (const { child } of sides) await told(child, { measure: 'close' });
  for (const { child } of sides) child.disconnect();
  return sides;
}

async function openSide(name) {
  const child = fork(beside('side.mjs'), [name, url, join(directory, name)]);
  await answerOf(child);
  for (const kind of KINDS) {
    console.error(`warming up: ${name}, ${kind}`);
    await told(child, { measure: 'cpuOf', kind, calls: warmUp, concurrency: CONCURRENCY });
  }
  return { name, child, json: [], stream: [], first: [] };
}

async function takeTurn(side) {
  for (const kind of KINDS) {
    const order = { measure: 'cpuOf', kind, calls, concurrency: CONCURRENCY };
    side[kind].push(await told(side.child, order));
  }
  side.first.push(median(await told(side.child, { measure: 'firstChunk', calls: 25 })));
}

function told(child, order) {
  child.send(order);
  return answerOf(child);
}

/** @throws {Error} when the process ends instead */
function answerOf(child) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`${child.spawnargs[2]} ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer);
    });
  });
}

function figuresOf({ name, json, stream, first }) {
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
  const floor = figures.find(({ name }) => name === FLOOR);
  const all = figures.map((each) => ({
    ...each,
    json_cpu_over: round(each.json_cpu_ms - floor.json_cpu_ms),
    stream_cpu_over: round(each.stream_cpu_ms - floor.stream_cpu_ms),
    first_chunk_over: round(each.first_chunk_ms - floor.first_chunk_ms),
  }));
  if (options.json) return console.log(JSON.stringify({ rounds, calls, figures: all }));
  console.log(
    `${rounds} rounds of ${calls} calls, ${CONCURRENCY} at a time; milliseconds per call, medians`,
  );
  console.table(Object.fromEntries(all.map(({ name, ...rest }) => [name, rest])));
}

function beside(file) {
  return fileURLToPath(new URL(file, import.meta.url));
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function round(number) {
  return Math.round(number * 1_000) / 1_000;
}
