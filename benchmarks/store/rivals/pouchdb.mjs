import { join } from 'node:path';
import { requireRival } from '../../rivals/install.mjs';

/** LevelDB with Mango indexes, in its own batches; LevelDB does not flush each write. */
export async function open({ directory }) {
  const PouchDB = requireRival('pouchdb').plugin(requireRival('pouchdb-find'));
  const calls = new PouchDB(join(directory, 'store'), { auto_compaction: true });
  const fields = [['session_id'], ['project_id'], ['created_at'], ['domain', 'success_rate']];
  for (const each of fields) await calls.createIndex({ index: { fields: each } });
  const find = async (selector, rest) =>
    (await calls.find({ selector, limit: 1_000_000, ...rest })).docs;
  return {
    load: async (documents) => {
      // Its documents have no fields of their own that begin with an underscore.
      await calls.bulkDocs(documents.map(({ _type, ...rest }) => ({ ...rest, type: _type })));
    },
    finishLoad: async () => {
      await find({ session_id: '' });
      await find({ project_id: '' });
      await find({ created_at: { $gte: '9' } });
      await find({ domain: '', success_rate: { $gte: 1 } });
    },
    readAll: async () => (await calls.allDocs({ include_docs: true })).rows,
    get: (id) => calls.get(id),
    session: (session_id) => find({ session_id }),
    project: (project_id) => find({ project_id }),
    range: (from) =>
      find({ created_at: { $gte: from } }, { sort: [{ created_at: 'asc' }], limit: 20 }),
    twoFields: (domain, rate) => find({ domain, success_rate: { $gte: rate } }, { limit: 50 }),
    close: () => calls.close(),
  };
}
export const persists = true;
/** Its indexes take minutes to build; what it does is measured on fewer documents. */
export const documentsMax = 10_000;
