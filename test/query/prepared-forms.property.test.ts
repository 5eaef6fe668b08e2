/**
 * Strategy: filters of a few shapes, whose plans are kept, between others that look like them and are not:
 * operands of other kinds, undefined ones, names in another order, inherited ones, accessors, prototypes of all
 * sorts, `__proto__` as a name, arrays and dates that have names. Each is asked as often as it comes; its answer,
 * or refusal, must be that of a store that plans every query and has no index.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJdbxError } from '#jdbx/base/errors.js';
import { MemorySource, PlannedSource } from './support.js';

type Entries = readonly (readonly [string, unknown])[];

const scalar = fc.constantFrom<unknown>(0, 1, 2, -0, 'a', 'b', true, false);
const odd = fc.constantFrom<() => unknown>(
  () => null,
  () => undefined,
  () => new Date(1),
  () => [1],
  () => [],
  () => ({}),
  () => /^a/,
  () => ({ x: 1 }),
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => '\ud800',
  () => new Uint8Array([1]),
  () => new Uint8Array(),
  () => Symbol('a'),
  () => () => 1,
  () => 1n,
  () => Object.assign([], { $gte: 1 }),
  () => Object.assign(new Date(1), { $gte: 1 }),
);
const list = fc.oneof(
  fc.array(scalar, { minLength: 1, maxLength: 3 }),
  fc.constantFrom<unknown>([], [1, 'a'], [null], [[1]], 1, { 0: 1, length: 1 }),
);
const comparison = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('$eq', '$gt', '$gte', '$lt', '$lte'), scalar) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('$in'), list) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('$ne', '$exists', '$not', 'x', '$$gt', ''), scalar),
  },
);
/** How an object comes to hold its names. */
const form = fc.constantFrom<(entries: Entries) => object>(
  Object.fromEntries,
  Object.fromEntries,
  Object.fromEntries,
  (entries) => Object.freeze(Object.fromEntries(entries)),
  (entries) => Object.assign(Object.create(null), Object.fromEntries(entries)),
  (entries) => Object.create(Object.fromEntries(entries)),
  (entries) => Object.assign(Object.create({ b: 2, $lt: 1 }), Object.fromEntries(entries)),
  (entries) => Object.assign(new (class Named {})(), Object.fromEntries(entries)),
  (entries) => Object.assign([], Object.fromEntries(entries)),
  (entries) => Object.assign(new Date(5), Object.fromEntries(entries)),
  (entries) => Object.assign(/a/, Object.fromEntries(entries)),
  (entries) => new Proxy(Object.fromEntries(entries), {}),
  (entries) => Object.assign(Object.fromEntries(entries), { [Symbol('b')]: 1 }),
  (entries) =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        entries.map(([name, value]) => [name, { enumerable: true, get: () => value }]),
      ),
    ),
  (entries) =>
    Object.defineProperty(Object.fromEntries(entries), 'hidden', { value: 1, enumerable: false }),
  (entries) =>
    Object.defineProperty(Object.fromEntries(entries), '__proto__', {
      value: { a: 1 },
      enumerable: true,
    }),
);
const operators = fc
  .tuple(
    fc.uniqueArray(comparison, { selector: ([name]) => name, minLength: 1, maxLength: 2 }),
    form,
  )
  .map(
    ([entries, make]) =>
      () =>
        make(entries),
  );
const operand = fc.oneof(
  { weight: 5, arbitrary: scalar.map((value) => () => value) },
  { weight: 5, arbitrary: operators },
  { weight: 2, arbitrary: odd },
);
const name = fc.constantFrom(
  'a',
  'a',
  'a',
  'b',
  'b',
  'c',
  'a.x',
  '_id',
  '__proto__',
  'constructor',
  '',
  '$or',
);
const conditions = fc.uniqueArray(fc.tuple(name, operand), {
  selector: ([name]) => name,
  maxLength: 3,
});
const typed = fc.constantFrom<unknown>(...Array(9).fill('thing'), 'other', undefined, 1, {
  $eq: 'thing',
});
const filter = fc.record({ conditions, typed, form, typeAt: fc.nat(3) });
const plain = (a: unknown) => ({ _type: 'thing', a });

type Outcome = { readonly ids: readonly unknown[] } | { readonly refused: unknown };

function outcome(ask: () => unknown[]): Outcome {
  try {
    return { ids: ask().sort() };
  } catch (error) {
    return { refused: isJdbxError(error) ? error.code : String(error) };
  }
}

test('what only looks like a known query is answered as if nothing were known', () => {
  let answered = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(filter, { minLength: 4, maxLength: 12 }),
      fc.constantFrom<object>({ a: 1 }, { a: -1, b: 1 }, { b: 1, a: 1 }),
      (filters, key) => {
        const planned = new PlannedSource();
        const bare = new MemorySource();
        planned.addIndex('i', 'thing', key);
        for (let at = 0; at < 24; at++) {
          const a = [at % 3, 'a', true, null, undefined, [1, 2]][at % 6];
          const document = {
            _id: `t${at}`,
            _type: at % 8 ? 'thing' : 'other',
            a,
            b: at % 4,
            c: 'b',
          };
          for (const source of [planned, bare]) source.put(document);
        }
        for (const { conditions, typed, form, typeAt } of [...filters, ...filters]) {
          const entries: [string, unknown][] = conditions.map(([name, make]) => [name, make()]);
          entries.splice(typeAt, 0, ['_type', typed]);
          for (const filter of [plain(1), form(entries), { _type: 'thing', a: { $gte: 1 } }]) {
            const expected = outcome(() => bare.ids({ filter }));
            expect(outcome(() => planned.ask({ filter }))).toEqual(expected);
            if ('refused' in expected) refused++;
          }
        }
        answered += planned.answered;
      },
    ),
    { seed: 17, numRuns: 400 },
  );
  expect(answered).toBeGreaterThan(4_000);
  expect(refused).toBeGreaterThan(500);
});
