import { join } from 'node:path';
import { requireRival } from '../../rivals/install.mjs';

const CACHE_KIB = 2 ** 21;

/**
 * A table of JSON text with expression indexes, tags in a table of their own, every
 * statement prepared; WAL, flushed at each commit. Callers that wait together share a commit.
 */
export async function open({ directory }) {
  const Database = requireRival('better-sqlite3');
  const db = new Database(join(directory, 'store.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  db.pragma(`mmap_size = ${CACHE_KIB * 1_024}`);
  db.exec(`
    CREATE TABLE IF NOT EXISTS calls (id TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS tags (tag TEXT, call INTEGER, PRIMARY KEY (tag, call)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS by_session ON calls (body ->> '$.session_id');
    CREATE INDEX IF NOT EXISTS by_project ON calls (body ->> '$.project_id');
    CREATE INDEX IF NOT EXISTS by_created ON calls (body ->> '$.created_at');
    CREATE INDEX IF NOT EXISTS by_domain ON calls (body ->> '$.domain', body ->> '$.success_rate');
  `);
  return subject(db);
}

function subject(db) {
  const select = (where) => {
    const statement = db.prepare(`SELECT body FROM calls ${where}`).pluck();
    return (...values) => statement.all(...values).map(parse);
  };
  const parse = (text) => JSON.parse(text);
  const byId = db.prepare('SELECT body FROM calls WHERE id = ?').pluck();
  const insertCall = db.prepare('INSERT INTO calls (id, body) VALUES (?, ?)');
  const insertTag = db.prepare('INSERT INTO tags (tag, call) VALUES (?, ?)');
  const update = db.prepare(
    `UPDATE calls SET body = json_set(body, '$.success_rate', ?) WHERE id = ?`,
  );
  const insertOne = (document) => {
    const { lastInsertRowid } = insertCall.run(document._id, JSON.stringify(document));
    for (const tag of document.tags) insertTag.run(tag, lastInsertRowid);
  };
  const insertAll = db.transaction((documents) => documents.forEach(insertOne));
  return {
    isSync: true,
    load: insertAll,
    readAll: select(''),
    get: (id) => parse(byId.get(id)),
    session: select(`WHERE body ->> '$.session_id' = ?`),
    project: select(`WHERE body ->> '$.project_id' = ?`),
    range: select(`WHERE body ->> '$.created_at' >= ? ORDER BY body ->> '$.created_at' LIMIT 20`),
    twoFields: select(`WHERE body ->> '$.domain' = ? AND body ->> '$.success_rate' >= ? LIMIT 50`),
    tags: selectTags(select),
    scan: select(`WHERE body ->> '$.metrics.latency_ms' >= ?`),
    insert: (document) => insertAll([document]),
    insertShared: sharing(insertAll),
    update: (id, rate) => update.run(rate, id),
    updateMany: db.transaction((changes) => {
      for (const { id, rate } of changes) update.run(rate, id);
    }),
    close: () => db.close(),
  };
}

/** Distinct calls are found until there are enough; `IN (SELECT …)` would collect all of them first. */
function selectTags(select) {
  const find = select(
    `WHERE rowid IN (SELECT DISTINCT call FROM tags WHERE tag IN (?, ?) LIMIT 50)`,
  );
  return ([one, other]) => find(one, other);
}

/** What callers hand in during one turn of the event loop is one transaction. */
function sharing(insertAll) {
  let waiting = [];
  const flush = () => {
    const taken = waiting;
    waiting = [];
    insertAll(taken.map(({ document }) => document));
    for (const { resolve } of taken) resolve();
  };
  return (document) =>
    new Promise((resolve) => {
      if (waiting.push({ document, resolve }) === 1) setImmediate(flush);
    });
}
export const persists = true;
/** Whether so many updates are made that it might slow down. */
export const wears = true;
