// `node upkeep-child.mjs WORK STORE [TARGET]`: a process to be killed in the middle of it.
import { writeSync } from 'node:fs';
import { compactStore, open } from '#jdbx/index.js';

const [work, path, target] = process.argv.slice(2);
const tell = (line) => writeSync(1, `${line}\n`);

if (work === 'compact') {
  tell('begin');
  await compactStore(path);
  tell('end');
}
if (work === 'backup') {
  const db = await open(path);
  tell('begin');
  const { seq } = await db.backup(target);
  tell(`end ${seq}`);
  await db.close();
}
