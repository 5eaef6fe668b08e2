import { open } from '#jdbx/index.js';
import { killedAfter } from '../support/killed-after.mjs';
import { DEFINITIONS, KEYS, SESSION } from './compaction-documents.mjs';

/** Talks under every key, a few at a time; what an earlier process did is not done again. */
const [directory, count, ms] = process.argv.slice(2);
const db = await open(directory, { env: {}, workers: 2 });
if (!(await db.get('pipeline:talk'))) await db.put(DEFINITIONS);
if (count) db.events.on('stage-end', await killedAfter(Number(count), Number(ms)));

const waiting = [...KEYS];
const workers = Array.from({ length: 3 }, async () => {
  for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
    await db.run('pipeline:talk', { name: key }, { key, session: SESSION });
  }
});
await Promise.all(workers);
await db.settled();
await db.close();
