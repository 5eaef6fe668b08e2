import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, type NewDocument, open } from '#jdbx/index.js';
import { failure, temporaryStore } from '../storage/temporary.js';

let db: Jdbx;
let path: string;
beforeEach(async () => {
  path = temporaryStore();
  db = await open(path);
});
afterEach(() => db.close());

async function reopen(): Promise<void> {
  await db.close();
  db = await open(path);
}

/** True when a query of this filter goes through the index of this id. */
async function uses(index: string, filter: object): Promise<boolean> {
  const explained = await db.query(filter as never).explain();
  return JSON.stringify(explained).includes(`"${index}"`);
}

const index = (fields: object): NewDocument =>
  ({ _id: 'index:x', _type: 'index', type: 'a', key: { n: 1 }, ...fields }) as NewDocument;

describe('an index document', () => {
  beforeEach(() => db.insert([1, 2, 3].map((n) => ({ _id: `a${n}`, _type: 'a', n, m: -n }))));

  it('makes its index at its commit, from what is stored, and again at open', async () => {
    const filter = { _type: 'a', n: { $gte: 2 } };
    expect(await uses('index:x', filter)).toBe(false);
    await db.put(index({}));
    expect(await uses('index:x', filter)).toBe(true);
    expect(await db.query(filter).count()).toBe(2);
    await db.put({ _id: 'a4', _type: 'a', n: 4 });
    await db.put({ _id: 'a2', _type: 'a', n: 0 });
    await db.remove('a3');
    expect(await db.query(filter)).toMatchObject([{ _id: 'a4' }]);
    await reopen();
    expect(await uses('index:x', filter)).toBe(true);
    expect(await db.query(filter)).toMatchObject([{ _id: 'a4' }]);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('counts among the indexes that are checked, also while no document is in it', async () => {
    const { indexes } = await db.check();
    await db.put(index({ type: 'nobody' }));
    expect(await db.check()).toMatchObject({ ok: true, indexes: indexes + 1 });
  });

  it.each([
    ['another key', { key: { m: 1 } }, { _type: 'a', m: { $lt: -1 } }, 2],
    ['another direction', { key: { n: -1 } }, { _type: 'a', n: 2 }, 1],
    ['another type', { type: 'run' }, { _type: 'run', n: 1 }, 0],
    ['a filter', { partial: { n: { $gt: 1 } } }, { _type: 'a', n: { $gt: 1 } }, 2],
  ])(
    'that is replaced by one with %s takes effect at that commit',
    async (_, to, filter, found) => {
      await db.put(index({}));
      await db.put(index({ _id: 'index:run.other', type: 'run', key: { m: 1 } }));
      await db.put(index(to));
      expect(await db.query(filter).count()).toBe(found);
      expect(await uses('index:x', { _type: 'a', n: { $gt: 0 } })).toBe(
        (to as { key?: { n?: number } }).key?.n === -1,
      );
      await db.put({ _id: 'a5', _type: 'a', n: 5, m: -5 });
      expect(await db.check()).toMatchObject({ ok: true });
      await reopen();
      expect(await db.check()).toMatchObject({ ok: true });
    },
  );

  it('that is removed, or becomes something else, takes its index with it', async () => {
    for (const end of [() => db.remove('index:x'), () => db.put({ _id: 'index:x', _type: 'b' })]) {
      await db.put(index({}));
      expect(await uses('index:x', { _type: 'a', n: 1 })).toBe(true);
      await end();
      expect(await uses('index:x', { _type: 'a', n: 1 })).toBe(false);
      expect(await db.query({ _type: 'a', n: 1 }).count()).toBe(1);
      expect(await db.check()).toMatchObject({ ok: true });
    }
  });

  it('shares its commit with documents that it covers: stored, changed, new, removed', async () => {
    await db.put([
      { _id: 'a1', _type: 'a', n: 1, touched: true },
      index({ unique: true }),
      { _id: 'a2', _type: 'a', n: 20 },
      { _id: 'a4', _type: 'a', n: 4 },
    ]);
    const all = await db.query<{ n: number }>({ _type: 'a', n: { $gt: 0 } }).sort({ n: 1 });
    expect(all.map(({ n }) => n)).toEqual([1, 3, 4, 20]);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.transaction(async (tx) => {
      await tx.remove('a1');
      await tx.put(index({ key: { n: -1 } }));
      await tx.put({ _id: 'a2', _type: 'b', n: 20 });
      await tx.put({ _id: 'a3', _type: 'a', n: 3, touched: true });
    });
    expect(await db.query({ _type: 'a', n: { $gt: 0 } }).count()).toBe(2);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('may index the index documents themselves', async () => {
    await db.put(index({ _id: 'index:index', type: 'index', key: { type: 1 } }));
    await db.put(index({}));
    expect(await uses('index:index', { _type: 'index', type: 'a' })).toBe(true);
    expect(await db.query({ _type: 'index', type: 'a' }).count()).toBe(1);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it.each([
    [{ key: {} }, 'INVALID_INDEX'],
    [{ key: { n: 0 } }, 'INVALID_INDEX'],
    [{ key: { '': 1 } }, 'INVALID_INDEX'],
    [{ type: '' }, 'INVALID_INDEX'],
    [{ partial: { n: { $nonsense: 1 } } }, 'INVALID_INDEX'],
  ])('that cannot be built is refused: %j', async (fields, code) => {
    const before = db.seq;
    expect(await failure(db.put(index(fields)))).toMatchObject({ code });
    expect(db.seq).toBe(before);
    await reopen();
  });
});

describe('a second index that would hold the same', () => {
  const twin = (fields: object) => ({
    _id: 'index:twin',
    _type: 'index',
    type: 'a',
    key: { n: 1 },
    ...fields,
  });

  it('is refused, until the first one is gone or differs', async () => {
    await db.put(index({ type: 'a', key: { n: 1 } }));
    expect(await failure(db.put(twin({})))).toMatchObject({ code: 'INVALID_INDEX', path: 'key' });
    expect(await failure(db.put(twin({ hidden: true })))).toMatchObject({ code: 'INVALID_INDEX' });
    await db.put(twin({ unique: true }));
    await db.put(index({ type: 'a', key: { n: 1 }, expireAfterSeconds: 60 }));
    await db.transaction(async (tx) => {
      await tx.remove('index:x');
      await tx.put(twin({}));
    });
    expect(await db.check()).toMatchObject({ ok: true });
  });
});

describe('a unique index', () => {
  beforeEach(() => db.insert([1, 2].map((n) => ({ _id: `a${n}`, _type: 'a', n, same: 1 }))));

  const duplicate = { code: 'DUPLICATE_KEY' };

  it('is refused when what is stored breaks it, and nothing of it stays', async () => {
    const before = db.seq;
    const error = await failure(db.put(index({ key: { same: 1 }, unique: true })));
    expect(error).toMatchObject({ ...duplicate, details: { index: 'index:x' } });
    expect(db.seq).toBe(before);
    expect(await db.get('index:x')).toBeUndefined();
    await db.put({ _id: 'a3', _type: 'a', same: 1 });
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('that replaces one is refused the same way, and the one before goes on', async () => {
    await db.put(index({}));
    expect(await failure(db.put(index({ key: { same: 1 }, unique: true })))).toMatchObject(
      duplicate,
    );
    await db.put({ _id: 'a3', _type: 'a', n: 3, same: 1 });
    expect(await uses('index:x', { _type: 'a', n: 3 })).toBe(true);
    expect(await db.query({ _type: 'a', n: 3 }).count()).toBe(1);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('refuses a second document of a key: alone, in one commit, and of two at once', async () => {
    await db.put(index({ unique: true }));
    expect(await failure(db.insert({ _id: 'b', _type: 'a', n: 1 }))).toMatchObject(duplicate);
    expect(await failure(db.update('a1', { $set: { n: 2 } }))).toMatchObject(duplicate);
    const pair = ['b', 'c'].map((_id) => ({ _id, _type: 'a', n: 7 }));
    expect(await failure(db.insert(pair))).toMatchObject(duplicate);
    expect(
      await failure(
        db.transaction((tx) => tx.put(pair[0] as never).then(() => tx.put(pair[1] as never))),
      ),
    ).toMatchObject(duplicate);
    const outcomes = await Promise.allSettled(pair.map((each) => db.insert(each)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject(duplicate);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('lets one commit hand a key on, and swap two', async () => {
    await db.put(index({ unique: true }));
    await db.put([
      { _id: 'a1', _type: 'a', n: 2 },
      { _id: 'a2', _type: 'a', n: 1 },
    ]);
    await db.transaction(async (tx) => {
      await tx.insert({ _id: 'a3', _type: 'a', n: 2 });
      await tx.remove('a1');
    });
    expect(await db.query({ _type: 'a' }).sort({ n: 1 })).toMatchObject([
      { _id: 'a2', n: 1 },
      { _id: 'a3', n: 2 },
    ]);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('makes an upsert of many callers find the one that was first', async () => {
    await db.put(index({ unique: true }));
    await Promise.all(
      Array.from({ length: 10 }, () =>
        db.update({ _type: 'a', n: 50 }, { $inc: { hits: 1 } }, { upsert: true }),
      ),
    );
    expect(await db.query({ _type: 'a', n: 50 })).toMatchObject([{ hits: 10 }]);
  });

  it('covers its type alone', async () => {
    await db.put(index({ unique: true }));
    await db.put({ _id: 'b', _type: 'b', n: 1 });
    expect(await failure(db.put({ _id: 'b', _type: 'a', n: 1 }))).toMatchObject(duplicate);
    await db.put({ _id: 'a1', _type: 'b', n: 1 });
    await db.put({ _id: 'b', _type: 'a', n: 1 });
    expect(await db.check()).toMatchObject({ ok: true });
  });
});

describe('an alias document', () => {
  it('widens queries, collections and aggregation for as long as it is there', async () => {
    await db.insert([
      { _id: 'p', _type: 'pattern', n: 1 },
      { _id: 'c', _type: 'code_pattern', n: 2 },
      { _id: 'd', _type: 'data_pattern', n: 3 },
    ]);
    const found = async () =>
      (await db.query<{ _id: string }>({ _type: 'pattern' })).map(({ _id }) => _id).sort();
    expect(await found()).toEqual(['p']);
    await db.put({ _id: '1', _type: 'alias', type: 'pattern', includes: ['code_pattern'] });
    expect(await found()).toEqual(['c', 'p']);
    await db.put({ _id: '0', _type: 'alias', type: 'pattern', includes: ['data_pattern'] });
    expect(await found()).toEqual(['c', 'd', 'p']);
    expect(db.typesOf('pattern').toSorted()).toEqual(['code_pattern', 'data_pattern', 'pattern']);
    await reopen();
    expect(await found()).toEqual(['c', 'd', 'p']);
    const patterns = db.collection('pattern');
    expect(await patterns.get('c')).toBeDefined();
    expect(await patterns.aggregate([{ $group: { _id: 0, n: { $sum: '$n' } } }])).toEqual([
      { _id: 0, n: 6 },
    ]);
    expect(await patterns.update({}, { $inc: { n: 1 } }, { many: true })).toMatchObject({
      modified: 3,
    });
    expect(await db.get('c')).toMatchObject({ _type: 'code_pattern', n: 3 });
    await db.remove('1');
    await db.remove('0');
    expect(await found()).toEqual(['p']);
  });

  it.each([
    [{ type: 'x' }, 'includes'],
    [{ type: 'x', includes: 'y' }, 'includes'],
    [{ type: 'x', includes: [1] }, 'includes'],
    [{ includes: ['y'] }, 'type'],
    [{ type: '', includes: ['y'] }, 'type'],
  ])('that says nothing is refused: %j', async (fields, field) => {
    expect(await failure(db.put({ _type: 'alias', ...fields }))).toMatchObject({
      code: 'INVALID_DOCUMENT',
      path: field,
    });
  });
});

describe('a schema document', () => {
  const schema = (of: object, id = 'schema:a'): NewDocument => ({
    _id: id,
    _type: 'schema',
    type: 'a',
    schema: of,
  });

  it('is checked from its commit on, and names the place', async () => {
    await db.put({ _id: 'old', _type: 'a', n: 'text' });
    await db.put(
      schema({
        type: 'object',
        required: ['n'],
        properties: {
          n: { type: 'number' },
          list: { type: 'array', items: { type: 'object', required: ['x/y'] } },
          deep: { type: 'object', additionalProperties: false, properties: { ok: {} } },
        },
      }),
    );
    const cases: [object, string][] = [
      [{ n: 'text' }, 'n'],
      [{}, 'n'],
      [{ n: 1, list: [{ 'x/y': 1 }, {}] }, 'list.1.x/y'],
      [{ n: 1, deep: { ok: 1, bad: 2 } }, 'deep.bad'],
    ];
    for (const [fields, at] of cases) {
      for (const write of [
        () => db.put({ _id: 'a', _type: 'a', ...fields }),
        () => db.transaction((tx) => tx.put({ _id: 'a', _type: 'a', ...fields })),
      ]) {
        expect(await failure(write())).toMatchObject({
          code: 'SCHEMA_VIOLATION',
          path: at,
          details: { id: 'a', schema: 'schema:a' },
        });
      }
    }
    await db.put({ _id: 'a', _type: 'a', n: 1 });
    expect(await failure(db.update('a', { $unset: { n: 1 } }))).toMatchObject({
      code: 'SCHEMA_VIOLATION',
    });
    expect(await failure(db.update('old', { $set: { m: 1 } }))).toMatchObject({
      code: 'SCHEMA_VIOLATION',
    });
    await db.put({ _type: 'b' });
    await reopen();
    expect(await failure(db.put({ _type: 'a' }))).toMatchObject({ code: 'SCHEMA_VIOLATION' });
    await db.remove('schema:a');
    await db.put({ _type: 'a' });
  });

  it('counts for the documents of its own commit', async () => {
    const both = [schema({ required: ['n'] }), { _id: 'a', _type: 'a' }];
    expect(await failure(db.put(both))).toMatchObject({ code: 'SCHEMA_VIOLATION' });
    expect(await db.get('schema:a')).toBeUndefined();
  });

  it('adds to another one of the same type', async () => {
    await db.put(schema({ required: ['n'] }, 'one'));
    await db.put(schema({ required: ['m'] }, 'two'));
    expect(await failure(db.put({ _type: 'a', n: 1 }))).toMatchObject({ path: 'm' });
    expect(await failure(db.put({ _type: 'a', m: 1 }))).toMatchObject({ path: 'n' });
    await db.put({ _type: 'a', n: 1, m: 1 });
  });

  it('is JSON Schema 2020-12, or draft 7 where it says so', async () => {
    const pair = { type: 'array', prefixItems: [{ type: 'number' }] };
    await db.put(schema({ properties: { pair } }));
    expect(await failure(db.put({ _type: 'a', pair: ['x'] }))).toMatchObject({ path: 'pair.0' });
    const $schema = 'http://json-schema.org/draft-07/schema#';
    const old = { type: 'array', items: [{ type: 'string' }] };
    await db.put(schema({ $schema, properties: { pair: old } }));
    await db.put({ _type: 'a', pair: ['x'] });
    expect(await failure(db.put({ _type: 'a', pair: [1] }))).toMatchObject({ path: 'pair.0' });
  });

  it.each([undefined, 5, { type: 'nonsense' }, { $ref: 'elsewhere' }])(
    'that is no schema is refused: %j',
    async (of) => {
      expect(await failure(db.put(schema(of as object)))).toMatchObject({
        code: 'INVALID_DOCUMENT',
        path: 'schema',
      });
    },
  );
});

describe('history', () => {
  const revs = async (id: string) => (await db.history(id)).map(({ rev }) => rev);

  it('keeps the revisions of definitions and of types that a versioning document names', async () => {
    for (const n of [1, 2]) {
      await db.put({ _id: 'p', _type: 'prompt', template: `${n}` });
      await db.put({ _id: 'a', _type: 'a', n });
    }
    expect(await revs('p')).toEqual([1, 2]);
    expect(await revs('a')).toEqual([]);
    await db.put([
      { _id: 'versioning:a', _type: 'versioning', type: 'a' },
      { _id: 'a', _type: 'a', n: 3 },
    ]);
    await db.put({ _id: 'a', _type: 'a', n: 4 });
    const kept = await db.history('a');
    expect(kept).toMatchObject([
      { rev: 3, document: { n: 3, _rev: 3 } },
      { rev: 4, document: { n: 4, _rev: 4 } },
    ]);
    expect(kept.map(({ seq }) => seq)).toEqual([db.seq - 1, db.seq]);
    expect(Date.parse(kept[1]?.at ?? '')).toBeLessThanOrEqual(Date.now());
    expect(await db.revision('a', 3)).toMatchObject({ n: 3 });
    expect(await db.revision('a', 1)).toBeUndefined();
    expect(await db.history('nobody')).toEqual([]);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('goes on counting after a removal, so that no kept revision is written over', async () => {
    const put = (n: number) => db.put({ _id: 'p', _type: 'prompt', template: `${n}` });
    await put(1);
    await put(2);
    await db.remove('p');
    expect(await put(3)).toMatchObject({ _rev: 3 });
    await Promise.all([db.remove('p'), put(4), db.remove('p'), put(5), db.remove('q')]);
    await db.transaction(async (tx) => {
      await tx.remove('p');
      await tx.put({ _id: 'p', _type: 'prompt', template: '6' });
    });
    expect((await db.history('p')).map(({ rev, document }) => [rev, document.template])).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => [n, `${n}`]),
    );
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('survives that versioning ends and begins again', async () => {
    const versioning = { _id: 'versioning:a', _type: 'versioning', type: 'a' };
    const put = (n: number) => db.put({ _id: 'a', _type: 'a', n });
    await db.put(versioning);
    for (const n of [1, 2, 3]) await put(n);
    await db.remove('versioning:a');
    await put(4);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.remove('a');
    expect(await put(5)).toMatchObject({ _rev: 1 });
    expect(await db.check()).toMatchObject({ ok: true });
    await db.put(versioning);
    expect(await put(6)).toMatchObject({ _rev: 4 });
    expect((await db.history('a')).map(({ document }) => document.n)).toEqual([1, 2, 3, 6]);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('restores an old revision as a new one, also after the removal', async () => {
    await db.put({ _id: 'p', _type: 'prompt', template: 'one' });
    await db.put({ _id: 'p', _type: 'prompt', template: 'two' });
    expect(await db.restore('p', 1)).toMatchObject({ _rev: 3, template: 'one' });
    await db.remove('p');
    expect(await db.restore('p', 2)).toMatchObject({ _rev: 4, template: 'two' });
    expect(await db.get('p')).toMatchObject({ _rev: 4, template: 'two' });
    expect(await revs('p')).toEqual([1, 2, 3, 4]);
    await reopen();
    expect(await revs('p')).toEqual([1, 2, 3, 4]);
    expect(await failure(db.restore('p', 9))).toMatchObject({
      code: 'MISSING_DOCUMENT',
      details: { id: 'p', rev: 9 },
    });
  });
});
