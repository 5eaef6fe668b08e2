// Opens transactions of LMDB and reads in them, without a pause, until it is killed.
import { parentPort, workerData } from 'node:worker_threads';

const { directory, control, ungated } = workerData;
const { Gate } = await import('#jdbx/sandbox/gate.js');
const gate = new Gate(control, 4);
gate.enter();
const { openFollower } = await import('#jdbx/storage/follower.js');
const follower = await openFollower(directory, ungated ? {} : { gate });
gate.leave();
parentPort.postMessage('open');

for (;;) {
  const snapshot = follower.snapshot();
  for (let n = 0; n < 5; n++) snapshot.get(`doc:${n}`);
  for (const { document } of snapshot.documents()) if (document._id === 'doc:3') break;
  snapshot.close();
}
