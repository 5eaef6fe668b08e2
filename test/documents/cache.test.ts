import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DocumentCache } from '#jdbx/documents/cache.js';
import { decodedSize } from '#jdbx/storage/decoded-size.js';

const BYTES = 800;
/** What one entry of these counts for. */
const ENTRY = decodedSize(BYTES);

function stored(n: number, seq: number, ref = n) {
  const document = Object.freeze({ _id: `d${n}`, _type: 'd', _rev: seq });
  return { ref, seq, document, bytes: BYTES, shareable: true };
}

test('a document is found by its id and by its ref, unless it is newer than the reader', () => {
  const cache = new DocumentCache(10 * ENTRY);
  cache.set(stored(1, 5));
  expect(cache.get('d1', 5)).toMatchObject({ ref: 1, seq: 5 });
  expect(cache.documentAt(1, 7)).toMatchObject({ _id: 'd1' });
  expect(cache.get('d1', 4)).toBeUndefined();
  expect(cache.documentAt(1, 4)).toBeUndefined();
});

test('a document that was removed and made again is not found by its old ref', () => {
  const cache = new DocumentCache(10 * ENTRY);
  cache.set(stored(1, 5));
  cache.set(stored(1, 6, 90_000));
  expect(cache.documentAt(1, 9)).toBeUndefined();
  expect(cache.documentAt(90_000, 9)).toMatchObject({ _rev: 6 });
  cache.delete('d1');
  expect(cache.documentAt(90_000, 9)).toBeUndefined();
});

test('what cannot be shared, or is larger than all of it, is not kept', () => {
  const cache = new DocumentCache(10 * ENTRY);
  cache.set(stored(1, 1));
  cache.set({ ...stored(1, 2), shareable: false });
  cache.set({ ...stored(2, 2), bytes: 11 * ENTRY });
  expect([cache.get('d1', 9), cache.get('d2', 9)]).toEqual([undefined, undefined]);
});

test('no bytes turn it off', () => {
  const cache = new DocumentCache(0);
  cache.set(stored(1, 1));
  expect(cache.get('d1', 9)).toBeUndefined();
});

test.each([1, 300_000])(
  'the documents of many refs, from %i on, are found together or not at all',
  (first) => {
    const cache = new DocumentCache(100 * ENTRY);
    for (let n = 0; n < 20; n++) cache.set(stored(n, 1 + n, first + n));
    const refs = Uint32Array.from({ length: 30 }, (_, at) => first + ((at * 7) % 20));
    const found = cache.documentsAt(refs, 25, 20);
    expect(found).toEqual(Array.from(refs.subarray(0, 25), (ref) => cache.documentAt(ref, 20)));
    expect(cache.documentsAt(refs, 25, 19)).toBeUndefined();
    expect(cache.documentsAt(refs, 0, 19)).toEqual([]);
    cache.delete('d3');
    expect(cache.documentsAt(refs, 25, 20)).toBeUndefined();
  },
);

test('when it is full, what was read stays and what was not goes', () => {
  const cache = new DocumentCache(10 * ENTRY);
  for (let n = 0; n < 10; n++) cache.set(stored(n, 1));
  for (const n of [0, 3, 6]) cache.documentAt(n, 1);
  for (let n = 10; n < 17; n++) cache.set(stored(n, 2));
  const held = Array.from({ length: 17 }, (_, n) => n).filter((n) => cache.get(`d${n}`, 2));
  expect(held).toEqual([0, 3, 6, 10, 11, 12, 13, 14, 15, 16]);
});

test('under random work it holds only what is newest, within its bytes', () => {
  const step = fc.record({ n: fc.nat(30), verb: fc.constantFrom('set', 'set', 'read', 'delete') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const cache = new DocumentCache(10 * ENTRY);
      const newest = new Map<number, number>();
      for (const [seq, { n, verb }] of steps.entries()) {
        if (verb === 'read') cache.get(`d${n}`, seq);
        else if (verb === 'delete') {
          cache.delete(`d${n}`);
          newest.delete(n);
        } else {
          cache.set(stored(n, seq));
          newest.set(n, seq);
        }
      }
      const held = Array.from({ length: 31 }, (_, n) => cache.get(`d${n}`, 1_000)?.seq);
      expect(held.filter((seq) => seq !== undefined).length).toBeLessThanOrEqual(10);
      for (const [n, seq] of held.entries()) {
        if (seq !== undefined) expect(seq).toBe(newest.get(n));
        expect(cache.documentAt(n, 1_000)?._rev).toBe(seq);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});
