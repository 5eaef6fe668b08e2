import { writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';
import { DEFINITIONS, KEYS } from './kill-documents.mjs';

/** Runs the program under every key, a few at a time; what an earlier process did is not done again. */
const db = await open(process.argv[2], { env: {}, workers: 2 });
if (!(await db.get('engine:mixed'))) await db.put(DEFINITIONS);
// Written at once: what the parent has read is then never ahead of what was done.
db.events.on('stage-end', () => writeSync(1, 'stage\n'));

const waiting = [...KEYS];
const workers = Array.from({ length: 4 }, async () => {
  for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
    await db.run('engine:undone', { name: key }, { key: `undone-${key}` }).catch(expectFailure);
    const { id } = await db.run('engine:mixed', { name: key }, { key, session: 'session:kill' });
    await db.ended(id);
  }
});
await Promise.all(workers);
await db.settled();
await db.close();

/** This program fails on purpose, and what it did is undone. */
function expectFailure(error) {
  if (error.code !== 'RUN_FAILED') throw error;
}
