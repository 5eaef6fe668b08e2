import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChangeEvent, type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { failure, temporaryStore } from '../storage/temporary.js';

let db: Jdbx;
beforeEach(async () => {
  db = await open(MEMORY, { logCommits: 50 });
});
afterEach(() => db.close());

async function take(watcher: AsyncGenerator<ChangeEvent, void>, count: number) {
  const events: ChangeEvent[] = [];
  while (events.length < count) {
    const { value, done } = await watcher.next();
    if (done) break;
    events.push(value);
  }
  return events;
}

describe('watch', () => {
  it('begins at its call, not at its first read', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 1 });
    const watcher = db.watch();
    const { seq } = db;
    await db.put({ _id: 'a', _type: 'a', n: 2 });
    await db.remove('a');
    const events = await take(watcher, 2);
    expect(events).toMatchObject([
      { kind: 'put', id: 'a', type: 'a', rev: 2, seq: seq + 1, document: { n: 2 } },
      { kind: 'remove', id: 'a', type: 'a', rev: 2, seq: seq + 2 },
    ]);
    expect(new Date(events[0]?.at ?? '').toISOString()).toBe(events[0]?.at);
    await watcher.return();
  });

  it('wakes for each commit, and gives the changes of one commit together', async () => {
    const watcher = db.watch({ _type: 'a' });
    const reading = take(watcher, 5);
    await db.put({ _id: 'x', _type: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    await db.put(['y', 'z'].map((_id) => ({ _id, _type: 'a' })));
    await db.transaction(async (tx) => {
      await tx.remove('x');
      await tx.put({ _id: 'other', _type: 'b' });
      await tx.put({ _id: 'y', _type: 'a' });
    });
    const events = await reading;
    expect(events.map(({ kind, id, seq }) => [kind, id, seq - db.seq])).toEqual([
      ['put', 'x', -2],
      ['put', 'y', -1],
      ['put', 'z', -1],
      ['remove', 'x', 0],
      ['put', 'y', 0],
    ]);
  });

  it('resumes after any commit that the log still holds', async () => {
    const { seq } = db;
    for (let n = 1; n <= 5; n++) await db.put({ _id: 'a', _type: 'a', n });
    for (const since of [seq, seq + 2, seq + 4]) {
      const [first] = await take(db.watch({}, { since }), 1);
      expect(first).toMatchObject({ seq: since + 1 });
    }
    const later = db.watch({}, { since: db.seq + 1 });
    await db.put({ _id: 'skipped', _type: 'a' });
    await db.put({ _id: 'seen', _type: 'a' });
    expect(await take(later, 1)).toMatchObject([{ id: 'seen' }]);
  });

  it('filters puts by their document, removals by id and type, aliases included', async () => {
    await db.put({ _id: 'alias:x', _type: 'alias', type: 'x', includes: ['a'] });
    const typed = db.watch({ _type: 'x' });
    const fielded = db.watch({ _type: 'a', n: { $gt: 1 } });
    for (const n of [1, 2]) await db.put({ _id: `a${n}`, _type: 'a', n });
    await db.put({ _id: 'b', _type: 'b', n: 5 });
    await db.remove('a2');
    await db.put({ _id: 'a3', _type: 'a', n: 3 });
    const kinds = (events: ChangeEvent[]) => events.map(({ kind, id }) => `${kind} ${id}`);
    expect(kinds(await take(typed, 4))).toEqual(['put a1', 'put a2', 'remove a2', 'put a3']);
    expect(kinds(await take(fielded, 2))).toEqual(['put a2', 'put a3']);
  });

  it('refuses a filter that the language does not know, and misuse at once', async () => {
    expect(await failure(db.watch({ n: { $nonsense: 1 } }).next())).toMatchObject({
      code: 'INVALID_FILTER',
    });
    for (const since of [-1, 1.5, Number.NaN, '1']) {
      expect(() => db.watch({}, { since: since as number })).toThrow(TypeError);
    }
  });

  it('waits for a slow reader, and misses nothing', async () => {
    const slow = await open(MEMORY);
    const watcher = slow.watch({ _type: 'a' });
    const first = watcher.next();
    for (let n = 1; n <= 350; n++) await slow.put({ _id: 'a', _type: 'a', n });
    const rest = await take(watcher, 349);
    const all = [(await first).value as ChangeEvent, ...rest];
    expect(all.map((event) => (event.kind === 'put' ? event.document.n : 0))).toEqual(
      Array.from({ length: 350 }, (_, n) => n + 1),
    );
    await slow.close();
  });

  it('says LOG_TRIMMED when the log has gone past its reader', async () => {
    const { seq } = db;
    const lagging = db.watch();
    for (let n = 1; n <= 60; n++) await db.put({ _id: 'a', _type: 'a', n });
    expect(await failure(lagging.next())).toMatchObject({ code: 'LOG_TRIMMED' });
    expect(await failure(db.watch({}, { since: seq }).next())).toMatchObject({
      code: 'LOG_TRIMMED',
    });
    const oldest = db.seq - 50;
    expect(await take(db.watch({}, { since: oldest }), 1)).toMatchObject([{ seq: oldest + 1 }]);
    expect(await failure(db.watch({}, { since: oldest - 1 }).next())).toMatchObject({
      code: 'LOG_TRIMMED',
    });
    expect(await db.check()).toMatchObject({ ok: true, logRecords: 50 });
  });

  it('ends when its signal aborts, before, while or after it waits', async () => {
    const early = db.watch({}, { signal: AbortSignal.abort() });
    expect(await early.next()).toMatchObject({ done: true });
    const controller = new AbortController();
    const watcher = db.watch({}, { signal: controller.signal });
    const waiting = watcher.next();
    controller.abort();
    expect(await waiting).toMatchObject({ done: true });
    expect(await watcher.next()).toMatchObject({ done: true });
  });

  it('ends when the store closes', async () => {
    const waiting = db.watch().next();
    await db.close();
    expect(await waiting).toMatchObject({ done: true });
  });
});

it('a log that is made shorter is trimmed bit by bit', async () => {
  const path = temporaryStore();
  const first = await open(path);
  await Promise.all(
    Array.from({ length: 2_500 }, (_, n) => first.put({ _id: `a${n}`, _type: 'a' })),
  );
  await first.close();
  const second = await open(path, { logCommits: 10 });
  const kept = async () => (await second.check()).logRecords;
  const before = await kept();
  await second.put({ _id: 'a', _type: 'a' });
  expect(await kept()).toBe(before + 1 - 1_000);
  await second.put({ _id: 'a', _type: 'a' });
  await second.put({ _id: 'a', _type: 'a' });
  expect(await kept()).toBe(10);
  await second.close();
  const engine = await openLmdb(path);
  const snapshot = engine.snapshot();
  expect([...snapshot.log(0)]).toHaveLength(10);
  snapshot.close();
  await engine.close();
});
