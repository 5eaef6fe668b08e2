import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { open as openLmdbFile } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { type Jdbx, MEMORY, type NewDocument, open } from '#jdbx/index.js';
import { openNear } from '#jdbx/pipelines/guests/near-database.js';
import { nearReads } from '#jdbx/pipelines/guests/near-reads.js';
import { endWorker, watchOver } from '#jdbx/sandbox/end-worker.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';
import { Permissions } from '#jdbx/sandbox/permissions.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { openStore, pipeline, runStage, transformer } from '../pipelines/support.js';
import { temporaryStore } from '../storage/temporary.js';
import { openNearStore, warmUp } from './near-store.js';
import { type Random, seeded } from './seeded.js';

const ALL = ['get', 'getMany', 'query', 'aggregate', 'insert', 'put', 'update', 'remove'];
const EVERY_VERB = ALL.map((verb) => `db.${verb}`);

/** Does what its input lists, and gives what came of each, errors included. */
const INTERPRETER = transformer(
  'interpreter',
  `function f(steps) {
    return steps.map(({ verb, args, mode, sort }) => {
      try {
        if (verb !== 'query') return db[verb](...args)
        let cursor = db.query(...args)
        if (sort) cursor = cursor.sort(sort)
        return mode === 'count' ? cursor.count() : mode === 'first' ? cursor.first() : cursor.toArray()
      } catch (e) { return { code: e.code, message: e.message } }
    })
  }`,
  { permissions: EVERY_VERB },
);

/** Four at a time, when asked for: `JDBX_TEST_KILLS=200`. LMDB's binding does not survive each of them. */
const KILLS = Number(process.env.JDBX_TEST_KILLS ?? 0);
/** Each of them starts a thread that loads the query language. */
const KILLING = { timeout: 60_000 + KILLS * 2_000 };

const TYPES = ['fruit', 'tool'];
const idOf = (random: Random) => `doc:${random.below(60)}`;

function documentOf(random: Random, _id = idOf(random)): NewDocument {
  const n = random.below(10);
  return {
    _id,
    _type: random.of(TYPES),
    n,
    tags: Array.from({ length: random.below(3) }, () => random.of(['a', 'b', 'c'])),
    ...(n > 6 ? { at: new Date(n * 1000) } : {}),
    ...(n === 5 ? { bytes: new Uint8Array([n, random.below(256)]) } : {}),
    name: random.of(['\u0001x', 'Lima', 'Ω', 'plain']),
  } as NewDocument;
}

function filterOf(random: Random): object {
  return random.of<object>([
    { _type: random.of(TYPES), n: random.below(10) },
    { _type: random.of(TYPES), n: { $gte: random.below(10) } },
    { _type: 'thing', tags: random.of(['a', 'b']) },
    { tags: { $in: ['a', random.of(['b', 'c'])] } },
    { _id: idOf(random) },
    { _type: random.of(TYPES), $or: [{ n: random.below(10) }, { name: 'Ω' }] },
    { name: { $regex: random.of(['^p', 'i']) } },
    { n: { $wrong: 1 } },
  ]);
}

function stepOf(random: Random): object {
  const verb = random.of([...ALL, 'get', 'query', 'query', 'query']);
  const inOrder = { _id: random.of([1, -1]) };
  switch (verb) {
    case 'get':
      return { verb, args: [idOf(random)] };
    case 'getMany':
      return { verb, args: [[idOf(random), idOf(random), 'none']] };
    case 'query': {
      const options = {
        limit: random.below(12),
        ...(random.below(3) ? {} : { project: { n: 1 } }),
      };
      const mode = random.of(['toArray', 'toArray', 'first', 'count']);
      return { verb, args: [filterOf(random), options], mode, sort: inOrder };
    }
    case 'aggregate': {
      const group = { $group: { _id: '$n', all: { $sum: 1 }, most: { $max: '$_id' } } };
      return { verb, args: [[{ $match: filterOf(random) }, group, { $sort: { _id: 1 } }]] };
    }
    case 'update':
      return {
        verb,
        args: [filterOf(random), { $inc: { n: 1 } }, { many: random.below(2) === 1 }],
      };
    case 'remove':
      return { verb, args: [idOf(random)] };
    default:
      return { verb, args: [documentOf(random)] };
  }
}

const DEFINITIONS: NewDocument[] = [
  { _id: 'index:n', _type: 'index', type: 'fruit', key: { n: 1 } },
  { _id: 'index:tags', _type: 'index', type: 'tool', key: { tags: 1, n: -1 } },
  { _id: 'alias:thing', _type: 'alias', type: 'thing', includes: TYPES },
  { _id: 'versioning:tool', _type: 'versioning', type: 'tool' },
];

let opened: Jdbx[] = [];
const keep = (db: Jdbx): Jdbx => {
  opened.push(db);
  return db;
};
afterEach(async () => {
  await Promise.all(opened.map((db) => db.close()));
  opened = [];
});

describe.skipIf(!canFollow)('a guest that reads in its own thread', { timeout: 60_000 }, () => {
  test.each([1, 2, 3])(
    'is answered as any other, whatever it asks and writes, seed %i',
    async (seed) => {
      const [near, far] = [keep(await openNearStore()), keep(await openStore())];
      const random = seeded(seed);
      const stored = Array.from({ length: 50 }, (_, n) => documentOf(random, `doc:${n}`));
      for (const db of [near, far]) {
        await db.put(DEFINITIONS);
        await db.put(stored);
      }
      for (let round = 0; round < 12; round++) {
        const steps = Array.from({ length: 25 }, () => stepOf(random));
        const changed = documentOf(random);
        const outputs = [];
        for (const db of [near, far]) {
          await db.put(changed);
          outputs.push(await runStage(db, { transformer: INTERPRETER._id }, steps, [INTERPRETER]));
        }
        expect(outputs[0], JSON.stringify(steps)).toEqual(outputs[1]);
      }
      const kept = (db: Jdbx) => db.query({ _id: /^doc:/ }).sort({ _id: 1 }).toArray();
      expect(await kept(near)).toEqual(await kept(far));
      expect(near.guestReads.near).toBeGreaterThan(50);
      expect(far.guestReads).toEqual({ near: 0, far: {} });
    },
  );

  test('sees one commit and its own writes, however long it reads while others write', async () => {
    const db = keep(await openNearStore());
    await db.put([{ _id: 'count', _type: 'count', n: 0 }, ...DEFINITIONS]);
    const reader = transformer(
      'reader',
      `function f() {
        const seen = {}
        const note = (n) => { seen[n] = (seen[n] ?? 0) + 1 }
        for (let round = 0; round < 4000; round++) {
          note(db.get('count').n)
          if (round % 50 === 0) note(db.query({ _type: 'count' }).toArray()[0].n)
          if (round === 2000) db.insert({ _id: 'count:own', _type: 'count', n: 'own' })
          if (round === 3000) db.update('count', { $set: { n: 'mine' } })
        }
        return { seen: Object.keys(seen), own: db.query({ _type: 'count' }).count() }
      }`,
      { permissions: EVERY_VERB, limits: { host_calls: 10_000, timeout_ms: 30_000 } },
    );
    let isReading = true;
    const writing = (async () => {
      for (let n = 1; isReading; n++) await db.put({ _id: 'noise', _type: 'noise', n });
    })();
    const reading = runStage(db, { transformer: reader._id }, {}, [reader]);
    const seen = await reading.finally(() => {
      isReading = false;
    });
    await writing;
    expect(seen).toEqual({ seen: ['0', 'mine'], own: 2 });
    expect(await db.get('count')).toMatchObject({ n: 'mine' });
  });

  test('sees from run to run what was committed between, indexes included', async () => {
    const db = keep(await openNearStore());
    const find = transformer(
      'find',
      `const f = ({ n }) => [db.query({ _type: 'fruit', n }).toArray().length, db.get('fruit:' + n)?.n ?? null]`,
      { permissions: EVERY_VERB },
    );
    const { near } = db.guestReads;
    for (let n = 0; n < 30; n++) {
      if (n === 10) await db.put(DEFINITIONS[0] as NewDocument);
      if (n === 20) await db.remove('index:n');
      await db.put({ _id: `fruit:${n}`, _type: 'fruit', n });
      expect(await runStage(db, { transformer: find._id }, { n }, [find])).toEqual([1, n]);
    }
    expect(db.guestReads.near - near).toBe(60);
  });

  test('goes the long way where the files have gone on from what its stage sees', async () => {
    const path = temporaryStore();
    const db = keep(await open(path, { guestsReadNear: true }));
    await db.put({ _id: 'a', _type: 'a' });
    const workspace = db.workspace();
    const near = nearReads(() => workspace, Permissions.parse(['db.get']));
    const host = await openNear({ directory: path });
    const begin = () => {
      const order = near?.order();
      host.learn(order?.shared.facts);
      const call = host.begin(order?.own, () => null);
      if (typeof call === 'string') return call;
      const { value } = call.answer('db.get', ['a']) ?? {};
      call.end();
      host.rest();
      return value;
    };
    expect(begin()).toMatchObject({ _id: 'a' });
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 50; n++) await db.put({ _id: 'b', _type: 'b', n, text });
    for (let look = 0; look < 500 && begin() !== 'moved on'; look++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(begin()).toBe('moved on');
    workspace.close();
    await host.close();
  });

  test.skipIf(KILLS === 0)(
    'leaves no place in the reader table, killed whenever it may be',
    KILLING,
    async () => {
      const path = temporaryStore();
      const db = keep(await open(path, { guestsReadNear: true }));
      await db.put(DEFINITIONS);
      const random = seeded(5);
      await db.put(Array.from({ length: 500 }, (_, n) => documentOf(random, `doc:${n}`)));
      const before = new Set(await readersOf(path));
      const workspace = db.workspace();
      const order = nearReads(() => workspace, Permissions.parse(['db.get', 'db.query']))?.order();
      let stuck = 0;
      const kill = async () => {
        const cells = new SharedArrayBuffer(CONTROL.cells * Int32Array.BYTES_PER_ELEMENT);
        const control = new Int32Array(cells);
        const worker = new Worker(READER, { workerData: { directory: path, order, control } });
        watchOver(worker, control);
        if (random.below(4) > 0) await once(worker, 'message');
        else await once(worker, 'online');
        await new Promise((resolve) => setTimeout(resolve, random.below(8)));
        await endWorker(worker, control, () => stuck++);
      };
      for (let done = 0; done < KILLS; done += 4) await Promise.all([1, 2, 3, 4].map(kill));
      expect(stuck).toBe(0);
      workspace.close();
      expect((await readersOf(path)).filter((thread) => !before.has(thread))).toEqual([]);
      expect(await db.query({ _type: 'fruit' }).count()).toBeGreaterThan(0);
      await warmUp(db);
    },
  );
});

test('a store in memory, and one without the native part, answer every read themselves', async () => {
  const memory = keep(await open(MEMORY));
  await memory.put({ _id: 'a', _type: 'a', n: 1 });
  const get = transformer('get', 'const f = () => db.get("a").n', { permissions: ['db.get'] });
  expect(await runStage(memory, { transformer: get._id }, {}, [get])).toBe(1);
  expect(memory.guestReads).toEqual({ near: 0, far: {} });
  expect(
    await readWithoutNative(temporaryStore(), [
      get,
      pipeline('get', [{ name: 'g', transformer: get._id }]),
    ]),
  ).toEqual([1, { near: 0, far: {} }]);
});

/** Opens the store as a process that was told to leave the native part alone. */
async function readWithoutNative(
  path: string,
  documents: readonly NewDocument[],
): Promise<unknown> {
  const worker = new Worker(PORTABLE, {
    workerData: { path, documents },
    env: { ...process.env, JDBX_NATIVE: '0' },
  });
  const [told] = await once(worker, 'message');
  await worker.terminate();
  return told;
}

const PORTABLE = fileURLToPath(new URL('./near-portable.mjs', import.meta.url));
const READER = fileURLToPath(new URL('./near-reader.mjs', import.meta.url));
/** The threads that have a line in LMDB's reader table. */
async function readersOf(path: string): Promise<string[]> {
  const root = openLmdbFile({ path: join(path, 'jdbx.mdb'), maxDbs: 8 });
  const lines = root.readerList().split('\n').slice(1);
  await root.close();
  return lines.flatMap((line) => line.trim().split(/\s+/)[1] ?? []);
}
