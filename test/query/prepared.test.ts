import { beforeEach, describe, expect, test } from 'vitest';
import type { Query } from '#jdbx/query/contract.js';
import { MemorySource, PlannedSource } from './support.js';

/** Documents whose ids stand in another order than they came in; `a` is 0, 1, 2, 0, … */
const COUNT = 30;
let planned: PlannedSource;
let bare: MemorySource;

function put(at: number, body: object): void {
  for (const source of [planned, bare])
    source.put({ _id: `t${(at * 7919) % 101}`, _type: 'thing', ...body });
}

beforeEach(() => {
  planned = new PlannedSource();
  bare = new MemorySource();
  planned.addIndex('i', 'thing', { a: 1 });
  for (let at = 0; at < COUNT; at++) put(at, { a: at % 3, b: at % 7, n: at });
});

/** Asks twice, so that the second answer comes by a plan that was kept, and says whether it did. */
function ask({ filter, ...rest }: Query): boolean {
  const query = { filter: { _type: 'thing', ...(filter as object) }, ...rest };
  const sorted = (ids: unknown[]) => (rest.sort ? ids : ids.sort());
  const expected = sorted(bare.ids(query));
  planned.ask(query);
  const before = planned.answered;
  expect(sorted(planned.ask(query))).toEqual(expected);
  return planned.answered > before;
}

describe('a plan that is kept', () => {
  test.each<[string, Query]>([
    ['an equality', { filter: { a: 1 } }],
    ['a range', { filter: { a: { $gt: 0 } } }],
    ['a range with two ends', { filter: { a: { $gt: 0, $lte: 2 } } }],
    ['a range without anything in it', { filter: { a: { $gt: 2, $lt: 1 } } }],
    ['points', { filter: { a: { $in: [2, 0] } } }],
    ['points that are not there', { filter: { a: { $in: [9, 8] } } }],
    ['a residue', { filter: { a: 1, b: { $gte: 3 } } }],
    ['an order to be made', { filter: { a: 1 }, sort: { n: -1 }, skip: 2, limit: 3 }],
    [
      'a part of an order to be made',
      { filter: { a: { $gte: 1 } }, sort: { b: 1, n: -1 }, limit: 4 },
    ],
    ['a type of value', { filter: { a: { $lt: 'x' } } }],
  ])('answers %s', (_, query) => expect(ask(query)).toBe(true));

  test('gives way where documents tie in the order that the index gives', () => {
    expect(ask({ filter: { a: { $gte: 0 } }, sort: { a: 1 } })).toBe(false);
    expect(ask({ filter: { a: { $gte: 0 } }, sort: { a: -1 }, limit: 5 })).toBe(false);
  });

  test('gives the order of the index where none tie, up and down', () => {
    planned.addIndex('n', 'thing', { n: 1 });
    for (const direction of [1, -1]) {
      const sort = { n: direction };
      expect(ask({ filter: { n: { $gte: 5 } }, sort, limit: 4 })).toBe(true);
      expect(ask({ filter: { n: { $gt: 5, $lt: 20 } }, sort, skip: 3 })).toBe(true);
      expect(ask({ filter: { n: { $in: [9, 4, 17, 99] } }, sort })).toBe(true);
    }
  });

  test('sees arrays come in', () => {
    const within = { filter: { a: { $gte: 0, $lt: 3 } } };
    expect(ask(within)).toBe(true);
    put(COUNT, { a: [0, 1, 2] });
    put(COUNT + 1, { a: [-5, 7] });
    ask(within);
    expect(ask({ filter: { a: { $gte: 0 } } })).toBe(true);
    expect(ask({ filter: { a: { $in: [0, 1, 2] } } })).toBe(true);
    expect(ask({ filter: { a: { $in: [0, 1, 2] } }, sort: { n: 1 } })).toBe(true);
  });

  test('gives way to a point that is named twice', () => {
    expect(ask({ filter: { a: { $in: [1, 1] } } })).toBe(false);
    expect(ask({ filter: { a: { $in: [1, 2] } } })).toBe(true);
  });

  test('is made anew when an index comes', () => {
    expect(ask({ filter: { b: 3 } })).toBe(false);
    planned.addIndex('b', 'thing', { b: -1 });
    expect(ask({ filter: { b: 3 } })).toBe(true);
    expect(ask({ filter: { b: { $gt: 2 } } })).toBe(true);
    expect(ask({ filter: { a: 1, b: 3 } })).toBe(false);
  });

  test('is given up when an alias comes', () => {
    expect(ask({ filter: { a: 1 } })).toBe(true);
    for (const source of [planned, bare]) source.alias('thing', 'other');
    for (const source of [planned, bare]) source.put({ _id: 'o', _type: 'other', a: 1 });
    expect(ask({ filter: { a: 1 } })).toBe(false);
  });

  test('is not for operands of other kinds', () => {
    put(COUNT, { a: null });
    put(COUNT + 1, { a: 'text' });
    put(COUNT + 2, { b: 1 });
    expect(ask({ filter: { a: 1 } })).toBe(true);
    for (const a of [null, 'text', true, new Date(0), { x: 1 }, [1], /^t/, Number.NaN]) {
      ask({ filter: { a } });
      ask({ filter: { a: { $gte: a instanceof RegExp ? 0 : a } } });
    }
    expect(ask({ filter: { a: 1 } })).toBe(true);
  });

  test('is learnt from one reading, whatever accessors say', () => {
    let read = 0;
    const filter = {
      _type: 'thing',
      get a() {
        return read++ % 2 === 0 ? 1 : { $gte: 0 };
      },
    };
    for (let n = 0; n < 4; n++) planned.ask({ filter });
    expect(ask({ filter: { a: 1 } })).toBe(true);
    expect(ask({ filter: { a: { $gte: 1 } } })).toBe(true);
  });

  test('is one of a bounded number: ever new names change no answer', () => {
    for (let n = 0; n < 6_000; n++) planned.ask({ filter: { _type: 'thing', a: 1, [`f${n}`]: n } });
    expect(ask({ filter: { a: 1 } })).toBe(true);
  });

  test('refuses what a plan in full refuses', () => {
    const filter = { _type: 'thing', a: 1 };
    planned.ask({ filter });
    for (const query of [
      { filter, limit: -1 },
      { filter, skip: 0.5 },
      { filter: { ...filter, a: undefined } },
      { filter: { ...filter, a: '\ud800' } },
      { filter, sort: { '': 1 } },
      { filter, sort: { a: 2 } },
    ]) {
      expect(() => planned.ask(query as Query)).toThrow(
        expect.objectContaining({ code: 'INVALID_FILTER' }),
      );
    }
  });
});
