/**
 * Strategy: a small world of documents, arrays among them, in a store with random indexes. Each random query is
 * asked again and again with other operands of the same kinds, through plans that are kept by its shape, while
 * documents change, arrays come in and indexes are added. The answers must be those of a store without
 * indexes; and plans must really have been kept.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DocumentBody, Query } from '#jdbx/query/contract.js';
import { readIndexDocument } from '#jdbx/query/index-definition.js';
import { indexKeys } from '#jdbx/query/index-keys.js';
import { MemorySource, PlannedSource } from './support.js';

const number = fc.integer({ min: 0, max: 3 });
const text = fc.constantFrom('a', 'ab', 'b', '\u{1F600}', '\uE000', 'a\0b', 'a\u0001');
const kinds = { number, text, flag: fc.boolean() };
type Kind = keyof typeof kinds;
const scalar = fc.oneof(
  { weight: 9, arbitrary: number },
  { weight: 3, arbitrary: text },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
);
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ x: scalar, y: scalar }, { requiredKeys: [] }) },
);
const body = fc.record({ a: value, b: scalar, c: scalar }, { requiredKeys: [] });
/** Without arrays, so that no index is multikey at first. */
const flat = fc.record({ a: scalar, b: scalar, c: scalar }, { requiredKeys: ['a'] });
const path = fc.constantFrom('a', 'a', 'a', 'a', 'b', 'b', 'c', 'a.x', '_id', 'a.0');

/** Operators of one field; what it is compared with comes later. */
const operators = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['=']) },
  {
    weight: 4,
    arbitrary: fc.uniqueArray(fc.constantFrom('$eq', '$gt', '$gte', '$lt', '$lte'), {
      minLength: 1,
      maxLength: 2,
    }),
  },
  { weight: 2, arbitrary: fc.constant(['$in']) },
);
const kind = fc.constantFrom<Kind>('number', 'number', 'number', 'text', 'flag');
const asked = fc.uniqueArray(
  fc.record({ path, operators, kind, length: fc.integer({ min: 1, max: 3 }) }),
  {
    selector: (each) => each.path,
    minLength: 0,
    maxLength: 2,
  },
);
const direction = fc.constantFrom(1, -1);
const fieldsOf = (...paths: string[]) =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...paths), direction), {
      selector: ([at]) => at,
      minLength: 1,
      maxLength: 3,
    })
    .map(Object.fromEntries);
const some = fieldsOf('a', 'b', 'c', 'a.x');
const fields = fieldsOf('a', 'b', 'c', 'a.x', '_id');
/** Begins with the field that most is asked of. */
const leading = fc
  .tuple(direction, fc.option(fieldsOf('b', 'c', '_id'), { nil: {} }))
  .map(([a, more]): object => ({ a, ...more }));
const plain = fields.map((key) => ({ key }));
const index = fc.oneof(
  { weight: 2, arbitrary: plain },
  { weight: 2, arbitrary: some.map((key) => ({ key, sparse: true })) },
  { weight: 1, arbitrary: fc.constant({ key: { '$**': 1 } }) },
  { weight: 1, arbitrary: some.map((key) => ({ key, partial: { b: 1 } })) },
);
const order = fc.option(fc.oneof(leading, fields), { nil: undefined, freq: 2 });
const window = fc.record({ skip: fc.constantFrom(0, 0, 2), limit: fc.constantFrom(0, 0, 1, 4) });

/** Two arrays under one compound index are refused. */
function takes(options: object, document: DocumentBody): boolean {
  try {
    indexKeys(readIndexDocument({ _id: 'i', _type: 'index', type: 'thing', ...options }), document);
    return true;
  } catch {
    return false;
  }
}

type Asked = Readonly<{
  path: string;
  operators: readonly string[];
  kind: Kind;
  length: number;
}>;

function filterOf(conditions: readonly Asked[], random: (of: Kind) => unknown): Query['filter'] {
  const entries = conditions.map(({ path, operators, kind, length }) => {
    const operand = (operator: string) =>
      operator === '$in' ? Array.from({ length }, () => random(kind)) : random(kind);
    if (operators[0] === '=') return [path, random(kind)];
    return [path, Object.fromEntries(operators.map((name) => [name, operand(name)]))];
  });
  return Object.fromEntries([['_type', 'thing'], ...entries]);
}

test('a query answered by a kept plan finds what a full scan finds', () => {
  let answered = 0;
  fc.assert(
    fc.property(
      fc.array(flat, { minLength: 12, maxLength: 30 }),
      fc.oneof(
        { weight: 4, arbitrary: leading.map((key) => [{ key }]) },
        { weight: 1, arbitrary: fc.array(index, { minLength: 1, maxLength: 2 }) },
      ),
      index,
      fc.array(fc.record({ asked, order, window }), { minLength: 2, maxLength: 5 }),
      fc.array(body, { minLength: 3, maxLength: 3 }),
      fc.gen(),
      (bodies, indexes, later, queries, changes, gen) => {
        const bare = new MemorySource();
        const planned = new PlannedSource();
        const all = [...indexes, later];
        const put = (at: number, body: object) => {
          const document = { ...body, _id: `t${(at * 7919) % 101}`, _type: 'thing' };
          if (!all.every((each) => takes(each, document))) return;
          planned.put(document);
          bare.put(document);
        };
        for (const [at, { key, ...rest }] of indexes.entries()) {
          planned.addIndex(`i${at}`, 'thing', key, rest);
        }
        for (const [at, body] of bodies.entries()) put(at, body);
        for (const change of [...changes, undefined, {}]) {
          for (const { asked, order, window } of queries) {
            for (let again = 0; again < 2; again++) {
              const filter = filterOf(asked, (of) => gen(() => kinds[of] as fc.Arbitrary<unknown>));
              compare(planned, bare, { filter, sort: order, ...window });
            }
          }
          if (change) put(bodies.length % 5, change);
          else planned.addIndex('later', 'thing', later.key, later);
        }
        answered += planned.answered;
      },
    ),
    { seed: 41, numRuns: 200 },
  );
  expect(answered).toBeGreaterThan(400);
});

function compare(planned: PlannedSource, bare: MemorySource, query: Query): void {
  const { sort, skip, limit, ...rest } = query;
  if (sort) {
    expect(planned.ask(query)).toEqual(bare.ids(query));
    return;
  }
  const all = new Set(bare.ids(rest));
  const found = planned.ask(query);
  const left = Math.max(0, all.size - (skip ?? 0));
  expect(found.length).toBe(Math.min(left, limit || left));
  expect(new Set(found).size).toBe(found.length);
  for (const id of found) expect(all).toContain(id);
}
