import { expect, it } from 'vitest';
import { systemClock } from '#jdbx/base/clock.js';
import { DocumentCache } from '#jdbx/documents/cache.js';
import { Database } from '#jdbx/documents/database.js';
import { Store } from '#jdbx/documents/store.js';
import { createBoundedIndex, nativeMissing } from '#jdbx/indexes/native.js';
import { openMemory } from '#jdbx/storage/memory/engine.js';

/** A database whose indexes have so little memory that some thousand entries fill one. */
function smallDatabase(): Database {
  const store = new Store(openMemory(), {
    clock: systemClock,
    indexKind: { name: 'native', create: () => createBoundedIndex(128 * 1024) },
    cache: new DocumentCache(0),
    logCommits: 1_000,
  });
  return new Database(store, []);
}

const codeOf = (outcome: PromiseSettledResult<unknown>): unknown =>
  outcome.status === 'fulfilled' ? 'ok' : (outcome.reason as { code?: string }).code;

it.skipIf(nativeMissing)(
  'lets those of a batch through for whom the indexes have memory, and refuses the others alone',
  async () => {
    const db = smallDatabase();
    await db.put({ _id: 'index:a', _type: 'index', type: 'a', key: { word: 1 } });
    await db.put([0, 1, 2].map((n) => ({ _id: `first-${n}`, _type: 'a', word: `word ${n}` })));
    const ids = Array.from({ length: 5_000 }, (_, n) => `a-${n}`);
    const inserts = ids.map((_id, n) => db.insert({ _id, _type: 'a', word: `${n} of many` }));
    const [removed, ...outcomes] = await Promise.allSettled([
      ...[db.remove('first-0')],
      ...inserts,
      db.remove('first-1'),
    ]);
    const codes = outcomes.map(codeOf);
    expect([codeOf(removed as PromiseSettledResult<unknown>), codes.pop()]).toEqual(['ok', 'ok']);
    expect(new Set(codes)).toEqual(new Set(['ok', 'INDEX_FULL']));
    const stored = ids.filter((_, n) => codes[n] === 'ok');
    expect(await db.query({ _type: 'a' }).count()).toBe(stored.length + 1);
    expect(await db.query({ _type: 'a', word: { $gt: 'word 1' } }).count()).toBe(1);
    const found = await db.getMany(ids);
    expect(found.map((document) => document !== undefined)).toEqual(codes.map((c) => c === 'ok'));
    expect(await db.query({ _type: 'a', word: { $lt: 'w' } }).count()).toBe(stored.length);
    await db.close();
  },
);
