import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { failure, temporaryStore } from '../storage/temporary.js';

describe('group commit', () => {
  it('makes what is put together durable together, each as a commit of its own', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const before = db.seq;
    let batches = 0;
    const stop = db.onCommit(() => batches++);
    const written = await Promise.all(
      Array.from({ length: 500 }, (_, n) => db.put({ _id: `a${n}`, _type: 'a', n })),
    );
    stop();
    expect(written.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(db.seq).toBe(before + 500);
    expect(batches).toBeLessThan(20);
    await db.close();
    const engine = await openLmdb(path);
    const snapshot = engine.snapshot();
    expect([...snapshot.log(before)].map(({ seq }) => seq)).toHaveLength(500);
    snapshot.close();
    await engine.close();
  });

  it('lets each see what those before it in the same batch wrote', async () => {
    const db = await open(MEMORY);
    const outcomes = await Promise.allSettled([
      db.insert({ _id: 'a', _type: 'a', n: 1 }),
      db.insert({ _id: 'a', _type: 'a', n: 2 }),
      db.put({ _id: 'a', _type: 'a', _rev: 1, n: 3 }),
      db.put({ _id: 'a', _type: 'a', _rev: 1, n: 4 }),
      db.remove('a'),
      db.insert({ _id: 'a', _type: 'a', n: 5 }),
      db.update('a', { $inc: { n: 1 } }),
    ]);
    const codes = outcomes.map((each) =>
      each.status === 'rejected' ? (each.reason as { code: string }).code : 'ok',
    );
    expect(codes).toEqual(['ok', 'DUPLICATE_ID', 'ok', 'CONFLICT', 'ok', 'ok', 'ok']);
    expect(await db.get('a')).toMatchObject({ n: 6, _rev: 2 });
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
  });

  it('keeps a plan that throws from harming the others', async () => {
    const db = await open(MEMORY);
    const error = new Error('mine');
    const [first, bad, last] = await Promise.allSettled([
      db.put({ _id: 'a', _type: 'a' }),
      db.submit((draft) => {
        draft.remove('a');
        throw error;
      }),
      db.put({ _id: 'b', _type: 'a' }),
    ]);
    expect([first?.status, last?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(bad).toEqual({ status: 'rejected', reason: error });
    expect(await db.query({ _type: 'a' }).count()).toBe(2);
    await db.close();
  });

  it('gives concurrent definitions and documents each their turn', async () => {
    const db = await open(MEMORY);
    const index = (n: number) => ({
      _id: `index:${n}`,
      _type: 'index',
      type: 'a',
      key: { [`f${n}`]: 1 },
    });
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        db.put(n % 10 === 5 ? index(n) : { _id: `a${n}`, _type: 'a', f5: n, f15: n }),
      ),
    );
    expect(await db.check()).toMatchObject({ ok: true });
    expect(await db.query({ _type: 'a', f15: { $gte: 28 } }).count()).toBe(2);
    await db.close();
  });
});

describe('a commit that the engine refuses', () => {
  let db: Jdbx;
  beforeEach(async () => {
    db = await open(temporaryStore(), { sizeMaxBytes: 2_000_000 });
    await db.put({
      _id: 'index:a.n',
      _type: 'index',
      type: 'a',
      key: { n: 1 },
      unique: true,
      sparse: true,
    });
    await db.insert([1, 2, 3].map((n) => ({ _id: `a${n}`, _type: 'a', n })));
  });
  afterEach(() => db.close());

  const big = 'x'.repeat(3_000_000);
  const full = { code: 'STORE_FULL' };

  it('leaves documents, indexes, log and audit trail as they were', async () => {
    const before = db.seq;
    await expect(
      db.put([
        { _id: 'a1', _type: 'a', n: 7, big },
        { _id: 'a4', _type: 'a', n: 1 },
        { _id: 'a2', _type: 'b', n: 2 },
      ]),
    ).rejects.toMatchObject(full);
    await expect(
      db.submit((draft) => {
        draft.remove('a1');
        return draft.audit({ kind: 'test', big });
      }),
    ).rejects.toMatchObject(full);
    expect(db.seq).toBe(before);
    expect(await db.check()).toMatchObject({ ok: true, problems: [], auditDocuments: 0 });
    expect(await db.query({ _type: 'a', n: { $gte: 1 } }).sort({ n: 1 })).toMatchObject(
      [1, 2, 3].map((n) => ({ _id: `a${n}`, n })),
    );
    await db.put({ _id: 'a5', _type: 'a', n: 7 });
    await db.submit((draft) => draft.audit({ kind: 'test' }));
    expect(await db.check()).toMatchObject({ ok: true, auditDocuments: 1 });
  });

  it('takes an index, an alias and a schema back that it would have made', async () => {
    const definitions = [
      { _id: 'index:a.m', _type: 'index', type: 'a', key: { m: 1 } },
      { _id: 'index:a.n', _type: 'index', type: 'a', key: { n: -1 } },
      { _id: 'alias:x', _type: 'alias', type: 'x', includes: ['a'] },
      { _id: 'schema:a', _type: 'schema', type: 'a', schema: { required: ['big'] } },
      { _id: 'versioning:a', _type: 'versioning', type: 'a' },
    ];
    await expect(db.put([...definitions, { _type: 'a', big }])).rejects.toMatchObject(full);
    expect(await db.query({ _type: 'x' }).count()).toBe(0);
    await db.put({ _id: 'a4', _type: 'a', n: 4, m: 1 });
    expect(await db.history('a4')).toEqual([]);
    const explained = await db.query({ _type: 'a', m: 1 }).explain();
    expect(JSON.stringify(explained)).not.toContain('index:a.m');
    expect(await db.check()).toMatchObject({ ok: true });
    await expect(db.insert({ _type: 'a', n: 4 })).rejects.toMatchObject({ code: 'DUPLICATE_KEY' });
  });

  it('refuses nobody for the sake of what never came to be', async () => {
    const outcomes = await Promise.allSettled([
      db.insert({ _id: 'new', _type: 'a', n: 9, big }),
      db.insert({ _id: 'new', _type: 'a', n: 8 }),
      db.insert({ _id: 'other', _type: 'a', n: 9 }),
      db.insert({ _id: 'a1', _type: 'a' }),
    ]);
    const codes = outcomes.map((each) =>
      each.status === 'rejected' ? (each.reason as { code: string }).code : 'ok',
    );
    expect(codes).toEqual(['STORE_FULL', 'ok', 'ok', 'DUPLICATE_ID']);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('never shows what it refused, even to those who read meanwhile', async () => {
    const refused = failure(db.put({ _id: 'a1', _type: 'a', n: 7, big }));
    let settled = false;
    void refused.then(() => {
      settled = true;
    });
    while (!settled) {
      expect(await db.get('a1')).toMatchObject({ n: 1 });
      expect(await db.query({ _type: 'a', n: 7 }).count()).toBe(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await refused).toMatchObject(full);
  });
});

describe('publication', () => {
  it('is one step: get, query and seq agree at every moment', async () => {
    const db = await open(temporaryStore());
    await db.put({ _id: 'index:a.n', _type: 'index', type: 'a', key: { n: 1 } });
    await db.put({ _id: 'a', _type: 'a', n: 0 });
    let done = false;
    const writing = (async () => {
      for (let n = 1; n <= 60; n++) await db.update('a', { $set: { n } });
      done = true;
    })();
    while (!done) {
      using snapshot = db.snapshot();
      expect(snapshot.seq).toBe(db.seq);
      const { n } = snapshot.get<{ n: number }>('a') as { n: number };
      expect(snapshot.query({ _type: 'a', n })).toHaveLength(1);
      expect(snapshot.count({ _type: 'a', n: { $ne: n } })).toBe(0);
      expect(await db.get('a')).toMatchObject({ n });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    await db.close();
  });

  it('does not care what a listener throws', async () => {
    const db = await open(MEMORY);
    const caught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => caught.push(error));
    db.onCommit(() => {
      throw new Error('mine');
    });
    await db.put({ _id: 'a', _type: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(caught).toEqual([new Error('mine')]);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
  });
});

describe('closing', () => {
  it('lets writes that were submitted finish', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const writes = Array.from({ length: 50 }, (_, n) => db.put({ _id: `a${n}`, _type: 'a' }));
    const closed = db.close();
    // One that comes while the floors above still close is either durable or refused.
    const late = await Promise.allSettled([db.put({ _id: 'late', _type: 'b' })]);
    await Promise.all([...writes, closed]);
    const again = await open(path);
    expect(await again.query({ _type: 'a' }).count()).toBe(50);
    expect(await again.query({ _type: 'b' }).count()).toBe(late[0].status === 'fulfilled' ? 1 : 0);
    await again.close();
  });

  it.each(['memory', 'lmdb'])('ends every verb with STORE_CLOSED, on %s', async (engine) => {
    const db = await open(engine === 'memory' ? MEMORY : temporaryStore());
    await db.put([1, 2].map((n) => ({ _id: `a${n}`, _type: 'a', n })));
    const snapshot = db.snapshot();
    const iterator = db.query({ _type: 'a' })[Symbol.asyncIterator]();
    await iterator.next();
    const watcher = db.watch();
    const waiting = watcher.next();
    let leave = () => {};
    const inside = db.transaction(async (tx) => {
      await tx.put({ _id: 'tx', _type: 'a' });
      await new Promise<void>((resolve) => {
        leave = resolve;
      });
      return tx.get('a1');
    });
    await db.close();
    await db.close();
    leave();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const verbs: (() => unknown)[] = [
      () => db.get('a1'),
      () => db.getMany(['a1']),
      () => db.query({ _type: 'a' }).toArray(),
      () => db.query({ _type: 'a' }).count(),
      () => db.query({ _type: 'a' }).explain(),
      () => db.query({ _type: 'a' })[Symbol.asyncIterator]().next(),
      () => db.aggregate([]),
      () => db.insert({ _type: 'a' }),
      () => db.put({ _type: 'a' }),
      () => db.update('a1', { $set: { n: 2 } }),
      () => db.update({ _type: 'a' }, { $set: { n: 2 } }),
      () => db.remove('a1'),
      () => db.transaction((tx) => tx.get('a1')),
      () => db.history('a1'),
      () => db.restore('a1', 1),
      () => db.snapshot(),
      () => db.check(),
      () => db.audit.verify(),
      () => snapshot.get('a1'),
      () => snapshot.query({ _type: 'a' }),
      () => snapshot.query({ _type: 'a', n: 1 }),
      () => snapshot.count(),
      () => iterator.next(),
      () => inside,
    ];
    for (const verb of verbs) {
      expect(await failure(async () => verb())).toMatchObject({ code: 'STORE_CLOSED' });
    }
    snapshot.close();
    await iterator.return?.();
    const ended = db.watch();
    expect(await ended.next()).toMatchObject({ done: true });
  });
});

describe('a store that is closing', () => {
  it('finishes the writes that began before, and refuses those that begin after', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const before = db.put({ _id: 'before', _type: 'a' });
    const closing = db.close();
    const code = { code: 'STORE_CLOSED' };
    await expect(db.put({ _id: 'after', _type: 'a' })).rejects.toMatchObject(code);
    await expect(db.insert({ _id: 'after', _type: 'a' })).rejects.toMatchObject(code);
    await expect(db.update('before', { $set: { n: 1 } })).rejects.toMatchObject(code);
    await expect(db.remove('before')).rejects.toMatchObject(code);
    await expect(db.transaction(() => {})).rejects.toMatchObject(code);
    await expect(db.import('{"_id":"after","_type":"a"}')).rejects.toMatchObject(code);
    await before;
    await closing;
    await using again = await open(path);
    expect(await again.get('before')).toMatchObject({ _rev: 1 });
    expect(await again.get('after')).toBeUndefined();
  });
});
