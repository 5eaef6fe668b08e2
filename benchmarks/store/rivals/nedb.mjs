import { join } from 'node:path';
import { requireRival } from '../../rivals/install.mjs';

/** Appends to a file and does not flush it: what it calls written, a power loss may take. */
export async function open({ directory }) {
  const Datastore = requireRival('@seald-io/nedb');
  const calls = new Datastore({ filename: join(directory, 'store.db') });
  await calls.loadDatabaseAsync();
  for (const fieldName of ['session_id', 'project_id', 'created_at', 'domain', 'tags']) {
    await calls.ensureIndexAsync({ fieldName });
  }
  return {
    load: (documents) => calls.insertAsync(documents),
    readAll: () => calls.findAsync({}),
    get: (_id) => calls.findOneAsync({ _id }),
    session: (session_id) => calls.findAsync({ session_id }),
    project: (project_id) => calls.findAsync({ project_id }),
    range: (from) =>
      calls
        .findAsync({ created_at: { $gte: from } })
        .sort({ created_at: 1 })
        .limit(20),
    twoFields: (domain, rate) =>
      calls.findAsync({ domain, success_rate: { $gte: rate } }).limit(50),
    tags: (tags) => calls.findAsync({ tags: { $in: tags } }).limit(50),
    scan: (latency) => calls.findAsync({ 'metrics.latency_ms': { $gte: latency } }),
    close: () => calls.compactDatafileAsync(),
  };
}
export const persists = true;
