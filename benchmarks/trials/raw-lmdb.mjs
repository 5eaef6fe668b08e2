import { join } from 'node:path';
import { open as openStore } from 'jdbx';
import { open } from 'lmdb';
import { pack } from 'msgpackr';
import { makeDocument } from '../documents.mjs';
import { repeat, repeatTogether } from '../measure.mjs';
import { putPromptStages } from '../pipelines.mjs';

/** Floors: LMDB alone, writing as many bytes in as many entries as the store does. */
export async function run({ directory }) {
  const { insert, stage } = await commitsOfTheStore(join(directory, 'store'));
  return {
    'raw LMDB commit, bytes of an insert': {
      value: await timeCommit(directory, insert),
      unit: 'µs',
    },
    'raw LMDB commit, bytes of a stage': { value: await timeCommit(directory, stage), unit: 'µs' },
    'raw LMDB puts, 100 callers': { value: await timeTogether(directory, insert), unit: '/s' },
  };
}

/** What one insert and one stage write: their documents, and the log record that repeats them. */
async function commitsOfTheStore(directory) {
  const store = await openStore(directory);
  const inserted = await store.insert(makeDocument(1));
  const { id } = await store.run(await putPromptStages(store, 1), { what: 'yes' });
  const written = [
    ...(await store.query({ _type: 'checkpoint', run: id })),
    ...(await store.audit.query({ run: id, kind: 'stage' })),
  ];
  await store.close();
  return { insert: [inserted].map(bytesOf), stage: written.map(bytesOf) };
}

function bytesOf(document) {
  return Buffer.from(pack([1, 1, document]));
}

async function timeCommit(directory, bodies) {
  return withTables(directory, async ({ root, write }) => {
    const { medianUs } = await repeat(async (n) => {
      await root.batch(() => write(n, bodies));
      await root.flushed;
    });
    return medianUs;
  });
}

/** LMDB's own group commit: every put of one turn of the event loop shares a transaction. */
async function timeTogether(directory, bodies) {
  return withTables(directory, ({ root, write }) =>
    repeatTogether(
      async (n) => {
        await root.batch(() => write(n, bodies));
        await root.flushed;
      },
      { callers: 100 },
    ),
  );
}

let opened = 0;

async function withTables(directory, work) {
  const path = join(directory, `raw-${++opened}.mdb`);
  const root = open({ path, maxDbs: 4, encoding: 'binary', keyEncoding: 'binary' });
  const [documents, log, names] = ['documents', 'log', 'names'].map((name) =>
    root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }),
  );
  const write = (n, bodies) => {
    for (const [at, body] of bodies.entries()) documents.put(Buffer.from(`item:${n}:${at}`), body);
    log.put(Buffer.from(String(n).padStart(12, '0')), Buffer.concat(bodies));
    for (const name of ['ref', 'audit', 'seq']) names.put(Buffer.from(name), Buffer.alloc(16, n));
  };
  try {
    return await work({ root, write });
  } finally {
    await root.close();
  }
}
