/**
 * `npm run bench:open`: how long a store takes until it answers an indexed query, by the
 * number of its documents: with saved indexes, with changes since the save, and without.
 *
 *   npm run bench:open -- [--documents 100000,1000000] [--rounds 5] [--dir DIR] [--json]
 *
 * Each opening is a fresh process; loading the program is not counted, the first query is.
 * The files are in the system's cache, where writing them left them.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { open } from '../dist/index.js';
import { CALL_INDEXES, callBatches, makeCall } from './llm-calls.mjs';
import { median } from './measure.mjs';

const SELF = fileURLToPath(import.meta.url);
const TAIL = 10_000;
/** Saves nothing more: what is on disk stays as the step before left it. */
const KEEP = { resume: false, saveIndexesAfter: Number.MAX_SAFE_INTEGER };

const STEPS = {
  async fill(directory, documents) {
    const db = await open(directory);
    for (const index of CALL_INDEXES) await db.insert(index);
    for (const batch of callBatches(0, documents, 2_000)) await db.insert(batch);
    await db.close();
  },
  async change(directory, documents) {
    const db = await open(directory, KEEP);
    const step = Math.floor(documents / TAIL);
    for (let from = 0; from < TAIL; from += 100) {
      const calls = Array.from({ length: 100 }, (_, at) => changed((from + at) * step));
      await db.put(calls);
    }
    await db.close();
  },
  async open(directory, documents) {
    const started = performance.now();
    const db = await open(directory, KEEP);
    const opened = performance.now();
    const session = makeCall(documents - 1).session_id;
    const found = await db.query({ _type: 'llm_call', session_id: session }).toArray();
    const answered = performance.now();
    if (found.length === 0) throw new Error(`expected documents of ${session}, found none`);
    const { rss } = process.memoryUsage();
    await db.close();
    return { openMs: opened - started, readyMs: answered - started, rssMB: rss / 1e6 };
  },
};

function changed(n) {
  const call = makeCall(n);
  return { ...call, success_rate: 1 - call.success_rate, tags: call.tags.slice(1) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    documents: { type: 'string', default: '100000,1000000' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
if (positionals.length > 0) await runStep(...positionals);
else await runAll();

async function runStep(name, directory, documents) {
  console.log(JSON.stringify((await STEPS[name](directory, Number(documents))) ?? {}));
}

async function step(name, directory, documents) {
  const command = [SELF, name, directory, String(documents)];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return JSON.parse(stdout);
}

async function runAll() {
  const rows = [];
  for (const documents of values.documents.split(',').map(Number)) {
    const directory = mkdtempSync(join(values.dir, 'jdbx-open-'));
    try {
      await step('fill', directory, documents);
      rows.push(await measure('saved', directory, documents, Number(values.rounds)));
      await step('change', directory, documents);
      const name = `saved, ${TAIL.toLocaleString('en')} documents changed since`;
      rows.push(await measure(name, directory, documents, Number(values.rounds)));
      rmSync(join(directory, 'indexes'), { recursive: true, force: true });
      rows.push(await measure('nothing saved', directory, documents, 1));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  if (values.json) console.log(JSON.stringify(rows, null, 2));
  else print(rows);
}

async function measure(indexes, directory, documents, rounds) {
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    samples.push(await step('open', directory, documents));
  }
  const of = (name) => median(samples.map((sample) => sample[name]));
  return { documents, indexes, openMs: of('openMs'), readyMs: of('readyMs'), rssMB: of('rssMB') };
}

function print(rows) {
  console.log('| documents | indexes | open | first answer after | memory |');
  console.log('|---|---|---|---|---|');
  for (const { documents, indexes, openMs, readyMs, rssMB } of rows) {
    const ms = (value) => `${Math.round(value).toLocaleString('en')} ms`;
    const count = documents.toLocaleString('en');
    console.log(
      `| ${count} | ${indexes} | ${ms(openMs)} | ${ms(readyMs)} | ${Math.round(rssMB)} MB |`,
    );
  }
}
