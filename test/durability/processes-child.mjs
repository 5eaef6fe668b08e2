// One of several processes on a store: `node processes-child.mjs STORE NAME SEED`.
// It does random work and writes a line before (`try`) and after (`ack`) everything that it
// changes, with a call that a SIGKILL cannot undo. It ends when its input ends.
import { writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';
import { randomFrom } from './random.mjs';

const [path, name, seed] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const tell = (line) => writeSync(1, `${line}\n`);
const below = (n) => Math.floor(random() * n);
let isEnding = false;
process.stdin.resume();
process.stdin.on('end', () => {
  isEnding = true;
});

const db = await open(path, { workers: 1 });
tell('open');
const problems = [];
const watching = new AbortController();
const watched = watch(db.seq);
let made = 0;
const own = [];

async function watch(since) {
  const revs = new Map();
  let last = since;
  try {
    for await (const { seq, id, kind, rev } of db.watch({}, { since, signal: watching.signal })) {
      if (seq < last || seq > last + 1) problem(`watch: ${last} is followed by ${seq}`);
      last = seq;
      if (kind === 'put' && revs.has(id) && revs.get(id) !== rev - 1) {
        problem(`watch: ${id} has revision ${rev} after ${revs.get(id)}`);
      }
      if (kind === 'put') revs.set(id, rev);
      else revs.delete(id);
    }
  } catch (error) {
    problem(`watch: ${error.code} ${error.message}`);
  }
  return last;
}

function problem(text) {
  problems.push(text);
  tell(`problem ${name}: ${text}`);
}

async function attempt(what, work) {
  tell(`try ${what}`);
  const done = await work();
  if (done !== false) tell(`ack ${what}`);
}

const works = {
  increment: () => {
    const id = `counter:${below(3)}`;
    return attempt(`inc ${id}`, () =>
      db.update({ _id: id, _type: 'counter' }, { $inc: { n: 1 } }, { upsert: true }),
    );
  },
  compareAndSwap: () => {
    const id = `swapped:${below(2)}`;
    return attempt(`inc ${id}`, async () => {
      const { n = 0, _rev } = (await db.get(id)) ?? {};
      const next = { _id: id, _type: 'swapped', n: n + 1 };
      try {
        await (_rev ? db.put({ ...next, _rev }) : db.insert(next));
        return true;
      } catch (error) {
        if (error.code === 'CONFLICT' || error.code === 'DUPLICATE_ID') return false;
        throw error;
      }
    });
  },
  claim: () => {
    const slot = below(10_000);
    const id = `claim:${name}:${seed}:${made++}`;
    return attempt(`claim ${slot} ${id}`, async () => {
      try {
        await db.insert({ _id: id, _type: 'claim', slot });
        return true;
      } catch (error) {
        if (error.code !== 'DUPLICATE_KEY') throw error;
        if ((await db.query({ _type: 'claim', slot }).count()) !== 1) {
          problem(`slot ${slot} was refused, and nobody has it`);
        }
        return false;
      }
    });
  },
  pair: () => {
    const n = `${name}:${seed}:${made++}`;
    const group = below(20);
    return attempt(`pair ${n}`, async () => {
      const text = 'x'.repeat(below(2_000));
      await db.put([
        { _id: `left:${n}`, _type: 'left', group, text },
        { _id: `right:${n}`, _type: 'right', group, at: new Date(group) },
      ]);
      own.push(n);
      // A read that begins after the acknowledgement sees it.
      if (!(await db.get(`left:${n}`))) problem(`left:${n} is not seen by its own writer`);
    });
  },
  drop: () => {
    const n = own.shift();
    if (!n) return undefined;
    return attempt(`drop ${n}`, () =>
      db.transaction(async (t) => {
        await t.remove(`left:${n}`);
        await t.remove(`right:${n}`);
      }),
    );
  },
  transfer: async () => {
    const [from, to] = [`account:${below(4)}`, `account:${below(4)}`];
    if (from === to) return;
    const amount = below(10);
    try {
      await db.transaction(async (t) => {
        const [a, b] = await t.getMany([from, to]);
        await t.put({ ...a, value: a.value - amount });
        await t.put({ ...b, value: b.value + amount });
      });
    } catch (error) {
      if (error.code !== 'CONFLICT') throw error;
    }
  },
  define: async () => {
    const _id = `index:${below(3)}`;
    if (random() < 0.4) await db.remove(_id);
    else {
      const key = [{ group: 1 }, { text: 1 }, { group: -1, _id: 1 }][below(3)];
      try {
        await db.put({ _id, _type: 'index', type: 'left', key });
      } catch (error) {
        // Another index of the type has this key already.
        if (error.code !== 'INVALID_INDEX') throw error;
      }
    }
  },
  look: () => {
    const snapshot = db.snapshot();
    const group = below(20);
    const found = snapshot.query({ _type: 'left', group }).map(({ _id }) => _id);
    const scanned = snapshot.query({ _type: 'left' }).filter((each) => each.group === group);
    if (
      found.sort().join() !==
      scanned
        .map(({ _id }) => _id)
        .sort()
        .join()
    ) {
      problem(`group ${group}: an index and a scan differ at ${snapshot.seq}`);
    }
    for (const { _id } of scanned) {
      if (!snapshot.get(_id.replace('left', 'right'))) problem(`${_id} is half`);
    }
    const sum = snapshot.query({ _type: 'account' }).reduce((total, { value }) => total + value, 0);
    if (sum !== 400) problem(`accounts hold ${sum} at ${snapshot.seq}`);
    snapshot.close();
  },
  check: async () => {
    const { ok, problems: found } = await db.check();
    if (!ok) problem(found.join('; '));
  },
};
const WEIGHTS = {
  increment: 20,
  compareAndSwap: 15,
  claim: 10,
  pair: 25,
  drop: 10,
  transfer: 10,
  define: 1,
  look: 5,
  check: 0.5,
};
const total = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

function pick() {
  let at = random() * total;
  for (const [work, weight] of Object.entries(WEIGHTS)) {
    at -= weight;
    if (at < 0) return works[work];
  }
  return works.increment;
}

try {
  while (!isEnding) {
    await Promise.all(Array.from({ length: 1 + below(4) }, () => pick()()));
    if (random() < 0.02) await new Promise((resolve) => setTimeout(resolve, below(300)));
  }
  watching.abort();
  await watched;
  await db.close();
  tell('closed');
} catch (error) {
  problem(`${error.code} ${error.stack}`);
}
process.exit(0);
