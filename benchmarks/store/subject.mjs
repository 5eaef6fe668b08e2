/**
 * One subject in a process of its own: `node subject.mjs NAME DIRECTORY DOCUMENTS WORK…`
 * prints what it did as JSON: `{ works: { name: figure }, answered: { name: count } }`.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../measure.mjs';
import { batchesOf, makeDocument } from './documents.mjs';
import { changesFor, measureRead, READS, settingOf, WRITES } from './works.mjs';

const [name, directory, documents, ...wanted] = process.argv.slice(2);
const count = Number(documents);
const kind = await import(name === 'jdbx' ? './jdbx.mjs' : `./rivals/${name}.mjs`);
const works = {};
const answered = {};
const wants = (work) => wanted.includes(work);
const WORN_UPDATES = 500_000;

let subject = await load();
const reads = wanted.some((work) => work in READS);
if (kind.hasCold && reads) {
  subject = await reopened({ cold: true });
  await measureReads('cold');
}
subject = await reopened({ cold: false });
if (reads) await subject.readAll();
await measureReads('warm');
// What these write would be found by the reads: they come last.
await measureWrites();
await measureWear();
await subject.close();
console.log(JSON.stringify({ works, answered }));

async function load() {
  const loading = await kind.open({ directory });
  let tookMs = 0;
  for (const batch of batchesOf(count, 1_000)) {
    const startedAt = performance.now();
    await loading.load(batch);
    tookMs += performance.now() - startedAt;
  }
  const startedAt = performance.now();
  await loading.finishLoad?.();
  tookMs += performance.now() - startedAt;
  works['bulk load, five indexes'] = (1_000 * count) / tookMs;
  return loading;
}

/** Closed and opened again, so that what loading left in memory does not count as read before. */
async function reopened({ cold }) {
  if (!kind.persists) return subject;
  await subject.close();
  works['disk, bytes'] = bytesIn(directory);
  const startedAt = performance.now();
  const opened = await kind.open({ directory, cold });
  await opened.session('session-0000001');
  works['open and ask, ms'] = performance.now() - startedAt;
  return opened;
}

async function measureReads(state) {
  for (const work of Object.keys(READS).filter(wants)) {
    const { rate, answered: found } = await measureRead(subject, work, settingOf(count, 1));
    if (rate === undefined) continue;
    works[`${work}, ${state}`] = rate;
    answered[work] = found;
  }
}

async function measureWrites() {
  for (const work of Object.keys(WRITES).filter(wants)) {
    const rate = await WRITES[work](subject, settingOf(count, 2));
    if (rate !== undefined) works[work] = rate;
  }
}

/** How much longer a durable put takes after many updates than before them. */
async function measureWear() {
  if (!wants('put after 500,000 updates') || !kind.wears) return;
  const before = await timePuts(0);
  const setting = settingOf(count, 3);
  for (let done = 0; done < WORN_UPDATES; done += 1_000) {
    await subject.updateMany(changesFor(setting, 1_000));
  }
  works['put after 500,000 updates, times'] = (await timePuts(1)) / before;
}

async function timePuts(turn) {
  const times = [];
  for (let n = 0; n < 1_000; n++) {
    const document = makeDocument(2 * count + 1_000 * turn + n + 1_000_000, count);
    const startedAt = performance.now();
    await subject.insert(document);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

function bytesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0);
}
