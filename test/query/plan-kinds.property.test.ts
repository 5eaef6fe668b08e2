/**
 * Strategy: a flat world in which mingo is right (numbers and short texts, some missing, one
 * array of texts), large enough that a second index can pay. Random queries with sorts, limits
 * and projections are answered by a store with random indexes, by one without, and by mingo
 * alone; all three must agree, counts and aggregations too, and every kind of plan must occur.
 */
import fc from 'fast-check';
import { Query as MingoQuery } from 'mingo';
import { expect, test } from 'vitest';
import { aggregate } from '#jdbx/query/aggregate.js';
import { count } from '#jdbx/query/execute.js';
import { plan } from '#jdbx/query/plan.js';
import { MemorySource } from './support.js';

const DOCUMENTS = 320;
const INDEXES: readonly (readonly [object, object?])[] = [
  [{ a: 1 }],
  [{ b: 1 }],
  [{ b: -1, a: 1 }],
  [{ a: 1, n: -1 }],
  [{ c: 1 }],
  [{ c: 1, b: 1 }, { sparse: true }],
  [{ 'd.x': 1, n: 1 }],
  [{ n: 1 }, { unique: true }],
  [{ tags: 1 }],
  [{ tags: 1, n: 1 }],
  [{ b: 1, n: 1 }, { partial: { a: 2 } }],
  [{ a: 1, _id: 1 }],
];

const number = fc.integer({ min: 0, max: 4 });
const text = fc.constantFrom('p', 'q', 'pq');
const body = fc.record(
  {
    a: number,
    b: number,
    c: fc.oneof(text, number),
    d: fc.record({ x: number, y: number }, { requiredKeys: [] }),
    tags: fc.array(text, { maxLength: 3 }),
  },
  { requiredKeys: ['a', 'b'] },
);
const rangeOf = <T>(value: fc.Arbitrary<T>) =>
  fc
    .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte'), value)
    .map(([operator, bound]) => ({ [operator]: bound }));
const conditionOf = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 5, arbitrary: value },
    { weight: 2, arbitrary: rangeOf(value) },
    {
      weight: 2,
      arbitrary: fc.array(value, { minLength: 1, maxLength: 3 }).map(($in) => ({ $in })),
    },
    { weight: 1, arbitrary: value.map(($ne) => ({ $ne })) },
  );
const simple = fc.record(
  {
    a: conditionOf(number),
    b: conditionOf(number),
    c: conditionOf(fc.oneof(text, number)),
    'd.x': conditionOf(number),
    n: conditionOf(fc.integer({ min: 0, max: DOCUMENTS })),
    tags: conditionOf(text),
    _id: fc.integer({ min: 0, max: DOCUMENTS }).map(idOf),
  },
  { requiredKeys: [] },
);
/** Mostly few conditions, so that an index alone can prove them. */
const few = fc
  .tuple(simple, fc.shuffledSubarray(['a', 'b', 'c', 'd.x', 'n', 'tags', '_id'], { maxLength: 3 }))
  .filter(([, kept]) => !kept.includes('_id') || kept.length === 1)
  .map(([filter, kept]) =>
    Object.fromEntries(Object.entries(filter).filter(([path]) => kept.includes(path))),
  );
const filter = fc.oneof(
  { weight: 6, arbitrary: few },
  {
    weight: 1,
    arbitrary: fc
      .tuple(few, fc.array(few, { minLength: 2, maxLength: 3 }))
      .map(([first, $or]) => ({ ...first, $or })),
  },
);
const sort = fc.option(
  fc
    .uniqueArray(
      fc.tuple(fc.constantFrom('a', 'b', 'c', 'n', 'd.x', '_id'), fc.constantFrom(1, -1)),
      { selector: ([path]) => path, minLength: 1, maxLength: 2 },
    )
    .map(Object.fromEntries),
  { nil: undefined },
);
const projection = fc.option(
  fc
    .tuple(
      fc.subarray(['a', 'b', 'n', 'c', 'd.x'], { minLength: 1, maxLength: 2 }),
      fc.constantFrom<object[]>({ _id: 0 }, { _id: 0 }, {}),
    )
    .map(([paths, id]) => ({ ...Object.fromEntries(paths.map((path) => [path, 1])), ...id })),
  { nil: undefined },
);
const query: fc.Arbitrary<Asked> = fc.record({
  filter,
  sort,
  skip: fc.constantFrom(0, 0, 3),
  limit: fc.constantFrom(0, 1, 7),
  projection,
});

function idOf(n: number): string {
  return `t${String((n * 7_919) % 997).padStart(3, '0')}-${n}`;
}

function storeOf(bodies: readonly object[], chosen: readonly number[]): MemorySource {
  const source = new MemorySource();
  for (const at of chosen) {
    const [key, options] = INDEXES[at] as (typeof INDEXES)[number];
    source.addIndex(`index:${at}`, 'thing', key, options);
  }
  for (let n = 0; n < DOCUMENTS; n++) {
    source.put({ ...bodies[n % bodies.length], n, _id: idOf(n), _type: 'thing' });
  }
  return source;
}

interface Asked {
  readonly filter: Record<string, unknown>;
  readonly sort: Record<string, 1 | -1> | undefined;
  readonly skip: number;
  readonly limit: number;
  readonly projection: Record<string, number> | undefined;
}

/** What mingo alone answers, its ties put in the order of ids as ours are. */
function mingoFinds(
  documents: readonly object[],
  { filter, sort, skip, limit, projection }: Asked,
) {
  const found = new MingoQuery(filter, { scriptEnabled: false }).find<object>([...documents], {
    ...projection,
  });
  if (!sort) return found.all();
  const sorted = found.sort({ ...sort, ...('_id' in sort ? {} : { _id: 1 }) }).skip(skip);
  return (limit > 0 ? sorted.limit(limit) : sorted).all();
}

/** Without a sort any order is right. */
function comparable(documents: readonly unknown[], sorted: boolean): unknown[] {
  return sorted ? [...documents] : documents.map((each) => sortedText(each)).sort();
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort())
      : inner,
  );
}

function stagesOf({ filter, sort, skip, limit }: Asked): object[] {
  return [
    { $match: { _type: 'thing' } },
    { $match: filter },
    ...(sort ? [{ $sort: sort }] : []),
    ...(skip > 0 ? [{ $skip: skip }] : []),
    ...(limit > 0 ? [{ $limit: limit }] : []),
    { $project: { n: 1 } },
  ];
}

test('indexed, unindexed and mingo alone agree, whatever plan is taken', () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(body, { minLength: 23, maxLength: 41 }),
      fc.shuffledSubarray([...INDEXES.keys()], { minLength: 1, maxLength: 7 }),
      fc.array(query, { minLength: 6, maxLength: 10 }),
      (bodies, chosen, queries) => {
        const bare = storeOf(bodies, []);
        const indexed = storeOf(bodies, chosen);
        for (const each of queries) {
          const asked = each.sort ? each : { ...each, skip: 0, limit: 0 };
          const typed = { ...asked, filter: { _type: 'thing', ...asked.filter } };
          const sorted = asked.sort !== undefined;
          const answer = comparable(indexed.find(typed), sorted);
          expect(answer).toEqual(comparable(bare.find(typed), sorted));
          expect(answer).toEqual(comparable(mingoFinds(bare.documents, asked), sorted));
          expect(count(plan(typed, indexed), indexed)).toBe(answer.length);
          const setting = (source: MemorySource) => ({ source, now: 0 });
          const stages = stagesOf(asked);
          expect(comparable([...aggregate(stages, setting(indexed))], sorted)).toEqual(
            comparable([...aggregate(stages, setting(bare))], sorted),
          );
          note(kinds, indexed, typed);
        }
      },
    ),
    { seed: 20_261_121, numRuns: 50 },
  );
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining([
      'ids',
      'index',
      'index covered',
      'index in order',
      'index merged',
      'intersection',
      'type-scan',
      'union',
    ]),
  );
}, 120_000);

function note(kinds: Set<string>, source: MemorySource, query: Asked): void {
  const { plan: kind, covered, sortInMemory } = source.explain(query);
  kinds.add(kind);
  if (covered) kinds.add(`${kind} covered`);
  if (query.sort && !sortInMemory) kinds.add(`${kind} in order`);
  const { accesses } = plan(query, source);
  if (accesses.some((access) => access.kind === 'index' && access.merged)) {
    kinds.add('index merged');
  }
}
