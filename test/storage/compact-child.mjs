// A process of its own that compacts a store that it has open: `node compact-child.mjs WORK STORE [FIRST]`.
import { readdirSync, rmSync, writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';

const [work, path, first] = process.argv.slice(2);
const tell = (line) => writeSync(1, `${line}\n`);

/** Commits and compacts as fast as it can, and tells what was acknowledged. */
async function forever(db) {
  const compact = async () => {
    for (;;) {
      await db.compact();
      tell('compacted');
    }
  };
  const write = async () => {
    for (let n = Number(first); ; n++) {
      await db.put({ _id: `doc:${n}`, _type: 'doc', n, text: 'x'.repeat((n * 37) % 3_000) });
      tell(`wrote ${n}`);
    }
  };
  await Promise.all([compact(), write()]);
}

/** Where the file system takes no whole copy. */
async function withoutRoom(db) {
  tell(
    await db.compact().then(
      () => 'compacted',
      ({ code }) => code,
    ),
  );
  await db.put({ _id: 'after', _type: 'note' });
  tell((await db.check()).ok);
  tell(readdirSync(path).filter((name) => name.includes('compact')).length);
  await db.close();
}

/** Frees more pages of a file that has no free ones than their list takes on one page. */
async function thenRemove(db) {
  await db.compact();
  await emptyOut(db);
}

/** The same of a copy, which is compact. */
async function removeInCopy(db) {
  const copy = `${path}-copy`;
  await db.backup(copy);
  await db.close();
  await emptyOut(await open(copy));
  rmSync(copy, { recursive: true });
}

async function emptyOut(db) {
  await db.remove({ _type: 'big' }, { many: true });
  await db.put({ _id: 'retention:log', _type: 'retention', log: { newest: 1 } });
  await db.retain();
  await db.compact();
  tell((await db.check()).ok);
  tell(await db.query({ _type: 'big' }).count());
  await db.close();
}

/** Leaves its place in the store to those who compact it. */
async function hold() {
  process.stdin.resume();
  tell('open');
}

await { forever, withoutRoom, thenRemove, removeInCopy, hold }[work](await open(path));
