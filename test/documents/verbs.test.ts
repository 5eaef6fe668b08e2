import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { failure, temporaryStore } from '../storage/temporary.js';

/** The rules of documents and verbs, through the public door, on both engines. */
describe.each(['memory', 'lmdb'])('documents on the %s engine', (engine) => {
  let db: Jdbx;
  beforeEach(async () => {
    db = await open(engine === 'memory' ? MEMORY : temporaryStore());
  });
  afterEach(() => db.close());

  describe('identity', () => {
    it('makes an id from the type when none is given', async () => {
      const { _id } = await db.insert({ _type: 'pattern', n: 1 });
      expect(_id).toMatch(/^pattern:[\w-]{21}$/);
      expect(await db.get(_id)).toEqual({ _id, _type: 'pattern', _rev: 1, n: 1 });
    });

    it('takes any unicode, NUL and 1,000 bytes as an id', async () => {
      for (const _id of ['é😀', 'a\0b', '\0', 'x'.repeat(1_000), 'é'.repeat(500)]) {
        await db.put({ _id, _type: 'a', _note: _id });
        expect(await db.get(_id)).toMatchObject({ _id, _note: _id });
        expect(await db.query({ _id }).count()).toBe(1);
      }
    });

    it.each([
      [{ _id: '', _type: 'a' }, '_id'],
      [{ _id: 5, _type: 'a' }, '_id'],
      [{ _id: 'x'.repeat(1_001), _type: 'a' }, '_id'],
      [{ _id: 'é'.repeat(501), _type: 'a' }, '_id'],
      [{ _id: 'a' }, '_type'],
      [{ _id: 'a', _type: '' }, '_type'],
      [{ _id: 'a', _type: 5 }, '_type'],
      [{ _id: 'a', _type: 'a', _rev: 0 }, '_rev'],
      [{ _id: 'a', _type: 'a', _rev: 1.5 }, '_rev'],
      [{ _id: 'a', _type: 'a', _rev: '1' }, '_rev'],
      [{ _id: 'a', _type: 'a', metrics: { rate: Number.NaN } }, 'metrics.rate'],
      [{ _id: 'a', _type: 'a', list: [1, () => 1] }, 'list.1'],
      [{ _id: 'a', _type: 'a', map: new Map() }, 'map'],
    ])('refuses a document that breaks a rule, and names where: %#', async (document, path) => {
      const before = db.seq;
      for (const write of [
        () => db.put(document as never),
        () => db.insert(document as never),
        () => db.transaction((tx) => tx.put(document as never)),
      ]) {
        expect(await failure(write())).toMatchObject({ code: 'INVALID_DOCUMENT', path });
      }
      expect(db.seq).toBe(before);
    });

    it('refuses what is no document at all', async () => {
      for (const input of [null, undefined, 5, 'text', new Date(), new Uint8Array(1)]) {
        expect(await failure(db.put(input as never))).toBeInstanceOf(Error);
      }
    });

    it('refuses a document over the size', async () => {
      const text = 'x'.repeat(16 * 2 ** 20);
      await expect(db.put({ _type: 'a', text })).rejects.toMatchObject({
        code: 'DOCUMENT_TOO_LARGE',
      });
    });

    it('leaves undefined out, as JSON does', async () => {
      const given = { _id: 'a', _type: 'a', gone: undefined, list: [1, undefined] };
      await db.put(given);
      expect(await db.get('a')).toStrictEqual({ _id: 'a', _type: 'a', _rev: 1, list: [1, null] });
    });

    it('answers undefined for what is not there', async () => {
      expect(await db.get('nobody')).toBeUndefined();
      await db.put({ _id: 'a', _type: 'a' });
      const found = await db.getMany(['nobody', 'a', 'a']);
      expect(found.map((each) => (each as { _id?: string })?._id)).toEqual([undefined, 'a', 'a']);
    });
  });

  describe('revisions', () => {
    it('counts from 1 with every change', async () => {
      for (const rev of [1, 2, 3]) {
        expect(await db.put({ _id: 'a', _type: 'a', n: rev })).toMatchObject({ _rev: rev });
      }
    });

    it('refuses a lost update', async () => {
      const seen = await db.put({ _id: 'a', _type: 'a', n: 1 });
      await db.put({ ...seen, n: 2 });
      const error = await failure(db.put({ ...seen, n: 3 }));
      expect(error).toMatchObject({
        code: 'CONFLICT',
        details: { id: 'a', expected: 1, found: 2 },
      });
      expect(await db.get('a')).toMatchObject({ n: 2, _rev: 2 });
    });

    it('lets one of two concurrent updates of one revision through', async () => {
      const seen = await db.put({ _id: 'a', _type: 'a', n: 0 });
      const outcomes = await Promise.allSettled([1, 2, 3].map((n) => db.put({ ...seen, n })));
      expect(outcomes.map(({ status }) => status).sort()).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
      ]);
      expect(await db.get('a')).toMatchObject({ n: 1, _rev: 2 });
    });

    it('refuses a revision of what is not there, and of the future', async () => {
      for (const write of ['put', 'insert'] as const) {
        await expect(db[write]({ _id: 'a', _type: 'a', _rev: 1 })).rejects.toMatchObject({
          code: 'CONFLICT',
        });
        const inside = db.transaction((tx) => tx[write]({ _id: 'a', _type: 'a', _rev: 1 }));
        await expect(inside).rejects.toMatchObject({ code: 'CONFLICT' });
      }
      await db.put({ _id: 'a', _type: 'a' });
      await expect(db.put({ _id: 'a', _type: 'a', _rev: 2 })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    });

    it('replaces whatever is there without a revision, its type too', async () => {
      await db.put({ _id: 'a', _type: 'a', old: 1 });
      await db.put({ _id: 'a', _type: 'b', n: 2 });
      expect(await db.get('a')).toStrictEqual({ _id: 'a', _type: 'b', _rev: 2, n: 2 });
      expect(await db.query({ _type: 'a' }).count()).toBe(0);
      expect(await db.query({ _type: 'b' }).count()).toBe(1);
    });
  });

  describe('what a read returns', () => {
    it('is deeply frozen and not the object that was put', async () => {
      const given = { _id: 'a', _type: 'a', deep: { list: [{ n: 1 }] } };
      await db.put(given);
      (given.deep.list[0] as { n: number }).n = 2;
      const read = (await db.get<typeof given>('a')) as typeof given;
      expect(read.deep.list[0]?.n).toBe(1);
      for (const part of [read, read.deep, read.deep.list, read.deep.list[0]]) {
        expect(Object.isFrozen(part)).toBe(true);
      }
      const [found] = await db.query<typeof given>({ _type: 'a' });
      expect(Object.isFrozen(found?.deep.list[0])).toBe(true);
    });

    it('is one shared object where it can be frozen', async () => {
      await db.put({ _id: 'a', _type: 'a', deep: { n: 1 } });
      expect(await db.get('a')).toBe(await db.get('a'));
    });

    it('is a copy for each reader where it holds a date or bytes', async () => {
      const given = { when: new Date(5), bytes: new Uint8Array([1]) };
      const returned = (await db.put({
        _id: 'a',
        _type: 'a',
        ...given,
      })) as unknown as typeof given;
      given.when.setTime(1);
      returned.when.setTime(2);
      returned.bytes[0] = 2;
      for (let round = 0; round < 2; round++) {
        const read = (await db.get<typeof given>('a')) as typeof given;
        expect(read).toMatchObject({ when: new Date(5), bytes: new Uint8Array([1]) });
        expect(read.bytes.constructor).toBe(Uint8Array);
        read.when.setTime(3);
        const [found] = await db.query<typeof given>({ _type: 'a', when: new Date(5) });
        found?.when.setTime(4);
      }
      expect(await db.query({ when: new Date(5) }).count()).toBe(1);
    });

    it('does not let a transaction change what it is about to write by a date', async () => {
      await db.transaction(async (tx) => {
        const made = (await tx.put({ _id: 'a', _type: 'a', when: new Date(5) })) as unknown as {
          when: Date;
        };
        made.when.setTime(9);
        const [found] = await tx.query<{ when: Date }>({ _type: 'a' });
        found?.when.setTime(9);
        (await tx.get<{ when: Date }>('a'))?.when.setTime(9);
      });
      expect(await db.get('a')).toMatchObject({ when: new Date(5) });
    });
  });

  describe('insert', () => {
    it('refuses an id that exists', async () => {
      await db.insert({ _id: 'a', _type: 'a' });
      await expect(db.insert({ _id: 'a', _type: 'b' })).rejects.toMatchObject({
        code: 'DUPLICATE_ID',
        details: { id: 'a' },
      });
    });

    it('of several is one commit, all or nothing', async () => {
      const before = db.seq;
      const made = await db.insert([1, 2, 3].map((n) => ({ _id: `a${n}`, _type: 'a', n })));
      expect(made.map(({ _id }) => _id)).toEqual(['a1', 'a2', 'a3']);
      expect(db.seq).toBe(before + 1);
      const more = [
        { _id: 'b1', _type: 'a' },
        { _id: 'a2', _type: 'a' },
      ];
      await expect(db.insert(more)).rejects.toMatchObject({ code: 'DUPLICATE_ID' });
      const twice = [
        { _id: 'c', _type: 'a' },
        { _id: 'c', _type: 'a' },
      ];
      await expect(db.insert(twice)).rejects.toMatchObject({ code: 'DUPLICATE_ID' });
      expect(await db.getMany(['b1', 'c'])).toEqual([undefined, undefined]);
      expect(db.seq).toBe(before + 1);
      expect(await db.insert([])).toEqual([]);
    });

    it('begins again at revision 1 after a removal', async () => {
      await db.put({ _id: 'a', _type: 'a' });
      await db.put({ _id: 'a', _type: 'a' });
      await db.remove('a');
      expect(await db.insert({ _id: 'a', _type: 'a' })).toMatchObject({ _rev: 1 });
    });
  });

  describe('put of several', () => {
    it('is one commit, checked document by document', async () => {
      const before = db.seq;
      await db.put([
        { _id: 'a', _type: 'a', n: 1 },
        { _id: 'b', _type: 'a', n: 1 },
        { _id: 'a', _type: 'a', n: 2 },
      ]);
      expect(db.seq).toBe(before + 1);
      expect(await db.get('a')).toMatchObject({ n: 2, _rev: 1 });
      const stale = [
        { _id: 'b', _type: 'a', n: 9 },
        { _id: 'a', _type: 'a', _rev: 7 },
      ];
      await expect(db.put(stale)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await db.get('b')).toMatchObject({ n: 1 });
    });

    it('is refused over 10,000 documents', async () => {
      const before = db.seq;
      const many = Array.from({ length: 10_001 }, (_, n) => ({ _id: `a${n}`, _type: 'a' }));
      await expect(db.put(many)).rejects.toMatchObject({ code: 'TRANSACTION_TOO_LARGE' });
      expect(db.seq).toBe(before);
      await db.put(many.slice(1));
      expect(await db.query({ _type: 'a' }).count()).toBe(10_000);
    });
  });

  describe('update', () => {
    beforeEach(() =>
      db.insert([1, 2, 3, 4].map((n) => ({ _id: `a${n}`, _type: 'a', n, list: [n] }))),
    );

    it('by id', async () => {
      expect(await db.update('a1', { $inc: { n: 10 }, $push: { list: 5 } })).toEqual({
        matched: 1,
        modified: 1,
      });
      expect(await db.get('a1')).toMatchObject({ n: 11, list: [1, 5], _rev: 2 });
      expect(await db.update('nobody', { $inc: { n: 1 } })).toEqual({ matched: 0, modified: 0 });
    });

    it('by filter changes the first, or with many each', async () => {
      expect(await db.update({ _type: 'a', n: { $gt: 2 } }, { $set: { x: 1 } })).toEqual({
        matched: 1,
        modified: 1,
      });
      expect(await db.query({ _type: 'a', x: 1 }).count()).toBe(1);
      const before = db.seq;
      const all = await db.update({ _type: 'a' }, { $set: { x: 1 } }, { many: true });
      expect(all).toEqual({ matched: 4, modified: 3 });
      expect(db.seq).toBe(before + 1);
      expect(await db.query({ _type: 'a', x: 1 }).count()).toBe(4);
    });

    it('that changes nothing writes nothing', async () => {
      const before = db.seq;
      expect(await db.update('a1', { $set: { n: 1 } })).toEqual({ matched: 1, modified: 0 });
      expect(db.seq).toBe(before);
      expect(await db.get('a1')).toMatchObject({ _rev: 1 });
    });

    it('with upsert makes what it does not find, from the filter and the update', async () => {
      const result = await db.update(
        { _type: 'a', _id: 'a9', kind: 'new' },
        { $inc: { n: 5 }, $setOnInsert: { first: true } },
        { upsert: true },
      );
      expect(result).toEqual({ matched: 0, modified: 0, upserted: 'a9' });
      expect(await db.get('a9')).toStrictEqual({
        _id: 'a9',
        _type: 'a',
        _rev: 1,
        kind: 'new',
        n: 5,
        first: true,
      });
      const again = await db.update({ _id: 'a9' }, { $inc: { n: 5 } }, { upsert: true });
      expect(again).toEqual({ matched: 1, modified: 1 });
      const typeless = db.update('b1', { $set: { n: 1 } }, { upsert: true });
      await expect(typeless).rejects.toMatchObject({ code: 'INVALID_DOCUMENT', path: '_type' });
    });

    it('with upsert by many at once makes one document', async () => {
      const results = await Promise.all(
        Array.from({ length: 30 }, () =>
          db.update({ _id: 'count', _type: 'c' }, { $inc: { n: 1 } }, { upsert: true }),
        ),
      );
      expect(results.filter(({ upserted }) => upserted === 'count')).toHaveLength(1);
      expect(await db.get('count')).toMatchObject({ n: 30 });
    });

    it('by 200 callers at once loses nothing', async () => {
      await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          at % 2 === 0
            ? db.update('a1', { $inc: { n: 1 } })
            : db.update({ _type: 'a', list: 1 }, { $inc: { n: 1 } }),
        ),
      );
      expect(await db.get('a1')).toMatchObject({ n: 201, _rev: 201 });
    });

    it('claims each document once, however many claim', async () => {
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          db.update({ _type: 'a', owner: { $exists: false } }, { $set: { owner: `w${at}` } }),
        ),
      );
      expect(claims.reduce((sum, { modified }) => sum + modified, 0)).toBe(4);
      const owners = await db.query<{ owner: string }>({ _type: 'a' });
      expect(new Set(owners.map(({ owner }) => owner)).size).toBe(4);
    });

    it.each([
      [{ $set: { _id: 'b' } }],
      [{ $set: { _type: 'b' } }],
      [{ $set: { _rev: 7 } }],
      [{ $nonsense: { n: 1 } }],
      [{ $inc: { list: 1 } }],
    ])('refuses %j', async (update) => {
      const error = await failure(db.update('a1', update));
      expect(error).toMatchObject({ code: 'INVALID_UPDATE' });
      expect(await db.get('a1')).toMatchObject({ n: 1, _rev: 1 });
    });

    it('refuses a filter that the language does not know', async () => {
      const bad = { n: { $nonsense: 1 } };
      for (const verb of [
        () => db.update(bad, { $set: { n: 1 } }),
        () => db.remove(bad),
        () => db.query(bad).toArray(),
      ]) {
        expect(await failure(verb())).toMatchObject({ code: 'INVALID_FILTER' });
      }
    });
  });

  describe('remove', () => {
    beforeEach(() => db.insert([1, 2, 3, 4].map((n) => ({ _id: `a${n}`, _type: 'a', n }))));

    it('by id, and by filter one or many', async () => {
      expect(await db.remove('a1')).toEqual({ removed: 1 });
      expect(await db.remove('a1')).toEqual({ removed: 0 });
      expect(await db.get('a1')).toBeUndefined();
      expect(await db.remove({ _type: 'a' })).toEqual({ removed: 1 });
      const before = db.seq;
      expect(await db.remove({ _type: 'a' }, { many: true })).toEqual({ removed: 2 });
      expect(db.seq).toBe(before + 1);
      expect(await db.query({ _type: 'a' })).toEqual([]);
    });
  });

  describe('a collection', () => {
    it('fills its type on writes and adds it to filters', async () => {
      const notes = db.collection<{ n: number }>('note');
      const { _id } = await notes.insert({ n: 1 });
      expect(_id).toMatch(/^note:/);
      await notes.insert([{ n: 2 }, { _id: 'x', n: 3 }]);
      await db.put({ _id: 'other', _type: 'other', n: 1 });
      expect(await notes.query({ n: { $gte: 2 } }).count()).toBe(2);
      expect(await notes.get('other')).toBeUndefined();
      expect(await notes.query({ _type: 'other' }).count()).toBe(0);
      expect(await notes.remove('other')).toEqual({ removed: 0 });
      expect(await notes.update('other', { $set: { n: 5 } })).toEqual({ matched: 0, modified: 0 });
      expect(await notes.update('x', { $inc: { n: 1 } })).toEqual({ matched: 1, modified: 1 });
      expect(await notes.aggregate([{ $group: { _id: null, sum: { $sum: '$n' } } }])).toEqual([
        { _id: null, sum: 7 },
      ]);
      const upserted = await notes.update('y', { $set: { n: 9 } }, { upsert: true });
      expect(await notes.get(upserted.upserted as string)).toMatchObject({ _type: 'note', n: 9 });
      expect(await notes.remove({}, { many: true })).toEqual({ removed: 4 });
      expect(await db.get('other')).toBeDefined();
    });
  });

  describe('the audit type', () => {
    it('is closed to every verb', async () => {
      await db.submit((draft) => draft.audit({ kind: 'test', n0: 1 }));
      const _id = (await db.audit.query().first())?._id as string;
      const writes = [
        () => db.put({ _type: 'audit' }),
        () => db.insert({ _type: 'audit' }),
        () => db.put({ _id, _type: 'a' }),
        () => db.update(_id, { $set: { kind: 'x' } }),
        () => db.remove(_id),
        () => db.remove({ _type: 'audit' }, { many: true }),
        () => db.transaction((tx) => tx.put({ _id, _type: 'a' })),
        () => db.transaction((tx) => tx.insert({ _type: 'audit' })),
        () => db.transaction((tx) => tx.remove(_id)),
        () => db.transaction((tx) => tx.update(_id, { $set: { kind: 'x' } })),
        () => db.collection('audit').insert({}),
      ];
      for (const write of writes) {
        expect(await failure(write())).toMatchObject({ code: 'PROTECTED_TYPE' });
      }
      expect(await db.audit.verify()).toEqual({ ok: true, verified: 1 });
      expect(await db.audit.query({ _type: 'index' }).count()).toBe(0);
    });

    it('has the ids to itself that its documents will have', async () => {
      const idOf = (n: number) => `audit:${String(n).padStart(16, '0')}`;
      const _id = idOf(2);
      await db.submit((draft) => draft.audit({ kind: 'test', n0: 1 }));
      expect(await db.audit.query().toArray()).toMatchObject([{ _id: idOf(1) }]);
      for (const write of [
        () => db.put({ _id, _type: 'a' }),
        () => db.transaction((tx) => tx.insert({ _id, _type: 'a' })),
      ]) {
        expect(await failure(write())).toMatchObject({ code: 'PROTECTED_TYPE' });
      }
      await db.put({ _id: 'audit:mine', _type: 'a' });
      await db.submit((draft) => draft.audit({ kind: 'test', n0: 2 }));
      expect(await db.audit.verify()).toEqual({ ok: true, verified: 2 });
    });
  });
});
