import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregate } from '#jdbx/query/aggregate.js';
import { MemorySource } from './support.js';

/**
 * `$lookup` by index and by a table made for it: two stores with the same seeded
 * documents, one of them with an index on the foreign field, must give one answer.
 */
const scalar = fc.constantFrom(1, 2, 'a', null, true);
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.record({ x: scalar }));
const fields = fc.record({ key: value, other: scalar }, { requiredKeys: [] });
const documents = fc.array(fields, { maxLength: 8 });

function storeOf(left: readonly object[], right: readonly object[]): MemorySource {
  const source = new MemorySource();
  for (const [at, each] of left.entries()) source.put({ _id: `l${at}`, _type: 'left', ...each });
  for (const [at, each] of right.entries()) source.put({ _id: `r${at}`, _type: 'right', ...each });
  return source;
}

function joined(source: MemorySource): unknown[] {
  const lookup = { from: 'right', localField: 'key', foreignField: 'key', as: 'found' };
  const stages = [{ $match: { _type: 'left' } }, { $lookup: lookup }];
  return [...aggregate(stages, { source, now: 0 })];
}

test('a lookup gives the same with an index on the foreign field as without', () => {
  fc.assert(
    fc.property(documents, documents, (left, right) => {
      const plain = storeOf(left, right);
      const indexed = storeOf(left, right);
      indexed.addIndex('by-key', 'right', { key: 1 });
      expect(joined(indexed)).toEqual(joined(plain));
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('a lookup by index reads only the documents that join', () => {
  const right = Array.from({ length: 2_000 }, (_, at) => ({ key: at }));
  const source = storeOf([{ key: 7 }, { key: [8, 9] }], right);
  source.addIndex('by-key', 'right', { key: 1 });
  let loads = 0;
  const load = source.load.bind(source);
  source.load = (ref) => {
    loads++;
    return load(ref);
  };
  const [one, two] = joined(source) as { found: { key: number }[] }[];
  expect(one?.found.map(({ key }) => key)).toEqual([7]);
  expect(two?.found.map(({ key }) => key)).toEqual([8, 9]);
  expect(loads).toBeLessThan(20);
});
