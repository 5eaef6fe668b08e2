import { expect, test } from 'vitest';
import { encodeKey } from '#jdbx/base/key-bytes.js';
import { createPortableIndex } from '#jdbx/indexes/portable.js';
import { orderedIndexSuite } from '../suites/ordered-index.ts';

orderedIndexSuite('portable', createPortableIndex);

const ROUND = 1_000;

test('a million updates of one key, released as they go, hold a bounded number of bytes', () => {
  const index = createPortableIndex();
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
  const index = createPortableIndex();
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
  const index = createPortableIndex();
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
