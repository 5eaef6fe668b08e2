import { open } from '#jdbx/index.js';
import { killedAfter } from '../../support/killed-after.mjs';
import { DEFINITIONS, KEYS } from './kill-documents.mjs';

/** Runs the program under every key, a few at a time; what an earlier process did is not done again. */
const [directory, count, ms] = process.argv.slice(2);
const db = await open(directory, { env: {}, workers: 2 });
if (!(await db.get('engine:mixed'))) await db.put(DEFINITIONS);
if (count) db.events.on('stage-end', await killedAfter(Number(count), Number(ms)));

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
