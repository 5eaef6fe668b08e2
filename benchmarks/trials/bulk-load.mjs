import { open } from 'jdbx';
import { batchesOf } from '../documents.mjs';

const DOCUMENTS = 20_000;

/** Loads documents a thousand to a commit, with one index besides the store's own. */
export async function run({ directory }) {
  const store = await open(directory);
  await store.put({ _id: 'index:item.group', _type: 'index', type: 'item', key: { group: 1 } });
  const batches = [...batchesOf(DOCUMENTS, 1_000)];
  const startedAt = performance.now();
  for (const batch of batches) await store.insert(batch);
  const seconds = (performance.now() - startedAt) / 1_000;
  await store.close();
  return { 'bulk load with an index': { value: DOCUMENTS / seconds, unit: '/s' } };
}
