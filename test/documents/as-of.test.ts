import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { temporaryStore } from '../storage/temporary.js';

interface Prompt {
  readonly _id: string;
  readonly n: number;
}

/** A clock that ticks a second with each look. */
function ticking() {
  let at = Date.parse('2030-01-01T00:00:00Z');
  return { now: () => (at += 1_000) };
}

describe.each(['on disk', 'in memory'])('reading as of an earlier commit, %s', (where) => {
  let db: Jdbx;
  const path = where === 'on disk' ? temporaryStore() : MEMORY;
  beforeEach(async () => {
    const fresh = where === 'on disk' ? temporaryStore() : path;
    db = await open(fresh, { clock: ticking() });
  });
  afterEach(() => db.close());

  const put = async (id: string, n: number) => {
    await db.put({ _id: id, _type: 'prompt', template: '', n });
    return db.seq;
  };

  it('shows each document as it was, also those that were removed or made again', async () => {
    const model: (Record<string, number> | undefined)[] = [];
    const state: Record<string, number> = {};
    let random = 7;
    for (let step = 0; step < 60; step++) {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      const id = `p${random % 5}`;
      if (random % 3 === 0 && state[id] !== undefined) {
        await db.remove(id);
        delete state[id];
      } else state[id] = (await put(id, step)) && step;
      model[db.seq] = { ...state };
    }
    for (const [seq, expected] of model.entries()) {
      if (!expected) continue;
      const past = db.asOf(seq);
      const found = await past.query<Prompt>({ _type: 'prompt' }).sort({ _id: 1 });
      expect(Object.fromEntries(found.map(({ _id, n }) => [_id, n]))).toEqual(expected);
      for (let at = 0; at < 5; at++) {
        expect((await past.get<Prompt>(`p${at}`))?.n).toBe(expected[`p${at}`]);
      }
    }
  });

  it('takes a date as well, and filters, sorts and counts what was then', async () => {
    for (let n = 0; n < 5; n++) await put(`p${n}`, n);
    const [, second] = [await db.history('p1'), await db.history('p2')];
    const then = new Date(second?.[0]?.at as string);
    for (let n = 0; n < 5; n++) await put(`p${n}`, n + 10);
    const past = db.asOf(then);
    expect(await past.query({ _type: 'prompt' }).count()).toBe(3);
    expect(
      await past
        .query<Prompt>({ _type: 'prompt', n: { $gt: 0 } })
        .sort({ n: -1 })
        .first(),
    ).toMatchObject({ _id: 'p2', n: 2 });
    expect(await past.query({ _type: 'prompt', n: { $gte: 10 } }).count()).toBe(0);
    expect(await db.asOf(new Date(0)).query({ _type: 'prompt' }).count()).toBe(0);
  });

  it('tells in the history when a document was removed', async () => {
    await put('p', 1);
    await db.remove('p');
    expect(await db.history('p')).toMatchObject([{ rev: 1, removed: { seq: db.seq } }]);
  });

  it('refuses what was never kept, with the oldest commit that is', async () => {
    await db.put({ _id: 'x', _type: 'note', n: 1 });
    const { seq } = db;
    expect(await db.asOf(seq).get('x')).toMatchObject({ n: 1 });
    await db.put({ _id: 'x', _type: 'note', n: 2 });
    await expect(db.asOf(seq).get('x')).rejects.toMatchObject({
      code: 'NOT_RETAINED',
      details: { oldest: db.seq },
    });
    const query = db.asOf(seq).query({ _type: 'note' });
    await expect(query.toArray()).rejects.toMatchObject({ code: 'INVALID_FILTER', path: '_type' });
    await expect(db.asOf(seq).query({}).count()).rejects.toMatchObject({ code: 'INVALID_FILTER' });
  });

  it('does not guess about documents from before their type was kept', async () => {
    for (const id of ['a', 'b', 'c']) await db.put({ _id: id, _type: 'note', n: 1 });
    await db.put({ _id: 'versioning:note', _type: 'versioning', type: 'note' });
    const { seq } = db;
    await db.put({ _id: 'a', _type: 'note', n: 2 });
    expect(await db.asOf(seq).get('c')).toMatchObject({ n: 1 });
    await expect(db.asOf(seq).get('a')).rejects.toMatchObject({ code: 'NOT_RETAINED' });
    await db.remove('b');
    await expect(db.asOf(seq).query({ _type: 'note' }).count()).rejects.toMatchObject({
      code: 'NOT_RETAINED',
      details: { oldest: db.seq },
    });
    expect(await db.asOf(db.seq).query({ _type: 'note' }).count()).toBe(2);
  });

  it.each([['1'], [-1], [1.5], [Number.NaN], [new Date('x')], [null], [1_000_000]])(
    'refuses %s for a moment',
    (point) => {
      expect(() => db.asOf(point as never)).toThrow(/^asOf: expected/);
    },
  );
});
