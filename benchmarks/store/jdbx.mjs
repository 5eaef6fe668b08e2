import { open as openStore } from 'jdbx';

const INDEXES = {
  session: { session_id: 1 },
  project: { project_id: 1 },
  created: { created_at: 1 },
  domain: { domain: 1, success_rate: 1 },
  tags: { tags: 1 },
};
/** Room for the whole working set: "warm" is what this holds. SQLite gets as much page cache. */
export const CACHE_BYTES = 2 ** 31;

/** The store through its public verbs, with change log and history as they are by default. */
export async function open({ directory, cold }) {
  const store = await openStore(directory, { cacheBytes: cold ? 0 : CACHE_BYTES });
  if (!(await store.get('index:call.session'))) {
    await store.put(
      Object.entries(INDEXES).map(([name, key]) => ({
        _id: `index:call.${name}`,
        _type: 'index',
        type: 'llm_call',
        key,
      })),
    );
  }
  const calls = (filter) => store.query({ _type: 'llm_call', ...filter });
  return {
    load: (documents) => store.insert(documents),
    readAll: () => calls({}).toArray(),
    get: (id) => store.get(id),
    session: (session_id) => calls({ session_id }).toArray(),
    project: (project_id) => calls({ project_id }).toArray(),
    range: (from) =>
      calls({ created_at: { $gte: from } })
        .sort({ created_at: 1 })
        .limit(20)
        .toArray(),
    twoFields: (domain, rate) =>
      calls({ domain, success_rate: { $gte: rate } })
        .limit(50)
        .toArray(),
    tags: (tags) =>
      calls({ tags: { $in: tags } })
        .limit(50)
        .toArray(),
    scan: (latency) => calls({ 'metrics.latency_ms': { $gte: latency } }).toArray(),
    insert: (document) => store.insert(document),
    insertShared: (document) => store.insert(document),
    update: (id, rate) => store.update(id, { $set: { success_rate: rate } }),
    updateMany: (changes) =>
      store.transaction(async (transaction) => {
        for (const { id, rate } of changes) {
          await transaction.update(id, { $set: { success_rate: rate } });
        }
      }),
    close: () => store.close(),
  };
}
export const persists = true;
export const hasCold = true;
/** Whether so many updates are made that it might slow down. */
export const wears = true;
