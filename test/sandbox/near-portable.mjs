// Runs the pipeline among some documents in a store without the native part.
import { parentPort, workerData } from 'node:worker_threads';
import { open } from '#jdbx/index.js';

const { path, documents } = workerData;
const db = await open(path);
await db.put([{ _id: 'a', _type: 'a', n: 1 }, ...documents]);
const { output } = await db.run(documents.at(-1)._id, {});
parentPort.postMessage([output, db.guestReads]);
await db.close();
