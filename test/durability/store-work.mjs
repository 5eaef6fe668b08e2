/**
 * `node store-work.mjs STORE LOG SEED BACKUPS EVERY`: writes random work until it is killed.
 * What it is about to do and what was acknowledged go to LOG, outside the store, by calls that
 * a SIGKILL cannot undo:  `?n` before unit n, `!n seq` after its acknowledgement.
 *
 * A backup is taken after each EVERY units.
 *
 * A unit is decided by its number and the seed alone, so whoever reads the log knows what each
 * unit did. Units are commits of several documents, so that half of one would show.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from '#jdbx/index.js';
import { unitOf } from './store-units.mjs';

const [path, log, seedText, backups, every = '15'] = process.argv.slice(2);
const seed = Number(seedText);
const db = await open(path, { retentionIntervalMs: 3 });
const written = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
let next = written.filter((line) => line.startsWith('?')).length + 1;
const tell = (line) => appendFileSync(log, `${line}\n`);

/** Several at a time, so that units share a flush; backups come in between. */
const lanes = [1, 2, 3].map(lane);
await Promise.all(lanes);

async function lane(at) {
  for (;;) {
    const n = next++;
    const unit = unitOf(seed, n);
    tell(`?${n}`);
    await unit.run(db);
    tell(`!${n}`);
    if (n % Number(every) === 0) await backUp(n);
    if (at === 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function backUp(n) {
  const target = join(backups, String(n));
  const { seq } = await db.backup(target);
  tell(`b${n} ${seq}`);
}
