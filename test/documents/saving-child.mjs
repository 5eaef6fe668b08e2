/**
 * Writes to a store until it is killed: argv is the directory, a seed, and how many
 * commits at most. Tells `ready`, then the number of each commit that was acknowledged.
 */
import { open } from '#jdbx/index.js';
import { randomCommit, randomOf } from './saved-work.mjs';

const [directory, seed, commits] = process.argv.slice(2);
const db = await open(directory, { resume: false, saveIndexesAfter: 300 });
const random = randomOf(Number(seed));
process.stdout.write('ready\n');
for (let n = 0; n < Number(commits); n++) {
  await randomCommit(db, random);
  process.stdout.write(`${db.seq}\n`);
}
await db.close();
process.stdout.write('closed\n');
