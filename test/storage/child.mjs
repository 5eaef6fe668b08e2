// A process of its own that opens a store: `node child.mjs WORK STORE [ARGUMENT]`.
// It writes a line for each thing that came true, with a call that a SIGKILL cannot undo.
import { writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';

const [work, path, argument] = process.argv.slice(2);
const tell = (line) => writeSync(1, `${line}\n`);

/** Opens the store, says so, and stays. */
async function hold() {
  await open(path);
  tell('open');
  setInterval(() => {}, 1_000);
}

/** Says how opening went, and leaves. */
async function attempt() {
  try {
    const db = await open(path);
    await db.close();
    tell('opened');
  } catch (error) {
    tell(error.code);
  }
}

/** Commits as fast as it can, several documents each, and tells what was acknowledged. */
async function commitForever() {
  const db = await open(path);
  const first = Number(argument);
  // The process before may have been killed between a commit and the removal after it.
  if ((first - 1) % 3 === 0) await db.remove(`left:${first - 2}`);
  for (let n = first; ; n++) {
    await db.put([
      { _id: `left:${n}`, _type: 'left', n, text: 'x'.repeat((n * 37) % 3_000) },
      { _id: `right:${n}`, _type: 'right', n, group: n % 5 },
      { _id: 'counter', _type: 'counter', n },
    ]);
    if (n % 3 === 0) await db.remove(`left:${n - 1}`);
    tell(n);
  }
}

/** Writes documents until that fails, then tells how, and tries small ones. */
async function fill() {
  const db = await open(path);
  let written = 0;
  try {
    for (; written < 5_000; written++) {
      await db.put({ _id: `big:${written}`, _type: 'big', text: 'x'.repeat(20_000) });
    }
  } catch (error) {
    tell(`${written} ${error.code}`);
  }
  tell(JSON.stringify(await db.check().then(({ ok, problems }) => ({ ok, problems }))));
  let small = 0;
  try {
    for (; small < 3; small++) await db.put({ _id: `small:${small}`, _type: 'small' });
    tell(`${small} fit`);
  } catch (error) {
    tell(`${small} ${error.code}`);
  }
  await db.close();
}

await { hold, attempt, commitForever, fill }[work]();
