// A process of its own that compacts a store that it has open: `node compact-child.mjs WORK STORE [FIRST]`.
import { readdirSync, writeSync } from 'node:fs';
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

/** Leaves its place in the store to those who compact it. */
async function hold() {
  process.stdin.resume();
  tell('open');
}

await { forever, withoutRoom, hold }[work](await open(path));
