// Kills threads that read an open store, four at a time, while they open it and while they read:
// `node killed-readers.mjs STORE KILLS SEED [ungated]`. Prints how many did not come out of their
// gate in time, and what they left. A process of its own, because one kill inside of LMDB's binding
// ends it: with `ungated` within some tens of kills.
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { open as openLmdbFile } from 'lmdb';
import { open } from '#jdbx/index.js';
import { endWorker, watchOver } from '#jdbx/sandbox/end-worker.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';

const [directory, kills, seed, ungated] = process.argv.slice(2);
const READER = new URL('./endless-reader.mjs', import.meta.url);
let state = Number(seed);
let begun = 0;
let stuck = 0;

function below(limit) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

async function killSome() {
  while (begun < Number(kills)) {
    begun++;
    await kill();
  }
}

async function kill() {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.cells * 4));
  const worker = new Worker(READER, { workerData: { directory, control, ungated } });
  watchOver(worker, control);
  const isEarly = below(4) === 0;
  await once(worker, isEarly ? 'online' : 'message');
  await new Promise((resolve) => setTimeout(resolve, below(isEarly ? 80 : 8)));
  await db.put({ _id: 'count', _type: 'count', n: begun });
  const exited = once(worker, 'exit');
  if (ungated) await worker.terminate();
  else await endWorker(worker, control, () => stuck++);
  worker.ref();
  await exited;
}

/** The threads of this process that have a line in LMDB's reader table. */
async function readers() {
  const root = openLmdbFile({ path: join(directory, 'jdbx.mdb'), maxDbs: 8 });
  const lines = root.readerList().split('\n');
  await root.close();
  const words = lines.map((line) => line.trim().split(/\s+/));
  return words.filter(([pid]) => Number(pid) === process.pid).map(([, thread]) => thread);
}

const db = await open(directory);
await db.put(Array.from({ length: 50 }, (_, n) => ({ _id: `doc:${n}`, _type: 'doc', n })));
const own = new Set(await readers());
await Promise.all([killSome(), killSome(), killSome(), killSome()]);
const left = (await readers()).filter((thread) => !own.has(thread)).length;
await db.put({ _id: 'last', _type: 'count', n: begun });
const { n } = await db.get('last');
console.log(
  JSON.stringify({ kills: n, stuck, left, documents: await db.query({ _type: 'doc' }).count() }),
);
await db.close();
