import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/**
 * Ends this process with SIGKILL, `ms` milliseconds after it has counted to `counts`. A thread
 * does it, so it comes in the middle of whatever the others are at; and it is a thread of this
 * process, so that it comes as soon on any machine, however slow the parent is to look.
 *
 * @returns what counts one more
 */
export async function killedAfter(counts, ms) {
  const counter = new Int32Array(new SharedArrayBuffer(8));
  const workerData = { counter, counts, ms };
  const worker = new Worker(WAIT_AND_KILL, { eval: true, workerData });
  await once(worker, 'online');
  worker.unref();
  return () => {
    Atomics.add(counter, 0, 1);
    Atomics.notify(counter, 0);
  };
}

const WAIT_AND_KILL = `
  const { counter, counts, ms } = require('node:worker_threads').workerData;
  for (let now = 0; now < counts; now = Atomics.load(counter, 0)) Atomics.wait(counter, 0, now);
  Atomics.wait(counter, 1, 0, ms);
  process.kill(process.pid, 'SIGKILL');`;
