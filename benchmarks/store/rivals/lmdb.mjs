import { join } from 'node:path';
import { requireRival } from '../../rivals/install.mjs';

/** One table of documents, and a table of sorted duplicates for each index. */
export async function open({ directory }) {
  const lmdb = requireRival('lmdb');
  const root = lmdb.open({ path: join(directory, 'store.mdb'), maxDbs: 8 });
  const calls = root.openDB({ name: 'calls' });
  const indexes = Object.fromEntries(
    ['session', 'project', 'created', 'domain', 'tags'].map((name) => [
      name,
      root.openDB({ name, dupSort: true, encoding: 'ordered-binary' }),
    ]),
  );
  const enter = (call, verb) => {
    const { _id } = call;
    indexes.session[verb](call.session_id, _id);
    indexes.project[verb](call.project_id, _id);
    indexes.created[verb](call.created_at, _id);
    indexes.domain[verb]([call.domain, call.success_rate], _id);
    for (const tag of call.tags) indexes.tags[verb](tag, _id);
  };
  const insert = (call) => {
    calls.put(call._id, call);
    enter(call, 'put');
  };
  const update = (id, rate) => {
    const call = calls.get(id);
    indexes.domain.remove([call.domain, call.success_rate], id);
    indexes.domain.put([call.domain, rate], id);
    calls.put(id, { ...call, success_rate: rate });
  };
  const all = (ids) => Array.from(ids, (id) => calls.get(id));
  const values = (range) => range.map(({ value }) => value);
  return {
    isSync: true,
    load: (documents) => root.transactionSync(() => documents.forEach(insert)),
    readAll: () => Array.from(calls.getRange(), ({ value }) => value),
    get: (id) => calls.get(id),
    session: (session) => all(indexes.session.getValues(session)),
    project: (project) => all(indexes.project.getValues(project)),
    range: (start) => all(values(indexes.created.getRange({ start, limit: 20 }))),
    twoFields: (domain, rate) =>
      all(values(indexes.domain.getRange({ start: [domain, rate], end: [domain, 2], limit: 50 }))),
    tags: (tags) => all(firstDistinct(tags, indexes.tags, 50)),
    scan: (latency) =>
      Array.from(
        calls.getRange().filter(({ value }) => value.metrics.latency_ms >= latency),
        ({ value }) => value,
      ),
    insert: (call) => root.transactionSync(() => insert(call)),
    insertShared: (call) => root.transaction(() => insert(call)),
    update: (id, rate) => root.transactionSync(() => update(id, rate)),
    updateMany: (changes) =>
      root.transactionSync(() => {
        for (const { id, rate } of changes) update(id, rate);
      }),
    close: () => root.close(),
  };
}

function firstDistinct(tags, index, count) {
  const found = new Set();
  for (const tag of tags) {
    for (const id of index.getValues(tag)) {
      if (found.size === count) return found;
      found.add(id);
    }
  }
  return found;
}
export const persists = true;
