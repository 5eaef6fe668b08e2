import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isJdbxError, type Jdbx, open } from '#jdbx/index.js';

let db: Jdbx;
beforeEach(async () => {
  db = await open(':memory:', { resume: false, workers: 1 });
  await db.insert([
    { _id: 'sale:1', _type: 'sale', country: 'fr', amount: 5 },
    { _id: 'sale:2', _type: 'sale', country: 'de', amount: 7 },
    { _id: 'sale:3', _type: 'sale', country: 'fr', amount: 9 },
    { _id: 'fr', _type: 'total', amount: 1, note: 'old' },
    { _id: 'es', _type: 'total', amount: 2, note: 'old' },
  ]);
});
afterEach(() => db.close());

const SUM = [
  { $match: { _type: 'sale' } },
  { $group: { _id: '$country', amount: { $sum: '$amount' } } },
];
const totals = async () =>
  (await db.query({ _type: 'total' }).sort({ _id: 1 })).map(({ _rev, _type, ...rest }) => rest);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (isJdbxError(error) ? error.code : String(error)),
  );

describe('$out', () => {
  it('makes the results all that there is of a type, in one commit', async () => {
    const before = db.seq;
    expect(await db.aggregate([...SUM, { $out: 'total' }])).toEqual([]);
    expect(db.seq).toBe(before + 1);
    expect(await totals()).toEqual([
      { _id: 'de', amount: 7 },
      { _id: 'fr', amount: 14 },
    ]);
  });

  it('writes nothing when one result cannot be written', async () => {
    const before = await totals();
    const stages = [{ $match: { _type: 'sale' } }, { $out: { coll: 'total' } }];
    expect(await failure(db.aggregate(stages))).toBe('DUPLICATE_ID');
    expect(await failure(db.aggregate([{ $match: {} }, { $out: 'audit' }]))).toBeDefined();
    expect(await totals()).toEqual(before);
  });

  it('gives results without an id one of the type', async () => {
    await db.aggregate([...SUM, { $project: { _id: 0, amount: 1 } }, { $out: 'total' }]);
    const made = await db.query({ _type: 'total' });
    expect(made.map(({ _id }) => _id.slice(0, 6))).toEqual(['total:', 'total:']);
  });
});

describe('$merge', () => {
  const merge = (fields: object) =>
    db.aggregate([...SUM, { $merge: { into: 'total', ...fields } }]);
  const es = { _id: 'es', amount: 2, note: 'old' };
  const de = { _id: 'de', amount: 7 };

  it.each([
    ['by itself', {}, [de, es, { _id: 'fr', amount: 14, note: 'old' }]],
    ['replace', { whenMatched: 'replace' }, [de, es, { _id: 'fr', amount: 14 }]],
    [
      'keepExisting',
      { whenMatched: 'keepExisting' },
      [de, es, { _id: 'fr', amount: 1, note: 'old' }],
    ],
    ['discard', { whenNotMatched: 'discard' }, [es, { _id: 'fr', amount: 14, note: 'old' }]],
    [
      'stages over the old document and $$new',
      { whenMatched: [{ $set: { amount: { $add: ['$amount', '$$new.amount'] } } }] },
      [de, es, { _id: 'fr', amount: 15, note: 'old' }],
    ],
    [
      'stages with variables',
      { let: { sold: '$amount' }, whenMatched: [{ $set: { sold: '$$sold' } }, { $unset: 'note' }] },
      [de, es, { _id: 'fr', amount: 1, sold: 14 }],
    ],
  ])('%s', async (_, fields, expected) => {
    expect(await merge(fields)).toEqual([]);
    expect(await totals()).toEqual(expected);
  });

  it.each([
    [{ whenMatched: 'fail' }, 'DUPLICATE_KEY'],
    [{ whenNotMatched: 'fail' }, 'MISSING_DOCUMENT'],
    [{ whenMatched: 'other' }, 'INVALID_EXPRESSION'],
    [{ whenMatched: [{ $match: {} }] }, 'INVALID_EXPRESSION'],
    [{ let: { a: 1 } }, 'INVALID_EXPRESSION'],
    [{ on: [] }, 'INVALID_EXPRESSION'],
    [{ on: 'amount' }, 'INVALID_EXPRESSION'],
    [{ into: { db: 'x', coll: 'total' } }, 'INVALID_EXPRESSION'],
    [
      { into: 'sale', whenNotMatched: 'insert', whenMatched: [{ $set: { _type: 'x' } }] },
      'DUPLICATE_ID',
    ],
  ])('refuses %j and writes nothing', async (fields, code) => {
    const before = await totals();
    const seq = db.seq;
    expect(await failure(merge(fields))).toBe(code);
    expect(await totals()).toEqual(before);
    expect(db.seq).toBe(seq);
  });

  it('meets documents by other fields where a unique index tells them apart', async () => {
    await db.put({ _type: 'index', type: 'total', key: { amount: 1 }, unique: true });
    const stages = [{ $documents: [{ amount: 2, note: 'new' }, { amount: 3 }] }];
    await db.aggregate([...stages, { $merge: { into: 'total', on: 'amount' } }]);
    expect((await totals()).slice(0, 2)).toEqual([
      { _id: 'es', amount: 2, note: 'new' },
      { _id: 'fr', amount: 1, note: 'old' },
    ]);
    const without = [{ $documents: [{ note: 1 }] }, { $merge: { into: 'total', on: 'amount' } }];
    expect(await failure(db.aggregate(without))).toBe('INVALID_DOCUMENT');
  });

  it('joins the writes of its transaction, or is undone with them', async () => {
    const undone = db.transaction(async (tx) => {
      await tx.aggregate([...SUM, { $merge: 'total' }]);
      expect(await tx.query({ _type: 'total' }).count()).toBe(3);
      throw new Error('undo');
    });
    expect(await failure(undone)).toBe('Error: undo');
    expect(await totals()).toHaveLength(2);
  });
});

it.each(['$out', '$merge'])('%s is refused where nothing can be written', async (name) => {
  const stages = [...SUM, { [name]: 'total' }];
  const snapshot = db.snapshot();
  expect(() => snapshot.aggregate(stages)).toThrow(/INVALID_EXPRESSION at pipeline\.2/);
  snapshot.close();
  const inside = [{ $facet: { a: stages } }];
  expect(await failure(db.aggregate(inside))).toBe('INVALID_EXPRESSION');
  expect(await failure(db.aggregate([...stages, { $limit: 1 }]))).toBe('INVALID_EXPRESSION');
});

it('an update that is malformed is refused also where it would find nothing', async () => {
  const nothing = { _type: 'nobody' };
  expect(await failure(db.update(nothing, { $nonsense: { a: 1 } }))).toBe('INVALID_UPDATE');
  const inside = db.transaction((tx) => tx.update(nothing, { $inc: { a: 'x' } }));
  expect(await failure(inside)).toBe('INVALID_UPDATE');
  expect(await db.update(nothing, { $inc: { a: 1 } })).toMatchObject({ matched: 0 });
});
