import { open } from 'jdbx';
import { fill, makeDocument, scatter } from '../documents.mjs';
import { repeat } from '../measure.mjs';

const DOCUMENTS = 20_000;
const GETS = 1_000;

/** Reads documents by id: from the cache of decoded documents, and from LMDB with decoding. */
export async function run({ directory }) {
  const ids = Array.from({ length: DOCUMENTS }, (_, n) => makeDocument(n)._id);
  const store = await open(directory);
  await fill(store, DOCUMENTS);
  const cached = await timeGets(store, ids);
  await store.close();
  const bare = await open(directory, { cacheBytes: 0 });
  const read = await timeGets(bare, ids);
  await bare.close();
  return {
    'point get, cached': { value: cached, unit: 'µs' },
    'point get, from LMDB': { value: read, unit: 'µs' },
  };
}

/** A thousand at a time, so that the clock does not count. */
async function timeGets(store, ids) {
  const { medianUs } = await repeat(async (call) => {
    for (let n = 0; n < GETS; n++) await store.get(ids[scatter(call * GETS + n, ids.length)]);
  });
  return medianUs / GETS;
}
