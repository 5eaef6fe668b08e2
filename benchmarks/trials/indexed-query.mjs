import { open } from 'jdbx';
import { fill, scatter } from '../documents.mjs';
import { repeat } from '../measure.mjs';

const DOCUMENTS = 20_000;

/** Queries over 20,000 documents that an index answers; each finds what it must. */
export async function run({ directory }) {
  const store = await open(directory);
  for (const field of ['group', 'price']) {
    const key = { [field]: 1 };
    await store.put({ _id: `index:item.${field}`, _type: 'index', type: 'item', key });
  }
  await fill(store, DOCUMENTS);
  const equal = await repeat(async (n) => {
    const group = `group-${scatter(n, DOCUMENTS / 10)}`;
    expectLength(await store.query({ _type: 'item', group }), 10);
  });
  const range = await repeat(async (n) => {
    const price = { $gte: scatter(n, 50_000) };
    expectLength(await store.query({ _type: 'item', price }).sort({ price: 1 }).limit(20), 20);
  });
  await store.close();
  return {
    'indexed query, equality, 10 found': { value: equal.medianUs, unit: 'µs' },
    'indexed query, range, sort, limit 20': { value: range.medianUs, unit: 'µs' },
  };
}

function expectLength(found, length) {
  if (found.length !== length) throw new Error(`expected ${length}, found ${found.length}`);
}
