/**
 * Strategy: random documents of a small world (few fields, few values, arrays
 * and nested objects among them) go into one store without indexes and one
 * with random indexes. Random filters and sorts must then give the same answer
 * from both, in the same order when sorted, and the same as MongoDB's language
 * gives by a plain pass over all documents.
 */
import fc from 'fast-check';
import { Query as MingoQuery } from 'mingo';
import { expect, test } from 'vitest';
import type { IndexDefinition } from '#jdbx/query/contract.js';
import { run } from '#jdbx/query/execute.js';
import { compileFilter } from '#jdbx/query/filter.js';
import { readIndexDocument } from '#jdbx/query/index-definition.js';
import { indexKeys } from '#jdbx/query/index-keys.js';
import { plan } from '#jdbx/query/plan.js';
import { MemorySource } from './support.js';

const scalar = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'ab', 'b', '\u{1F600}', '\uE000') },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }).map((day) => new Date(day * 86_400_000)) },
);
const inner = fc.record(
  { x: fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), y: scalar },
  { requiredKeys: [] },
);
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 5, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: inner },
  { weight: 4, arbitrary: fc.array(fc.oneof(inner, inner, scalar), { maxLength: 3 }) },
);
const body = fc.record({ a: value, b: scalar, c: value }, { requiredKeys: [] });
const path = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'c', 'a.x', 'a.x', 'a.y', 'c.x');

const condition = fc.oneof(
  { weight: 4, arbitrary: scalar },
  {
    weight: 3,
    arbitrary: fc
      .record({ op: fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$eq', '$ne'), value: scalar })
      .map(({ op, value }) => ({ [op]: value })),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(scalar, scalar).map(([low, high]) => ({ $gte: low, $lt: high })),
  },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }).map((list) => ({ $in: list })) },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }).map((list) => ({ $nin: list })) },
  { weight: 1, arbitrary: fc.boolean().map((flag) => ({ $exists: flag })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(scalar, scalar)
      .map(([low, high]) => ({ $elemMatch: { $gte: low, $lte: high } })),
  },
  { weight: 1, arbitrary: fc.tuple(scalar, scalar).map(([x, y]) => ({ $elemMatch: { x, y } })) },
  { weight: 1, arbitrary: fc.constantFrom(/^a/, /^ab?/, /b$/) },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  { weight: 1, arbitrary: inner },
  { weight: 1, arbitrary: scalar.map((low) => ({ $not: { $gt: low } })) },
);
const simple = fc.dictionary(path, condition, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
const filter = fc.oneof(
  { weight: 5, arbitrary: simple },
  {
    weight: 2,
    arbitrary: fc.array(simple, { minLength: 1, maxLength: 3 }).map((list) => ({ $or: list })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(simple, fc.array(simple, { minLength: 2, maxLength: 2 }))
      .map(([first, rest]) => ({ ...first, $or: rest })),
  },
  {
    weight: 1,
    arbitrary: fc.array(simple, { minLength: 2, maxLength: 3 }).map((list) => ({ $and: list })),
  },
  {
    weight: 1,
    arbitrary: fc.array(simple, { minLength: 1, maxLength: 2 }).map((list) => ({ $nor: list })),
  },
);
const direction = fc.constantFrom(1, -1);
const sort = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.oneof(path, fc.constant('_id')), direction), {
      selector: ([at]) => at,
      minLength: 1,
      maxLength: 3,
    })
    .map(Object.fromEntries),
  { nil: undefined },
);
const fields = fc
  .uniqueArray(fc.tuple(path, direction), { selector: ([at]) => at, minLength: 1, maxLength: 3 })
  .map(Object.fromEntries);
/** What the filter of a partial index may ask: nothing negated, no patterns. */
const partial = fc.dictionary(
  path,
  fc.oneof(
    scalar,
    fc.record({ $gte: scalar }),
    fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
    fc.constant({ $exists: true }),
  ),
  { minKeys: 1, maxKeys: 2, noNullPrototype: true },
);
const wildcard = fc.oneof(
  direction.map((to) => ({ key: { '$**': to } })),
  direction.map((to) => ({ key: { 'a.$**': to } })),
  fc.constant({ key: { '$**': 1 }, wildcardProjection: { a: 0 } }),
  fc.constant({ key: { b: 1, '$**': -1 }, wildcardProjection: { b: 0 } }),
  fc.constant({ key: { '$**': 1 }, wildcardProjection: { 'a.x': 1, b: 1 } }),
);
const index = fc.oneof(
  { weight: 5, arbitrary: fc.record({ key: fields, sparse: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ key: fields, partial }) },
  { weight: 1, arbitrary: fc.record({ key: fields, hidden: fc.constant(true) }) },
  // The store would refuse equal keys; here they only show that the plans stay right.
  { weight: 1, arbitrary: fc.record({ key: fields, unique: fc.constant(true) }) },
  { weight: 2, arbitrary: wildcard },
);

/** Aliases: none, a type without indexes, or one with the same indexes. */
type Aliases = 'none' | 'bare' | 'indexed';

function sourceOf(
  bodies: readonly object[],
  indexes: readonly object[],
  aliases: Aliases = 'none',
): MemorySource {
  const source = new MemorySource();
  for (const [at, options] of indexes.entries()) {
    const { key, ...rest } = options as { key: object };
    source.addIndex(`index:${at}`, 'thing', key, rest);
    if (aliases === 'indexed') source.addIndex(`alias:${at}`, 'alias', key, rest);
  }
  bodies.forEach((rest, at) => {
    const id = `t${(at * 7919) % 101}-${at}`;
    source.put({ ...rest, _id: id, _type: aliases !== 'none' && at % 5 === 4 ? 'alias' : 'thing' });
  });
  if (aliases !== 'none') source.alias('thing', 'alias');
  return source;
}

/** Documents that a compound index refuses (two arrays) are left out of both stores. */
function indexable(bodies: readonly object[], indexes: readonly object[]): object[] {
  const definitions = indexes.map((options) =>
    readIndexDocument({ _id: 'i', _type: 'index', type: 'thing', ...options }),
  );
  return bodies.filter((rest) => definitions.every((definition) => isIndexable(rest, definition)));
}

function isIndexable(rest: object, definition: IndexDefinition): boolean {
  try {
    indexKeys(definition, { ...rest, _id: 't', _type: 'thing' });
    return true;
  } catch {
    return false;
  }
}

test('an indexed answer equals an unindexed one, in order when sorted', () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(body, { minLength: 8, maxLength: 24 }),
      fc.array(index, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Aliases[]>('none', 'none', 'bare', 'indexed'),
      fc.array(
        fc.record({
          filter,
          sort,
          skip: fc.constantFrom(0, 0, 2),
          limit: fc.constantFrom(0, 0, 1, 5),
        }),
        { minLength: 8, maxLength: 16 },
      ),
      (bodies, indexes, aliases, queries) => {
        const kept = indexable(bodies, indexes);
        const bare = sourceOf(kept, [], aliases);
        const indexed = sourceOf(kept, indexes, aliases);
        const answers = queries.map(({ filter, sort, skip, limit }) => {
          const query = {
            filter: { _type: 'thing', ...filter },
            sort,
            ...(sort ? { skip, limit } : {}),
          };
          const expected = bare.ids(query);
          const planned = plan(query, indexed);
          const actual = Array.from(run(planned, indexed), ({ _id }) => _id as string);
          for (const { kind } of planned.accesses)
            kinds.add(kind + (planned.ordered ? ' in order' : ''));
          return sort ? [actual, expected] : [actual.sort(), expected.sort()];
        });
        expect(answers.map(([actual]) => actual)).toEqual(answers.map(([, expected]) => expected));
      },
    ),
    { seed: 20_240_601, numRuns: 400 },
  );
  expect([...kinds]).toEqual(
    expect.arrayContaining(['index', 'index in order', 'type-scan', 'type-scan in order', 'union']),
  );
}, 120_000);

test('indexes stay right while documents change', () => {
  const change = fc.record({ at: fc.integer({ min: 0, max: 9 }), body: fc.option(body) });
  fc.assert(
    fc.property(
      fc.array(index, { minLength: 1, maxLength: 3 }),
      fc.array(change, { minLength: 5, maxLength: 40 }),
      fc.array(filter, { minLength: 3, maxLength: 8 }),
      (indexes, changes, filters) => {
        const bare = sourceOf([], []);
        const indexed = sourceOf([], indexes);
        for (const { at, body } of changes) {
          const id = `t${at}`;
          if (!body) for (const source of [bare, indexed]) source.remove(id);
          else if (indexable([body], indexes).length > 0) {
            for (const source of [bare, indexed]) source.put({ ...body, _id: id, _type: 'thing' });
          }
        }
        for (const filter of filters) {
          const query = { filter: { ...filter, _type: 'thing' }, sort: { _id: 1 } };
          expect(indexed.ids(query)).toEqual(bare.ids(query));
        }
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

/** Where mingo is known to follow MongoDB: no arrays inside paths, no characters above U+FFFF, no object operands. */
test('a filter answers as mingo does where mingo is right', () => {
  const plain = fc.oneof(
    fc.integer({ min: -2, max: 6 }),
    fc.constantFrom('a', 'ab', 'b'),
    fc.boolean(),
  );
  const flat = fc.record(
    { a: fc.oneof(plain, fc.array(plain, { maxLength: 3 })), b: plain, c: fc.record({ x: plain }) },
    { requiredKeys: [] },
  );
  const operand = fc.oneof(
    plain,
    fc
      .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$ne'), plain)
      .map(([op, value]) => ({ [op]: value })),
    fc.array(plain, { maxLength: 3 }).map((list) => ({ $in: list })),
    fc.array(plain, { maxLength: 3 }).map((list) => ({ $nin: list })),
    fc.integer({ min: 0, max: 3 }).map((size) => ({ $size: size })),
    fc.boolean().map((flag) => ({ $exists: flag })),
  );
  const one = fc.dictionary(fc.constantFrom('a', 'b', 'c.x', 'd'), operand, {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  });
  const any = fc.oneof(
    one,
    fc.array(one, { minLength: 1, maxLength: 3 }).map(($or) => ({ $or })),
    fc.array(one, { minLength: 1, maxLength: 2 }).map(($nor) => ({ $nor })),
  );
  fc.assert(
    fc.property(fc.array(flat, { minLength: 1, maxLength: 10 }), any, (documents, filter) => {
      const mine = compileFilter(filter);
      const theirs = new MingoQuery(filter, { scriptEnabled: false });
      for (const document of documents) {
        expect([document, mine(document)]).toEqual([document, theirs.test(document)]);
      }
    }),
    { seed: 99, numRuns: 1_000 },
  );
});
