// A process that has a store open and does what it is told, a line of JSON for each call:
// `[verb, ...arguments]`. Answers with `{ value }` or `{ code }`, and `{ events }` of a watch.
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from '#jdbx/index.js';
import { Bodies } from '#jdbx/storage/bodies/bodies.js';
import { decodeRecord, PackedRecord } from '#jdbx/storage/journal/record.js';
import { nativeLocks } from '#jdbx/storage/sharing/native-locks.js';
import { Sharing } from '#jdbx/storage/sharing/sharing.js';

const [path, options = '{}'] = process.argv.slice(2);
const tell = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);
const events = [];
let db;

const verbs = {
  open: async () => {
    db = await open(path, { workers: 1, ...JSON.parse(options) });
    return db.seq;
  },
  seq: () => db.seq,
  find: (filter) => db.query(filter).sort({ _id: 1 }).toArray(),
  explain: (filter) => db.query(filter).explain(),
  watch: (since) => {
    (async () => {
      for await (const { kind, id, rev, seq } of db.watch({}, { since })) {
        events.push({ kind, id, rev, seq });
      }
    })().catch(({ code }) => events.push({ code }));
  },
  events: () => events,
  /** Adds 1 as often as told, one commit each, as fast as it can. */
  count: async (id, times) => {
    for (let n = 0; n < times; n++) await db.update(id, { $inc: { n: 1 } });
  },
  /** Inserts documents with these values, and says which ones it got. */
  claim: async (values) => {
    const got = [];
    for (const value of values) {
      try {
        await db.insert({ _type: 'claim', value });
        got.push(value);
      } catch (error) {
        if (error.code !== 'DUPLICATE_KEY') throw error;
      }
    }
    return got;
  },
  /** Writes until that fails. */
  fill: async () => {
    for (let n = 0; n < 1_000; n++) {
      await db.put({ _id: `big:${n}`, _type: 'big', text: 'x'.repeat(50_000) });
    }
  },
  /**
   * Takes the write lock beside the store, as a process does for a commit, and puts the next
   * record, or its first half, at the journal's end; then it waits to be killed.
   */
  dieWriting: async (_id, share) => {
    const sharing = await Sharing.join(path, 'follower', nativeLocks);
    await sharing.lockWrite();
    sharing.signWrite();
    const { file, end, generation, seq } = journalEnd();
    const change = {
      kind: 'put',
      ref: 1_000_000,
      id: _id,
      rev: 1,
      document: { _id, _type: 'left', _rev: 1 },
      versioned: false,
    };
    const commits = [{ seq: seq + 1, at: Date.now(), changes: [change] }];
    const names = { nextRef: 1_000_001 };
    const batch = { commits, names, logFrom: 1 };
    const record = new PackedRecord(batch, new Bodies()).seal(generation);
    const fd = openSync(file, 'r+');
    writeSync(fd, record, 0, Math.floor(record.length * share), end);
    closeSync(fd);
    return seq + 1;
  },
};

/** Where the newest file's records end. */
function journalEnd() {
  const files = ['journal.0', 'journal.1'].map((name) => {
    const file = join(path, name);
    if (statSync(file).size === 0) return { file, generation: 0 };
    const bytes = readFileSync(file);
    const found = { file, generation: 0, end: 0, seq: 0 };
    for (let record = decodeRecord(bytes, 0); record; record = decodeRecord(bytes, record.end)) {
      if (found.generation > 0 && record.generation !== found.generation) break;
      found.generation = record.generation;
      found.end = record.end;
      found.seq = record.last;
    }
    return found;
  });
  return files[0].generation > files[1].generation ? files[0] : files[1];
}

const lines = createInterface(process.stdin);
// Whoever told it things has gone, perhaps in the middle of one.
lines.once('close', () => process.exit());

for await (const line of lines) {
  const [verb, ...args] = JSON.parse(line);
  try {
    const value = await (verbs[verb] ?? ((...rest) => db[verb](...rest)))(...args);
    tell({ value });
  } catch (error) {
    tell({ code: error.code ?? error.message });
  }
}
