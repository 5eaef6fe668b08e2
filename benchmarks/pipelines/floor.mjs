import { join } from 'node:path';
import { open } from 'lmdb';
import { diskBytesOf } from './disk.mjs';
import { newHistory } from './works.mjs';

/** LMDB alone: as many bytes in as many entries as a stage of ours, one durable commit a stage. */
export async function openSubject({ directory }) {
  const root = open({ path: join(directory, 'raw.mdb'), maxDbs: 4, encoding: 'binary' });
  const [documents, log, names] = ['documents', 'log', 'names'].map((name) =>
    root.openDB({ name, encoding: 'binary' }),
  );
  let runs = 0;
  return {
    async run({ stages, history }) {
      const run = ++runs;
      const starts = [];
      for (let at = 0; at < stages; at++) {
        starts.push(performance.now());
        await root.batch(() => write(run, at, history));
        await root.flushed;
      }
      return starts;
    },
    diskBytes: () => diskBytesOf(directory),
    close: () => root.close(),
  };

  /** A checkpoint, an audit document and the log record of both. */
  function write(run, at, history) {
    const checkpoint = Buffer.from(`${history ? newHistory(at) : ''}${' '.repeat(120)}`);
    const audit = Buffer.alloc(500, at);
    documents.put(`checkpoint:${run}:${at}`, checkpoint);
    documents.put(`audit:${run}:${at}`, audit);
    log.put(run * 1e6 + at, Buffer.concat([checkpoint, audit]));
    for (const name of ['ref', 'audit', 'seq']) names.put(name, Buffer.alloc(16, at));
  }
}
