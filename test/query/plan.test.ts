import { describe, expect, test } from 'vitest';
import { count } from '#jdbx/query/execute.js';
import { plan } from '#jdbx/query/plan.js';
import { MemorySource } from './support.js';

function patterns(): MemorySource {
  const source = new MemorySource();
  for (let at = 0; at < 200; at++) {
    source.put({
      _id: `p${String(at).padStart(3, '0')}`,
      _type: 'pattern',
      rate: at % 50,
      status: ['new', 'live', 'old', 'gone'][at % 4],
      tags: [`t${at % 10}`, `u${at % 7}`],
      ...(at % 20 === 0 ? { rare: at } : {}),
    });
  }
  source.put({ _id: 'other', _type: 'other', rate: 1 });
  source.addIndex('by-rate', 'pattern', { rate: 1 });
  source.addIndex('by-status-rate', 'pattern', { status: 1, rate: -1 });
  source.addIndex('by-tags', 'pattern', { tags: 1 });
  source.addIndex('by-rare', 'pattern', { rare: 1 }, { sparse: true });
  source.addIndex('live-by-rate', 'pattern', { rate: 1, _id: 1 }, { partial: { status: 'live' } });
  return source;
}

const source = patterns();
const of = (filter: object) => ({ filter: { _type: 'pattern', ...filter } });

describe('the planner takes the index with the fewest keys', () => {
  test.each([
    [of({ rate: 7 }), 'by-rate', ['rate: 7'], 4],
    [of({ rate: { $gte: 10, $lt: 12 } }), 'by-rate', ['rate: [10, 12)'], 8],
    [of({ rate: { $in: [1, 2, 1] } }), 'by-rate', ['rate: 1 | 2'], 8],
    [
      of({ status: 'new', rate: { $gt: 44 } }),
      'by-status-rate',
      ['status: "new"', 'rate: (44, )'],
      4,
    ],
    [of({ status: { $regex: '^ne' } }), 'by-status-rate', ['status: ["ne", "nf")'], 50],
    [of({ tags: 't3' }), 'by-tags', ['tags: "t3"'], 20],
    [of({ tags: { $gt: 't3', $lte: 't4' } }), 'by-tags', ['tags: (, "t4"]'], 100],
    [of({ rare: { $gt: 100 } }), 'by-rare', ['rare: (100, )'], 4],
    [
      of({ status: 'live', rate: { $lt: 3 } }),
      'by-status-rate',
      ['status: "live"', 'rate: (, 3)'],
      2,
    ],
  ] as const)('%j', (query, name, bounds, keys) => {
    const explained = source.explain(query);
    expect(explained.plan).toBe('index');
    expect(explained.indexes[0]).toMatchObject({ name, bounds, keysExamined: keys });
  });

  test('one element that meets both ends may be looked up between them', () => {
    const explained = source.explain(of({ tags: { $elemMatch: { $gte: 't3', $lt: 't4' } } }));
    expect(explained.indexes[0]?.bounds).toEqual(['tags: ["t3", "t4")']);
  });
});

describe('what no index answers is read by scanning', () => {
  test.each([
    [of({ rare: null }), 'type-scan'],
    [of({ rare: { $exists: false } }), 'type-scan'],
    [of({ rate: { $ne: 3 } }), 'type-scan'],
    [of({ $or: [{ rate: 1 }, { note: 'x' }] }), 'type-scan'],
    [{ filter: { rate: 7 } }, 'full-scan'],
    [{ filter: {} }, 'full-scan'],
  ] as const)('%j', (query, kind) => {
    expect(source.explain(query).plan).toBe(kind);
  });

  test('a sparse index does not serve a sort', () => {
    const explained = source.explain({ ...of({}), sort: { rare: 1 } });
    expect(explained).toMatchObject({ plan: 'type-scan', sortInMemory: true, returned: 200 });
  });
});

test('an id is looked up', () => {
  const explained = source.explain({
    filter: { _type: 'pattern', _id: { $in: ['p001', 'p002', 'none'] } },
  });
  expect(explained).toMatchObject({
    plan: 'ids',
    keysExamined: 0,
    documentsExamined: 2,
    returned: 2,
  });
  expect(source.ids({ filter: { _type: 'pattern', _id: 'other' } })).toEqual([]);
});

test('a choice whose every branch has an index is a union without repeats', () => {
  const query = of({ $or: [{ rate: 7 }, { tags: 't7' }] });
  const explained = source.explain(query);
  expect(explained.plan).toBe('union');
  expect(explained.indexes.map((index) => index.name)).toEqual(['by-rate', 'by-tags']);
  expect(new Set(source.ids(query)).size).toBe(source.ids(query).length);
});

test('a partial index is used only where its condition stands in the filter', () => {
  const few = new MemorySource();
  for (let at = 0; at < 20; at++) {
    few.put({ _id: `d${at}`, _type: 'job', rate: at, status: at % 2 ? 'live' : 'old' });
  }
  few.addIndex('live', 'job', { rate: 1 }, { partial: { status: 'live' } });
  const kind = (filter: object) => few.explain({ filter: { _type: 'job', ...filter } }).plan;
  expect(kind({ rate: 5, status: 'live' })).toBe('index');
  expect(kind({ rate: 5 })).toBe('type-scan');
  expect(kind({ rate: 5, status: { $in: ['live'] } })).toBe('type-scan');
});

describe('order', () => {
  test('comes from an index read forward or in reverse, ties by _id', () => {
    for (const direction of [1, -1]) {
      const query = { ...of({ status: 'new' }), sort: { rate: direction }, limit: 5 };
      const explained = source.explain(query);
      expect(explained).toMatchObject({ plan: 'index', sortInMemory: false });
      expect(explained.indexes[0]?.direction).toBe(direction === 1 ? 'reverse' : 'forward');
      expect(explained.documentsExamined).toBeLessThan(10);
      expect(source.ids(query).slice(0, 2)).toEqual(
        direction === 1 ? ['p000', 'p100'] : ['p048', 'p148'],
      );
    }
  });

  test('of equal keys is settled by _id across batches, whatever else the filter leaves out', () => {
    const many = new MemorySource();
    // Entered in an order of its own, so that entries of one key do not stand by `_id`.
    for (let at = 0; at < 300; at++) {
      const n = (at * 77) % 300;
      many.put({ _id: `m${1_000 + n}`, _type: 'm', group: 'a', step: n % 3, odd: n % 2 === 1 });
    }
    many.addIndex('by-group-step', 'm', { group: 1, step: 1 });
    const query = {
      filter: { _type: 'm', group: 'a', odd: true },
      sort: { group: 1, step: 1 },
      limit: 120,
    };
    const odd = Array.from({ length: 300 }, (_, n) => n).filter((n) => n % 2 === 1);
    odd.sort((left, right) => (left % 3) - (right % 3) || left - right);
    expect(many.explain(query)).toMatchObject({ plan: 'index', sortInMemory: false });
    expect(many.ids(query)).toEqual(odd.slice(0, 120).map((n) => `m${1_000 + n}`));
  });

  test('by _id comes from the scan of the type', () => {
    const query = { ...of({}), sort: { _id: -1 }, limit: 2 };
    expect(source.explain(query)).toMatchObject({
      plan: 'type-scan',
      sortInMemory: false,
      documentsExamined: 2,
    });
    expect(source.ids(query)).toEqual(['p199', 'p198']);
  });

  test('of arrays goes by the least element up and the greatest down', () => {
    const few = new MemorySource();
    few.put({ _id: 'x', _type: 't', a: [1, 9] });
    few.put({ _id: 'y', _type: 't', a: [4, 5] });
    few.put({ _id: 'z', _type: 't', a: [] });
    for (const withIndex of [false, true]) {
      if (withIndex) few.addIndex('a', 't', { a: 1 });
      expect(few.ids({ filter: { _type: 't' }, sort: { a: 1 } })).toEqual(['z', 'x', 'y']);
      expect(few.ids({ filter: { _type: 't' }, sort: { a: -1 } })).toEqual(['x', 'y', 'z']);
    }
  });

  test('in memory keeps no more than it must return', () => {
    const query = { ...of({}), sort: { status: 1, tags: -1 }, skip: 3, limit: 4 };
    const all = source.ids({ ...query, skip: 0, limit: 0 });
    expect(source.ids(query)).toEqual(all.slice(3, 7));
  });

  test.each([
    [{ sort: { a: 2 } }, /INVALID_FILTER at sort\.a: expected 1 or -1, got 2/],
    [{ sort: 'a' }, /at sort: expected an object/],
    [{ limit: -1 }, /at limit: expected a whole number from 0/],
    [{ skip: 1.5 }, /at skip/],
  ])('%j is refused', (query, message) => {
    expect(() => source.find(query)).toThrow(message);
  });
});

test('a query for a type finds its aliases, each by its own indexes, in one order', () => {
  const aliased = new MemorySource();
  for (let at = 0; at < 20; at++) {
    aliased.put({ _id: `d${at}`, _type: at % 2 ? 'pattern' : 'code_pattern', n: at });
  }
  aliased.alias('pattern', 'code_pattern');
  aliased.addIndex('n', 'pattern', { n: 1 });
  aliased.addIndex('code-n', 'code_pattern', { n: 1 });
  const query = { filter: { _type: 'pattern', n: { $gte: 5, $lt: 9 } }, sort: { n: -1 } };
  expect(aliased.ids(query)).toEqual(['d8', 'd7', 'd6', 'd5']);
  expect(aliased.explain(query)).toMatchObject({ plan: 'index', sortInMemory: false });
  expect(
    aliased.ids({ ...query, filter: { $and: [{ _type: { $in: ['pattern'] } }, { n: 6 }] } }),
  ).toEqual(['d6']);
  expect(aliased.ids({ filter: { _type: 'code_pattern', n: 5 } })).toEqual([]);
});

test('a query reads no further than it is asked', () => {
  expect(source.explain({ ...of({}), limit: 3 })).toMatchObject({
    documentsExamined: 3,
    returned: 3,
  });
});

test('counting gives the number that would be returned', () => {
  expect(
    count(plan({ ...of({ rate: { $lt: 5 } }), sort: { rate: 1 }, skip: 2 }, source), source),
  ).toBe(18);
});

describe('arrays under an index', () => {
  function withFiller(key: object, ...documents: object[]): MemorySource {
    const few = new MemorySource();
    few.addIndex('index', 't', key);
    for (const [at, body] of documents.entries()) few.put({ _id: `d${at}`, _type: 't', ...body });
    for (let at = 0; at < 9; at++)
      few.put({ _id: `f${at}`, _type: 't', a: [{ x: 70, y: 70 }], b: 70 });
    return few;
  }
  const answer = (source: MemorySource, filter: object, sort?: object) => {
    const query = { filter: { _type: 't', ...filter }, sort };
    expect(source.explain(query).plan).toBe('index');
    return source.ids(query);
  };

  test('meet conditions on two of its paths by different elements', () => {
    const few = withFiller(
      { 'a.x': 1, 'a.y': 1 },
      {
        a: [
          { x: 1, y: 9 },
          { x: 9, y: 2 },
        ],
      },
    );
    expect(answer(few, { 'a.x': 1, 'a.y': 2 })).toEqual(['d0']);
  });

  test('meet two ends of a range by different elements', () => {
    const few = withFiller({ a: 1 }, { a: [1, 9] });
    expect(answer(few, { a: { $gt: 3, $lt: 5 } })).toEqual(['d0']);
  });

  test('sort by all elements, not by the one that was found', () => {
    const pairs = withFiller(
      { 'a.x': 1, 'a.y': 1 },
      { a: [{ x: 3, y: 2 }] },
      {
        a: [
          { x: 3, y: 4 },
          { x: 1, y: 0 },
        ],
      },
    );
    expect(answer(pairs, { 'a.x': 3 }, { 'a.y': 1 })).toEqual(['d1', 'd0']);
    const lists = withFiller({ a: 1, b: 1 }, { a: [5, 9], b: 1 }, { a: [0, 5], b: 2 });
    expect(answer(lists, { a: 5 }, { a: 1, b: 1 })).toEqual(['d1', 'd0']);
    expect(answer(lists, { a: 5 }, { b: -1 })).toEqual(['d1', 'd0']);
  });
});

/** Two fields, each of which lets a tenth through, and one in a hundred both. */
function crossing(): MemorySource {
  const source = new MemorySource();
  for (let at = 0; at < 1_000; at++) {
    source.put({
      _id: `c${at}`,
      _type: 'call',
      even: at % 10,
      odd: Math.floor(at / 10) % 10,
      n: at,
    });
  }
  source.addIndex('by-even', 'call', { even: 1 });
  source.addIndex('by-odd', 'call', { odd: 1, n: 1 });
  return source;
}

describe('two indexes', () => {
  const source = crossing();

  test('are intersected when that spares documents', () => {
    const query = { filter: { _type: 'call', even: 3, odd: 4 } };
    const explained = source.explain(query);
    expect(explained).toMatchObject({
      plan: 'intersection',
      keysExamined: 200,
      documentsExamined: 10,
      returned: 10,
    });
    expect(explained.indexes.map(({ name }) => name).sort()).toEqual(['by-even', 'by-odd']);
  });

  test('are not when one is enough', () => {
    const query = { filter: { _type: 'call', even: 3, odd: 4, n: { $lt: 60 } } };
    expect(source.explain(query).plan).toBe('index');
  });

  test('keep the order of one of them', () => {
    const query = { filter: { _type: 'call', even: 3, odd: 4 }, sort: { n: -1 }, limit: 2 };
    expect(source.explain(query)).toMatchObject({ plan: 'intersection', sortInMemory: false });
    expect(source.ids(query)).toEqual(['c943', 'c843']);
  });

  test('are shown with the keys that each would have read', () => {
    const { candidates } = source.explain({ filter: { _type: 'call', even: 3, odd: 4 } });
    expect(candidates.map(({ indexes, keys }) => [indexes[0]?.name, keys])).toEqual([
      ['by-even', 100],
      ['by-odd', 100],
    ]);
  });
});

describe('index keys alone', () => {
  const source = crossing();
  source.put({ _id: 'odd', _type: 'call', odd: 4 });

  test('answer a projection of their fields', () => {
    const query = {
      filter: { _type: 'call', odd: 4, n: { $gte: 900 } },
      projection: { _id: 0, n: 1, odd: 1 },
    };
    expect(source.explain(query)).toMatchObject({ covered: true, documentsExamined: 0 });
    expect(source.find({ ...query, limit: 2 })).toEqual([
      { odd: 4, n: 940 },
      { odd: 4, n: 941 },
    ]);
  });

  test('leave it to the document whether a field is null or missing', () => {
    const query = { filter: { _type: 'call', odd: 4 }, projection: { _id: 0, n: 1 } };
    expect(source.explain(query)).toMatchObject({ covered: true, documentsExamined: 1 });
    expect(source.find(query)).toContainEqual({});
  });

  test.each([
    [{ n: 1 }],
    [{ _id: 0, even: 1 }],
    [{ _id: 0, n: 0 }],
    [{ _id: 0, n: { $add: ['$n', 1] } }],
  ])('do not answer %j', (projection) => {
    const query = { filter: { _type: 'call', odd: 4 }, projection };
    expect(source.explain(query).covered).toBe(false);
  });
});

test('points before the sorted field are merged, each read as far as is wanted', () => {
  const source = crossing();
  const query = {
    filter: { _type: 'call', odd: { $in: [2, 5, 7] } },
    sort: { n: 1 },
    limit: 3,
  };
  const explained = source.explain(query);
  expect(explained).toMatchObject({ plan: 'index', sortInMemory: false });
  expect(explained.documentsExamined).toBeLessThan(20);
  expect(source.ids(query)).toEqual(['c20', 'c21', 'c22']);
});
