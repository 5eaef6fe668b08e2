// Exits while four threads read a store without a pause: `node exiting-reader.mjs STORE WAIT_MS`.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { watchOver } from '#jdbx/sandbox/end-worker.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';

const [directory, waitMs, ungated] = process.argv.slice(2);
const READER = new URL('./endless-reader.mjs', import.meta.url);

async function start() {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.cells * 4));
  const worker = new Worker(READER, { workerData: { directory, control, ungated } });
  if (!ungated) watchOver(worker, control);
  await once(worker, 'message');
}
await Promise.all([start(), start(), start(), start()]);
setTimeout(() => process.exit(7), Number(waitMs));
