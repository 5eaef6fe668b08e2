import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open, type Transaction } from '#jdbx/index.js';
import { failure } from '../storage/temporary.js';

let db: Jdbx;
beforeEach(async () => {
  db = await open(MEMORY);
});
afterEach(() => db.close());

describe('a transaction sees its own writes', () => {
  beforeEach(async () => {
    await db.put({ _id: 'index:item.n', _type: 'index', type: 'item', key: { n: 1 } });
    await db.insert([1, 2, 3, 4].map((n) => ({ _id: `i${n}`, _type: 'item', n, group: n % 2 })));
  });

  /** Four stored; one changed, one removed, one new: n is 2, 3, 10 and 40. */
  const write = async (tx: Transaction): Promise<void> => {
    await tx.put({ _id: 'i1', _type: 'item', n: 10, group: 0 });
    await tx.update('i4', { $mul: { n: 10 } });
    await tx.insert({ _id: 'i5', _type: 'item', n: 5, group: 1 });
    await tx.remove('i5');
    await tx.insert({ _id: 'i6', _type: 'item', n: 6, group: 1 });
    await tx.remove({ n: 6, _type: 'item' });
  };

  it('by id', () =>
    db.transaction(async (tx) => {
      await write(tx);
      expect(await tx.get('i1')).toEqual({ _id: 'i1', _type: 'item', _rev: 2, n: 10, group: 0 });
      expect(await tx.getMany(['i5', 'i2'])).toMatchObject([undefined, { n: 2 }]);
    }));

  it.each([
    [{ _type: 'item' }, [2, 3, 10, 40]],
    [{ _type: 'item', n: { $gt: 2 } }, [3, 10, 40]],
    [{ _type: 'item', n: 1 }, []],
    [{ _type: 'item', n: { $in: [2, 4, 40] } }, [2, 40]],
    [{ _id: 'i1' }, [10]],
    [{ group: 0 }, [2, 10, 40]],
    [{ n: { $gte: 40 } }, [40]],
  ])('by filter, through an index or not: %j', (filter, numbers) =>
    db.transaction(async (tx) => {
      await write(tx);
      const found = await tx.query<{ n: number }>(filter).sort({ n: 1 });
      expect(found.map(({ n }) => n)).toEqual(numbers);
      expect(await tx.query(filter).count()).toBe(numbers.length);
      const down = await tx.query<{ n: number }>(filter).sort({ n: -1 }).limit(2);
      expect(down.map(({ n }) => n)).toEqual(numbers.toReversed().slice(0, 2));
    }),
  );

  it('in order, cut, projected, iterated and explained', () =>
    db.transaction(async (tx) => {
      await write(tx);
      const sorted = tx.query({ _type: 'item' }).sort({ n: -1 });
      expect(await sorted.skip(1).limit(2).project({ n: 1, _id: 0 })).toEqual([
        { n: 10 },
        { n: 3 },
      ]);
      const seen: unknown[] = [];
      for await (const { _id } of sorted) seen.push(_id);
      expect(seen).toEqual(['i4', 'i1', 'i3', 'i2']);
      expect(await sorted.first()).toMatchObject({ n: 40 });
      const explained = await tx.query({ _type: 'item', n: 10 }).explain();
      expect(JSON.stringify(explained)).toContain('index:item.n');
    }));

  it('in aggregation, $lookup included', () =>
    db.transaction(async (tx) => {
      await write(tx);
      await tx.insert({ _id: 'o', _type: 'order', of: 'i1' });
      const sums = [
        { $match: { _type: 'item' } },
        { $group: { _id: '$group', n: { $sum: '$n' } } },
        { $sort: { _id: 1 } },
      ];
      expect(await tx.aggregate(sums)).toEqual([
        { _id: 0, n: 52 },
        { _id: 1, n: 3 },
      ]);
      const joined = [
        { $match: { _type: 'order' } },
        { $lookup: { from: 'item', localField: 'of', foreignField: '_id', as: 'items' } },
        { $project: { _id: 0, n: '$items.n' } },
      ];
      expect(await tx.aggregate(joined)).toEqual([{ n: [10] }]);
    }));

  it('and is stored as it saw itself', async () => {
    const inside = await db.transaction(async (tx) => {
      await write(tx);
      return tx.query({ _type: 'item' }).sort({ _id: 1 }).toArray();
    });
    expect(await db.query({ _type: 'item' }).sort({ _id: 1 })).toEqual(inside);
    expect(await db.check()).toMatchObject({ ok: true });
  });
});

describe('a transaction', () => {
  it('shows nothing outside before it returns, and is one commit then', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 1 });
    const before = db.seq;
    const result = await db.transaction(async (tx) => {
      await tx.put({ _id: 'a', _type: 'a', n: 2 });
      await tx.insert({ _id: 'b', _type: 'a' });
      expect(await db.get('a')).toMatchObject({ n: 1 });
      expect(await db.query({ _type: 'a' }).count()).toBe(1);
      return 'result';
    });
    expect(result).toBe('result');
    expect(db.seq).toBe(before + 1);
    expect(await db.get('a')).toMatchObject({ n: 2 });
    expect(await db.get('b')).toBeDefined();
  });

  it('keeps reading its snapshot while others commit', async () => {
    await db.insert([1, 2].map((n) => ({ _id: `a${n}`, _type: 'a', n })));
    await db.transaction(async (tx) => {
      const { seq } = tx;
      await db.put({ _id: 'a1', _type: 'a', n: 9 });
      await db.remove('a2');
      await db.put({ _id: 'a3', _type: 'a', n: 3 });
      expect(tx.seq).toBe(seq);
      expect(await tx.get('a1')).toMatchObject({ n: 1 });
      expect(await tx.query({ _type: 'a' }).sort({ n: 1 })).toMatchObject([{ n: 1 }, { n: 2 }]);
    });
  });

  it('writes nothing when it throws', async () => {
    const before = db.seq;
    const error = new Error('mine');
    const thrown = await failure(
      db.transaction(async (tx) => {
        await tx.put({ _id: 'a', _type: 'a' });
        throw error;
      }),
    );
    expect(thrown).toBe(error);
    expect(db.seq).toBe(before);
    expect(await db.get('a')).toBeUndefined();
  });

  it('that only reads makes no commit', async () => {
    const before = db.seq;
    await db.transaction((tx) => tx.get('a'));
    expect(db.seq).toBe(before);
  });

  it('runs again when what it wrote was changed meanwhile', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 0 });
    let runs = 0;
    await db.transaction(async (tx) => {
      runs++;
      const seen = (await tx.get<{ n: number }>('a')) as { n: number };
      if (runs <= 2) await db.update('a', { $inc: { n: 10 } });
      await tx.put({ _id: 'a', _type: 'a', n: seen.n + 1 });
    });
    expect(runs).toBe(3);
    expect(await db.get('a')).toMatchObject({ n: 21 });
  });

  it('gives up with CONFLICT when the retries are used up', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 0 });
    let runs = 0;
    const always = async (tx: Transaction) => {
      runs++;
      await db.update('a', { $inc: { n: 1 } });
      await tx.put({ _id: 'a', _type: 'a', n: -1 });
    };
    await expect(db.transaction(always, { retries: 2 })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(runs).toBe(3);
    expect(await db.get('a')).toMatchObject({ n: 3 });
  });

  it.each([
    ['removed', () => db.remove('a')],
    ['made', () => db.put({ _id: 'new', _type: 'a' })],
  ])('notices that what it wrote was %s meanwhile', async (_, meanwhile) => {
    await db.put({ _id: 'a', _type: 'a' });
    const work = async (tx: Transaction) => {
      await tx.put({ _id: 'a', _type: 'a', mine: true });
      await tx.put({ _id: 'new', _type: 'a', mine: true });
      await meanwhile();
      await meanwhile();
    };
    const outcome = await failure(db.transaction(work, { retries: 0 }));
    expect(outcome).toMatchObject({ code: 'CONFLICT' });
    expect(await db.query({ mine: true }).count()).toBe(0);
  });

  it('by 20 callers at once on one document ends exact', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 0 });
    const add = async (tx: Transaction) => {
      const { n } = (await tx.get<{ n: number }>('a')) as { n: number };
      await tx.update('a', { $set: { n: n + 1 } });
    };
    await Promise.all(Array.from({ length: 20 }, () => db.transaction(add, { retries: 30 })));
    expect(await db.get('a')).toMatchObject({ n: 20, _rev: 21 });
  });

  it('needs one more run for each that was before it, not two', async () => {
    await db.put({ _id: 'a', _type: 'a', n: 0 });
    let runs = 0;
    const add = async (tx: Transaction) => {
      runs++;
      await tx.update('a', { $inc: { n: 1 } });
    };
    await Promise.all([db.transaction(add), db.transaction(add), db.transaction(add)]);
    expect(runs).toBe(6);
  });

  it('gives the revisions that the commit gives', async () => {
    await db.put({ _id: 'versioning:kept', _type: 'versioning', type: 'kept' });
    await db.put({ _id: 'k', _type: 'kept' });
    await db.put({ _id: 'k', _type: 'kept' });
    await db.remove('k');
    await db.put({ _id: 'a', _type: 'a' });
    const inside = await db.transaction(async (tx) => [
      await tx.put({ _id: 'a', _type: 'a' }),
      await tx.put({ _id: 'a', _type: 'a', again: 1 }),
      await tx.put({ _id: 'k', _type: 'kept' }),
    ]);
    expect(inside.map(({ _rev }) => _rev)).toEqual([2, 2, 3]);
    expect((await db.getMany(['a', 'k'])).map((each) => each?._rev)).toEqual([2, 3]);
  });

  it('checks _rev against its own writes', () =>
    db.transaction(async (tx) => {
      const made = await tx.put({ _id: 'a', _type: 'a' });
      await tx.put({ ...made, n: 2 });
      await tx.remove('a');
      expect(await failure(tx.put({ ...made }))).toMatchObject({ code: 'CONFLICT' });
      await tx.insert({ _id: 'a', _type: 'a' });
      expect(await failure(tx.insert({ _id: 'a', _type: 'a' }))).toMatchObject({
        code: 'DUPLICATE_ID',
      });
    }));

  it('is over when its function has returned', async () => {
    let leaked: Transaction | undefined;
    await db.transaction((tx) => {
      leaked = tx;
    });
    const tx = leaked as Transaction;
    for (const verb of [
      () => tx.get('a'),
      () => tx.query({}).toArray(),
      () => tx.put({ _id: 'a', _type: 'a' }),
      () => tx.remove('a'),
      () => tx.aggregate([]),
    ]) {
      expect(await failure(verb())).toMatchObject({ code: 'STORE_CLOSED' });
    }
  });

  it('is refused over 10,000 documents', async () => {
    const work = async (tx: Transaction) => {
      for (let n = 0; n <= 10_000; n++) await tx.put({ _id: `a${n}`, _type: 'a' });
    };
    await expect(db.transaction(work)).rejects.toMatchObject({ code: 'TRANSACTION_TOO_LARGE' });
    expect(await db.query({ _type: 'a' }).count()).toBe(0);
  });

  it('updates and upserts like the database', () =>
    db.transaction(async (tx) => {
      await tx.insert({ _id: 'a', _type: 'a', n: 1 });
      expect(await tx.update({ _type: 'a' }, { $inc: { n: 1 } }, { many: true })).toEqual({
        matched: 1,
        modified: 1,
      });
      expect(await tx.update('a', { $set: { n: 2 } })).toEqual({ matched: 1, modified: 0 });
      const filter = { _type: 'a', _id: 'b' };
      expect(await tx.update(filter, { $set: { n: 5 } }, { upsert: true })).toEqual({
        matched: 0,
        modified: 0,
        upserted: 'b',
      });
      expect(await tx.get('b')).toMatchObject({ n: 5, _rev: 1 });
    }));
});
