import { PIPELINE, runOf } from './documents.mjs';
import { load } from './load.mjs';

/**
 * Asks every model every question: one run each of `pipeline:solve-and-grade`, some at
 * a time. Each run has a key, so calling this again on the same store goes on where the
 * last process stopped, however it ended.
 *
 * @param {object} options
 * @param {import('jdbx').Jdbx} options.store an open store
 * @param {readonly object[]} options.data rows of the file
 * @param {number} [options.concurrency] runs under way at once. Default 32.
 * @param {number} [options.limit] take the first questions only
 * @param {object} [options.real] a model of a real provider, which is asked too
 * @param {number} [options.realLimit] it is asked so many questions. Default 10.
 * @param {number} [options.delayMs] how long each recorded model takes to answer. Default 0.
 * @param {(progress: { done: number, total: number }) => void} [options.onProgress]
 */
export async function runJob({
  store,
  data,
  concurrency = 32,
  limit = Number.POSITIVE_INFINITY,
  delayMs = 0,
  real,
  realLimit = 10,
  onProgress = () => {},
}) {
  const rows = data.slice(0, limit);
  const models = await load(store, rows, delayMs, real);
  const tasks = rows.flatMap((_, at) => {
    const asked = real && at < realLimit ? [real.model] : [];
    return [...models, ...asked].map((model) => runOf(model, at + 1));
  });
  const earlier = await store.query({ _type: 'run', status: 'completed' }).count();
  const failures = [];
  let done = 0;
  await eachOf(tasks, concurrency, async ({ input, key, session }) => {
    try {
      await store.run(PIPELINE, input, { key, session });
    } catch (error) {
      if (error.code !== 'RUN_FAILED') throw error;
      failures.push(error);
    }
    onProgress({ done: ++done, total: tasks.length });
  });
  return { models, runs: tasks.length, earlier, failures };
}

async function eachOf(items, concurrency, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
