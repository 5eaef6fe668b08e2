import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { failure, temporaryStore } from '../storage/temporary.js';

let db: Jdbx;

describe.each([
  ['memory', { cacheBytes: 0 }],
  ['memory', {}],
  ['lmdb', { cacheBytes: 0 }],
  ['lmdb', { cacheBytes: 2_000 }],
  ['lmdb', {}],
])('a snapshot on the %s engine with %j', (engine, options) => {
  beforeEach(async () => {
    db = await open(engine === 'memory' ? MEMORY : temporaryStore(), options);
    await db.put({ _id: 'index:a.n', _type: 'index', type: 'a', key: { n: 1 } });
    await db.insert([1, 2, 3, 4].map((n) => ({ _id: `a${n}`, _type: 'a', n, tags: [n, n + 1] })));
  });
  afterEach(() => db.close());

  it('stays as it was while documents change, come and go', async () => {
    using snapshot = db.snapshot();
    const { seq } = snapshot;
    const see = () => ({
      one: snapshot.get('a1'),
      some: snapshot.getMany(['a2', 'a9', 'nobody']),
      byIndex: snapshot.query({ _type: 'a', n: { $gt: 1 } }, { sort: { n: -1 } }),
      byScan: snapshot.query({ tags: 2 }),
      byType: snapshot.query({ _type: 'a' }),
      count: snapshot.count({ _type: 'a', n: { $lte: 2 } }),
      sum: snapshot.aggregate([
        { $match: { _type: 'a' } },
        { $group: { _id: 0, n: { $sum: '$n' } } },
      ]),
    });
    const before = see();
    const changes = [
      () => db.put({ _id: 'a1', _type: 'a', n: 100, tags: [2] }),
      () => db.remove('a2'),
      () => db.put({ _id: 'a9', _type: 'a', n: 9, tags: [2] }),
      () => db.put({ _id: 'a3', _type: 'b', n: 3 }),
      () => db.insert({ _id: 'a2', _type: 'a', n: 2, again: true }),
      () => db.update({ _type: 'a' }, { $inc: { n: 1 } }, { many: true }),
      () => db.remove('index:a.n'),
      () => db.put({ _id: 'index:a.n', _type: 'index', type: 'a', key: { n: -1 } }),
      () => db.remove({ _type: 'a' }, { many: true }),
    ];
    for (const change of changes) {
      await change();
      await db.query({ _type: 'a' });
      expect(see()).toEqual(before);
    }
    expect(snapshot.seq).toBe(seq);
    expect(await db.query({ _type: 'a' })).toEqual([]);
  });

  it('that is old puts nothing outdated where newer readers look', async () => {
    using old = db.snapshot();
    await db.put({ _id: 'a1', _type: 'a', n: 5 });
    await db.remove('a2');
    expect(old.getMany(['a1', 'a2'])).toMatchObject([{ n: 1 }, { n: 2 }]);
    expect(await db.getMany(['a1', 'a2'])).toMatchObject([{ n: 5 }, undefined]);
    using newer = db.snapshot();
    expect(newer.getMany(['a1', 'a2'])).toMatchObject([{ n: 5 }, undefined]);
    expect(old.getMany(['a1', 'a2'])).toMatchObject([{ n: 1 }, { n: 2 }]);
  });

  it('explains itself, and cannot be read after its close', async () => {
    const snapshot = db.snapshot();
    expect(JSON.stringify(snapshot.explain({ _type: 'a', n: 1 }))).toContain('index:a.n');
    snapshot.close();
    snapshot.close();
    for (const read of [
      () => snapshot.get('a1'),
      () => snapshot.query({ _type: 'a' }),
      () => snapshot.query({ n: 1 }),
      () => snapshot.count({}),
    ]) {
      expect(await failure(read)).toMatchObject({ code: 'STORE_CLOSED' });
    }
    expect(await db.get('a1')).toBeDefined();
  });
});

it('snapshots from before thousands of commits still see what they saw', async () => {
  const store = await open(MEMORY);
  await store.put({ _id: 'index:a.n', _type: 'index', type: 'a', key: { n: 1 } });
  await store.insert([1, 2, 3].map((n) => ({ _id: `a${n}`, _type: 'a', n })));
  const snapshots = [store.snapshot()];
  await store.remove('a3');
  for (let round = 0; round < 3_000; round++) {
    if (round === 1_500) snapshots.push(store.snapshot());
    await store.update('a1', { $inc: { n: 10 } });
  }
  const numbers = snapshots.map((snapshot) =>
    snapshot.query<{ n: number }>({ _type: 'a', n: { $gt: 0 } }).map(({ n }) => n),
  );
  expect(numbers).toEqual([
    [1, 2, 3],
    [2, 15_001],
  ]);
  for (const snapshot of snapshots) snapshot.close();
  expect(await store.check()).toMatchObject({ ok: true });
  await store.close();
});

describe('a cursor', () => {
  beforeEach(async () => {
    db = await open(MEMORY);
    await db.insert(
      [3, 1, 2, 5, 4].map((n) => ({ _id: `a${n}`, _type: 'a', n, even: n % 2 === 0 })),
    );
  });
  afterEach(() => db.close());

  it('sorts, skips, limits and projects; awaiting it is toArray', async () => {
    const cursor = db.query<{ n: number }>({ _type: 'a' }).sort({ even: -1, n: 1 });
    expect((await cursor).map(({ n }) => n)).toEqual([2, 4, 1, 3, 5]);
    expect(await cursor.skip(1).limit(2).project({ n: 1 })).toEqual([
      { _id: 'a4', n: 4 },
      { _id: 'a1', n: 1 },
    ]);
    expect(await cursor.toArray()).toEqual(await cursor);
    expect(await cursor.first()).toMatchObject({ n: 2 });
    expect(await db.query({ _type: 'nobody' }).first()).toBeUndefined();
  });

  it('counts what it would give', async () => {
    const cursor = db.query({ _type: 'a' });
    expect(await cursor.count()).toBe(5);
    expect(await cursor.skip(1).limit(10).count()).toBe(4);
    expect(await cursor.limit(2).count()).toBe(2);
    expect(await cursor.limit(0).count()).toBe(5);
  });

  it('is not changed by what refines it', async () => {
    const all = db.query({ _type: 'a' });
    all.limit(1).sort({ n: -1 }).skip(1);
    expect(await all.count()).toBe(5);
  });

  it.each([-1, 1.5, Number.NaN, '1'])('refuses %s as a count at once', (count) => {
    expect(() => db.query().skip(count as number)).toThrow(TypeError);
    expect(() => db.query().limit(count as number)).toThrow(TypeError);
  });

  it('iterates one snapshot, whatever is written meanwhile', async () => {
    const seen: number[] = [];
    for await (const { n } of db.query<{ n: number }>({ _type: 'a' }).sort({ n: 1 })) {
      seen.push(n);
      await db.remove(`a${n + 1}`);
      await db.put({ _id: `b${n}`, _type: 'a', n: n + 100 });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(await db.query({ _type: 'a' }).count()).toBe(6);
  });

  it('lets go of its snapshot when the loop is left early', async () => {
    for await (const _ of db.query({ _type: 'a' })) break;
    const broken = (async () => {
      for await (const _ of db.query({ _type: 'a' })) throw new Error('mine');
    })();
    await expect(broken).rejects.toThrow('mine');
    await expect(db.query({ $nonsense: 1 })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'INVALID_FILTER',
    });
    // What no view can see any more is freed: nothing is left but the newest version of each.
    for (let n = 0; n < 1_100; n++) await db.update('a1', { $inc: { n: 1 } });
    const view = db.view();
    expect(view.typeIndex.stats().entries).toBe(await db.query({}).count());
    view.close();
  });

  it('explains which index it took', async () => {
    await db.put({ _id: 'index:a.n', _type: 'index', type: 'a', key: { n: 1 } });
    const explained = await db.query({ _type: 'a', n: { $gte: 4 } }).explain();
    expect(JSON.stringify(explained)).toContain('index:a.n');
  });
});
