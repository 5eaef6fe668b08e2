import { writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';
import { DEFINITIONS, KEYS, SESSION } from './compaction-documents.mjs';

/** Talks under every key, a few at a time; what an earlier process did is not done again. */
const db = await open(process.argv[2], { env: {}, workers: 2 });
if (!(await db.get('pipeline:talk'))) await db.put(DEFINITIONS);
// Written at once: what the parent has read is then never ahead of what was done.
db.events.on('stage-end', () => writeSync(1, 'stage\n'));

const waiting = [...KEYS];
const workers = Array.from({ length: 3 }, async () => {
  for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
    await db.run('pipeline:talk', { name: key }, { key, session: SESSION });
  }
});
await Promise.all(workers);
await db.settled();
await db.close();
