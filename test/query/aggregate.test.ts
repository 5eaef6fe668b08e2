import { describe, expect, test } from 'vitest';
import { aggregate } from '#jdbx/query/aggregate.js';
import { MemorySource } from './support.js';

const source = new MemorySource();
for (let at = 0; at < 12; at++) {
  source.put({
    _id: `r${String(at).padStart(2, '0')}`,
    _type: 'run',
    model: `m${at % 3}`,
    ms: at * 10,
    tags: ['a', `t${at % 2}`],
    meta: { at, x: 1 },
  });
}
source.put({ _id: 'm0', _type: 'model', name: 'm0', price: 5 });
source.put({ _id: 'm1', _type: 'model', name: 'm1', price: 7 });
source.addIndex('by-ms', 'run', { ms: 1 });

const now = Date.UTC(2026, 0, 1);
const run = (pipeline: unknown) => [...aggregate(pipeline, { source, now })];
const runs = { $match: { _type: 'run' } };

describe('stages', () => {
  test.each([
    [[runs, { $match: { ms: { $gte: 100 } } }, { $count: 'n' }], [{ n: 2 }]],
    [
      [runs, { $sort: { ms: -1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { ms: 1, _id: 0 } }],
      [{ ms: 100 }, { ms: 90 }],
    ],
    [
      [runs, { $group: { _id: '$model', total: { $sum: '$ms' } } }, { $sort: { _id: 1 } }],
      [
        { _id: 'm0', total: 180 },
        { _id: 'm1', total: 220 },
        { _id: 'm2', total: 260 },
      ],
    ],
    [[runs, { $unwind: '$tags' }, { $match: { tags: 't1' } }, { $count: 'n' }], [{ n: 6 }]],
    [
      [
        runs,
        { $limit: 1 },
        { $set: { 'meta.y': 2, at: '$$NOW' } },
        { $project: { meta: 1, at: 1 } },
      ],
      [{ _id: 'r00', meta: { at: 0, x: 1, y: 2 }, at: new Date(now) }],
    ],
    [
      [runs, { $limit: 1 }, { $unset: ['meta.x', 'tags'] }, { $project: { meta: 1, tags: 1 } }],
      [{ _id: 'r00', meta: { at: 0 } }],
    ],
    [
      [
        runs,
        { $limit: 2 },
        { $lookup: { from: 'model', localField: 'model', foreignField: 'name', as: 'm' } },
        { $project: { 'm.price': 1 } },
      ],
      [
        { _id: 'r00', m: [{ price: 5 }] },
        { _id: 'r01', m: [{ price: 7 }] },
      ],
    ],
    [
      [
        runs,
        { $limit: 1 },
        {
          $lookup: {
            from: 'model',
            let: { name: '$model' },
            pipeline: [{ $match: { $expr: { $eq: ['$name', '$$name'] } } }],
            as: 'm',
          },
        },
        { $project: { n: { $size: '$m' } } },
      ],
      [{ _id: 'r00', n: 1 }],
    ],
    [
      [
        { $match: { _type: 'model' } },
        { $unionWith: { coll: 'run', pipeline: [{ $limit: 1 }] } },
        { $count: 'n' },
      ],
      [{ n: 3 }],
    ],
    [
      [
        runs,
        {
          $facet: {
            slow: [{ $match: { ms: { $gt: 100 } } }, { $count: 'n' }],
            all: [{ $count: 'n' }],
          },
        },
      ],
      [{ slow: [{ n: 1 }], all: [{ n: 12 }] }],
    ],
    [
      [
        runs,
        { $limit: 3 },
        {
          $setWindowFields: {
            sortBy: { ms: 1 },
            output: { sum: { $sum: '$ms', window: { documents: ['unbounded', 'current'] } } },
          },
        },
        { $project: { sum: 1, _id: 0 } },
      ],
      [{ sum: 0 }, { sum: 10 }, { sum: 30 }],
    ],
    [[{ $documents: [{ a: 1 }] }, { $addFields: { b: 2 } }], [{ a: 1, b: 2 }]],
  ])('%j', (pipeline, expected) => {
    expect(run(pipeline)).toEqual(expected);
  });

  test('never change a stored document', () => {
    const before = JSON.stringify(source.documents);
    run([runs, { $addFields: { 'meta.x': 9 } }, { $project: { 'meta.at': 0 } }]);
    run([runs, { $group: { _id: null, first: { $first: '$meta' } } }, { $set: { 'first.x': 2 } }]);
    expect(JSON.stringify(source.documents)).toBe(before);
  });

  test('sort as queries do', () => {
    const sorted = run([
      runs,
      { $project: { tags: 1 } },
      { $sort: { tags: -1, _id: -1 } },
      { $limit: 1 },
    ]);
    expect(sorted).toEqual([{ _id: 'r11', tags: ['a', 't1'] }]);
  });
});

test.each([
  [{}, /INVALID_EXPRESSION at pipeline: expected an array of stages/],
  [[runs, { $nope: 1 }], /at pipeline\.1: unknown stage \$nope/],
  [[runs, { $out: 'x' }], /at pipeline\.1: \$out must come last, where writing is possible/],
  [[{ $merge: 'x' }], /at pipeline\.0: \$merge/],
  [[{ $facet: { a: [{ $out: 'x' }] } }], /at pipeline\.0\.\$facet\.a\.0: .*\$out/],
  [[{ $match: { a: { $nope: 1 } } }], /INVALID_FILTER at pipeline\.0\.\$match\.a\.\$nope/],
  [[{ $match: { $where: 'x' } }], /INVALID_FILTER/],
  [[{ $set: { a: { $function: {} } } }], /at pipeline\.0\.\$set\.a: unknown operator \$function/],
  [[{ $group: { _id: 1, n: { $accumulator: {} } } }], /at pipeline\.0\.\$group\.n/],
  [[{ $group: { n: { $sum: 1 } } }], /expected an _id to group by/],
  [[{ $limit: 0 }], /at pipeline\.0\.\$limit/],
  [[{ $a: 1, $b: 1 }], /expected one stage, got 2/],
])('%j is refused', (pipeline, message) => {
  expect(() => run(pipeline)).toThrow(message);
});

test('a failure while running is coded and keeps its cause', () => {
  expect(() => run([runs, { $set: { a: { $divide: ['$ms', 'x'] } } }])).toThrow(
    /INVALID_EXPRESSION/,
  );
  const bucket = { groupBy: { $subtract: ['$ms', 50] }, buckets: 2, granularity: 'R5' };
  expect(() => run([runs, { $bucketAuto: bucket }])).toThrow(
    /expected numbers from 0 with a granularity/,
  );
});

test('results come as they are taken', () => {
  const results = aggregate([runs, { $set: { b: 1 } }], { source, now });
  expect(results.next().value).toMatchObject({ _id: 'r00', b: 1 });
  expect(results.return(undefined).done).toBe(true);
});
