import { requireRival } from '../../rivals/install.mjs';

/** All in memory: nothing it does is durable, so it has no row for that. */
export async function open() {
  const Loki = requireRival('lokijs');
  const calls = new Loki('store').addCollection('calls', {
    unique: ['_id'],
    indices: ['session_id', 'project_id', 'created_at', 'domain'],
    adaptiveBinaryIndices: true,
  });
  const update = (id, rate) => {
    const call = calls.by('_id', id);
    call.success_rate = rate;
    calls.update(call);
  };
  return {
    isSync: true,
    load: (documents) => calls.insert(documents),
    readAll: () => calls.find(),
    get: (id) => calls.by('_id', id),
    session: (session_id) => calls.find({ session_id }),
    project: (project_id) => calls.find({ project_id }),
    range: (from) =>
      calls
        .chain()
        .find({ created_at: { $gte: from } })
        .simplesort('created_at')
        .limit(20)
        .data(),
    twoFields: (domain, rate) =>
      calls
        .chain()
        .find({ domain })
        .find({ success_rate: { $gte: rate } })
        .limit(50)
        .data(),
    tags: (tags) =>
      calls
        .chain()
        .find({ tags: { $containsAny: tags } })
        .limit(50)
        .data(),
    scan: (latency) => calls.find({ 'metrics.latency_ms': { $gte: latency } }),
    updateMany: (changes) => {
      for (const { id, rate } of changes) update(id, rate);
    },
    close: () => {},
  };
}
export const persists = false;
