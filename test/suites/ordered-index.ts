/**
 * The contract of an ordered index, for every implementation of it.
 *
 * The first half says single rules on small examples. The second half runs
 * seeded random histories (writes, refused writes, reverts, releases, scans and
 * cursors that stay open across all of these) against the model in
 * `index-model.ts`, compares everything that can be seen, and shrinks a failure
 * to the few steps that matter.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeKey } from '#jdbx/base/key-bytes.js';
import type { CreateIndex, IndexChange, KeyRange, OrderedIndex } from '#jdbx/indexes/contract.js';
import { History, step } from './index-steps.ts';

export function orderedIndexSuite(name: string, create: CreateIndex): void {
  describe(`the ordered index contract: ${name}`, () => {
    readingTests(create);
    versionTests(create);
    misuseTests(create);
    memoryTests(create);
    historyTests(create);
  });
}

const key = (...bytes: number[]) => new Uint8Array(bytes);
const insert = (of: Uint8Array, ref: number): IndexChange => ({ kind: 'insert', key: of, ref });
const remove = (of: Uint8Array, ref: number): IndexChange => ({ kind: 'remove', key: of, ref });

function read(index: OrderedIndex, range: KeyRange, seq: number, batch = 3): number[] {
  const found: number[] = [];
  const refs = new Uint32Array(batch);
  const cursor = index.scan(range, seq);
  for (let count = cursor.next({ refs }); count > 0; count = cursor.next({ refs })) {
    found.push(...refs.subarray(0, count));
  }
  return found;
}

/** Keys 10, 20, 30, 40 with refs 1, 2, 3, 4. */
function fourEntries(create: CreateIndex): OrderedIndex {
  const index = create();
  index.apply([insert(key(30), 3), insert(key(10), 1), insert(key(40), 4), insert(key(20), 2)], 1);
  return index;
}

function readingTests(create: CreateIndex): void {
  test('an empty index has nothing to read', () => {
    const index = create();
    expect(read(index, {}, 0)).toEqual([]);
    expect(read(index, { reverse: true }, 9)).toEqual([]);
    expect(index.count({}, 9)).toBe(0);
    expect(index.stats()).toMatchObject({ entries: 0, live: 0 });
  });

  test.each<[KeyRange, number[]]>([
    [{}, [1, 2, 3, 4]],
    [{ lower: key(20), upper: key(30) }, [2]],
    [{ lower: key(20), upper: key(30), upperInclusive: true }, [2, 3]],
    [{ lower: key(20), lowerInclusive: false, upper: key(30) }, []],
    [{ lower: key(20), lowerInclusive: false, upper: key(30), upperInclusive: true }, [3]],
    [{ lower: key(15) }, [2, 3, 4]],
    [{ lower: key(40), lowerInclusive: false }, []],
    [{ upper: key(10) }, []],
    [{ upper: key(10), upperInclusive: true }, [1]],
    [{ upper: key(20, 0) }, [1, 2]],
    [{ lower: key(20), upper: key(20), upperInclusive: true }, [2]],
    [{ lower: key(20), upper: key(20) }, []],
    [{ lower: key(30), upper: key(20), upperInclusive: true }, []],
    [{ lower: key(), upper: key() }, []],
    [{ lower: key() }, [1, 2, 3, 4]],
  ])('the range %j holds the refs %j, forward and reverse', (range, refs) => {
    const index = fourEntries(create);
    for (const batch of [1, 2, 100]) {
      expect(read(index, range, 1, batch)).toEqual(refs);
      expect(read(index, { ...range, reverse: true }, 1, batch)).toEqual(refs.toReversed());
    }
    expect(index.count(range, 1)).toBe(refs.length);
  });

  test('entries of one key stand in the order of their refs, up to the largest', () => {
    const index = create();
    const refs = [0xffff_ffff, 5, 0x8000_0000, 1];
    index.apply(
      refs.map((ref) => insert(key(1), ref)),
      1,
    );
    expect(read(index, { lower: key(1), upper: key(1), upperInclusive: true }, 1)).toEqual([
      1, 5, 0x8000_0000, 0xffff_ffff,
    ]);
    expect(read(index, { lower: key(1), lowerInclusive: false }, 1)).toEqual([]);
    expect(read(index, { upper: key(1) }, 1)).toEqual([]);
  });

  test('a batch that asks for keys gets their bytes, and nobody shares memory with the index', () => {
    const index = create();
    const mine = key(1, 0, 255);
    index.apply([insert(mine, 7)], 1);
    mine[0] = 99;
    for (let round = 0; round < 2; round++) {
      const keys: Uint8Array[] = [];
      expect(index.scan({}, 1).next({ refs: new Uint32Array(4), keys })).toBe(1);
      expect([...(keys[0] as Uint8Array)]).toEqual([1, 0, 255]);
      (keys[0] as Uint8Array)[0] = 42;
    }
  });

  test('a cursor that is closed, or at its end, stays at its end', () => {
    const index = fourEntries(create);
    const refs = new Uint32Array(2);
    const cursor = index.scan({}, 1);
    expect(cursor.next({ refs })).toBe(2);
    cursor.close();
    expect(cursor.next({ refs })).toBe(0);
    const ended = index.scan({ upper: key(5) }, 1);
    expect(ended.next({ refs })).toBe(0);
    index.apply([insert(key(1), 9)], 1);
    expect(ended.next({ refs })).toBe(0);
  });
}

function versionTests(create: CreateIndex): void {
  test('an entry is visible from its birth up to its death', () => {
    const index = create();
    index.apply([insert(key(1), 1)], 3);
    index.apply([remove(key(1), 1)], 5);
    index.apply([insert(key(1), 1)], 8);
    const seen = [2, 3, 4, 5, 7, 8, 9].map((seq) => index.count({}, seq));
    expect(seen).toEqual([0, 1, 1, 0, 0, 1, 1]);
    expect(index.stats()).toMatchObject({ entries: 2, live: 1 });
  });

  test('an entry replaced within one commit is seen once', () => {
    const index = create();
    index.apply([insert(key(1), 1)], 1);
    index.apply([remove(key(1), 1), insert(key(1), 1), remove(key(1), 1), insert(key(1), 1)], 2);
    expect([0, 1, 2, 3].map((seq) => read(index, {}, seq))).toEqual([[], [1], [1], [1]]);
    index.revert([remove(key(1), 1), insert(key(1), 1), remove(key(1), 1), insert(key(1), 1)], 2);
    expect([0, 1, 2, 3].map((seq) => read(index, {}, seq))).toEqual([[], [1], [1], [1]]);
    expect(index.stats()).toMatchObject({ entries: 1, live: 1 });
  });

  test('a reverted commit leaves no trace, and its seq can be used again', () => {
    const index = fourEntries(create);
    const changes = [remove(key(20), 2), insert(key(25), 2), remove(key(10), 1)];
    index.apply(changes, 2);
    expect(read(index, {}, 2)).toEqual([2, 3, 4]);
    index.revert(changes, 2);
    expect(read(index, {}, 2)).toEqual([1, 2, 3, 4]);
    expect(index.stats()).toMatchObject({ entries: 4, live: 4 });
    index.apply([remove(key(40), 4)], 2);
    expect(read(index, {}, 2)).toEqual([1, 2, 3]);
  });

  test('a cursor reads its snapshot while the writer changes everything around it', () => {
    const index = fourEntries(create);
    const refs = new Uint32Array(1);
    const up = index.scan({}, 1);
    const down = index.scan({ reverse: true }, 1);
    const seen: number[][] = [[], []];
    for (let seq = 2; seq < 6; seq++) {
      for (const [at, cursor] of [up, down].entries()) {
        expect(cursor.next({ refs })).toBe(1);
        seen[at]?.push(refs[0] as number);
      }
      index.apply([remove(key((seq - 1) * 10), seq - 1), insert(key(seq * 10 - 15), 77)], seq);
    }
    expect(seen).toEqual([
      [1, 2, 3, 4],
      [4, 3, 2, 1],
    ]);
    expect(up.next({ refs }) + down.next({ refs })).toBe(0);
  });

  test('release frees what died at or before its seq, and nothing that later snapshots see', () => {
    const index = fourEntries(create);
    index.apply([remove(key(10), 1)], 2);
    index.apply([remove(key(20), 2), insert(key(20), 5)], 3);
    index.release(1);
    expect(index.stats()).toMatchObject({ entries: 5, live: 3 });
    index.release(2);
    expect(index.stats()).toMatchObject({ entries: 4, live: 3 });
    expect(read(index, {}, 2)).toEqual([2, 3, 4]);
    index.release(3);
    expect(index.stats()).toMatchObject({ entries: 3, live: 3 });
    expect(read(index, {}, 3)).toEqual([5, 3, 4]);
  });
}

function misuseTests(create: CreateIndex): void {
  test.each<[string, IndexChange, RegExp]>([
    ['an insert of what lives', insert(key(10), 1), /cannot insert .*0a.* ref 1.* lives already/],
    ['a removal of what does not live', remove(key(10), 2), /cannot remove .*0a.* ref 2/],
    ['a ref of 0', insert(key(10), 0), /ref/],
    ['a ref above 32 bits', insert(key(10), 2 ** 32), /ref/],
    ['a fractional ref', insert(key(10), 1.5), /ref/],
  ])('%s throws, and the whole apply changes nothing', (_, change, message) => {
    const index = fourEntries(create);
    const changes = [insert(key(5), 9), remove(key(20), 2), change, insert(key(6), 9)];
    expect(() => index.apply(changes, 2)).toThrow(message);
    expect(read(index, {}, 2)).toEqual([1, 2, 3, 4]);
    expect(index.stats()).toMatchObject({ entries: 4, live: 4 });
  });

  test('a revert of what was not applied throws and changes nothing', () => {
    const index = fourEntries(create);
    index.apply([insert(key(50), 5), remove(key(10), 1)], 2);
    const wrong = [insert(key(10), 1), insert(key(50), 5), remove(key(10), 1)];
    expect(() => index.revert(wrong, 2)).toThrow(/cannot revert/);
    expect(() => index.revert([remove(key(20), 2)], 2)).toThrow(/cannot revert/);
    expect([1, 2].map((seq) => read(index, {}, seq))).toEqual([
      [1, 2, 3, 4],
      [2, 3, 4, 5],
    ]);
  });

  test('a change under an older seq than its entry has seen throws', () => {
    const index = create();
    index.apply([insert(key(1), 1)], 5);
    expect(() => index.apply([remove(key(1), 1)], 4)).toThrow(/cannot remove/);
    index.apply([remove(key(1), 1)], 7);
    expect(() => index.apply([insert(key(1), 1)], 6)).toThrow(/cannot insert/);
    expect([4, 5, 6, 7].map((seq) => index.count({}, seq))).toEqual([0, 1, 1, 0]);
  });

  test('a seq that is no whole number of 0 or more is refused', () => {
    const index = create();
    for (const seq of [-1, 1.5, Number.NaN]) {
      expect(() => index.apply([insert(key(1), 1)], seq)).toThrow(RangeError);
      expect(() => index.scan({}, seq)).toThrow(RangeError);
      expect(() => index.count({}, seq)).toThrow(RangeError);
      expect(() => index.release(seq)).toThrow(RangeError);
    }
  });

  test('a batch without room is refused, because 0 means the end', () => {
    const cursor = fourEntries(create).scan({}, 1);
    expect(() => cursor.next({ refs: new Uint32Array(0) })).toThrow(RangeError);
  });

  test('a closed index refuses every verb, also through an open cursor, and closes twice', () => {
    const index = fourEntries(create);
    const cursor = index.scan({}, 1);
    index.close();
    index.close();
    const verbs = [
      () => index.apply([], 2),
      () => index.revert([], 2),
      () => index.scan({}, 1),
      () => index.count({}, 1),
      () => index.release(1),
      () => index.stats(),
      () => cursor.next({ refs: new Uint32Array(1) }),
    ];
    for (const verb of verbs) expect(verb).toThrow(/closed/);
  });
}

function historyTests(create: CreateIndex): void {
  test.each([
    ['short', 400, 30],
    ['long', 40, 200],
  ])('random %s histories leave the index equal to the model', (_, numRuns, maxLength) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength, size: 'max' }), (steps) => {
        new History(create).run(steps);
      }),
      { seed: 20_260_131, numRuns },
    );
  });
}

/** Dead entries between two releases. */
const ROUND = 1_000;

function memoryTests(create: CreateIndex): void {
  test('a million updates of one key, released as they go, hold a bounded number of bytes', () => {
    const index = create();
    const key = encodeKey(['complete']);
    index.apply([{ kind: 'insert', key, ref: 1 }], 1);
    let bytesMax = 0;
    for (let seq = 2; seq <= 1_000_000; seq++) {
      index.apply(
        [
          { kind: 'remove', key, ref: 1 },
          { kind: 'insert', key, ref: 1 },
        ],
        seq,
      );
      if (seq % ROUND !== 0) continue;
      bytesMax = Math.max(bytesMax, index.stats().bytes);
      expect(index.stats().entries).toBeLessThanOrEqual(ROUND + 1);
      index.release(seq);
      expect(index.stats()).toMatchObject({ entries: 1, live: 1 });
    }
    expect(bytesMax).toBeLessThan(200_000);
    expect(index.count({}, 1_000_000)).toBe(1);
  });

  test('an index that shrinks to a hundredth gives its memory back', () => {
    const index = create();
    const entries = Array.from({ length: 50_000 }, (_, n) => ({
      key: encodeKey([(n * 7_919) % 50_000]),
      ref: n + 1,
    }));
    index.apply(
      entries.map((entry) => ({ kind: 'insert', ...entry })),
      1,
    );
    const full = index.stats().bytes;
    const gone = entries.filter((_, n) => n % 100 !== 0);
    index.apply(
      gone.map((entry) => ({ kind: 'remove', ...entry })),
      2,
    );
    index.release(2);
    expect(index.stats()).toMatchObject({ entries: 500, live: 500 });
    expect(index.stats().bytes).toBeLessThan(full / 25);
    expect(index.count({}, 2)).toBe(500);
  });

  test('many keys moved at random, released as they go, hold a bounded number of bytes', () => {
    const index = create();
    const places = new Map<number, number>();
    let state = 1;
    const random = (max: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % max;
    };
    const bytes: number[] = [];
    for (let seq = 1; seq <= 100_000; seq++) {
      const ref = 1 + random(2_000);
      const from = places.get(ref);
      const to = random(1_000_000);
      places.set(ref, to);
      index.apply(
        [
          ...(from === undefined ? [] : [{ kind: 'remove' as const, key: encodeKey([from]), ref }]),
          { kind: 'insert', key: encodeKey([to]), ref },
        ],
        seq,
      );
      if (seq % 500 === 0) index.release(seq);
      if (seq % 20_000 === 0) bytes.push(index.stats().bytes);
    }
    expect(index.stats().live).toBe(places.size);
    expect(Math.max(...bytes)).toBeLessThan((bytes[0] as number) * 1.5);
  });
}
