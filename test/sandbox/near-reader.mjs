// Reads as a guest's thread does, until it is killed.
import { parentPort, workerData } from 'node:worker_threads';
import { openNear } from '#jdbx/pipelines/guests/near-database.js';
import { Gate } from '#jdbx/sandbox/gate.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';

const { directory, order, control } = workerData;
const gate = new Gate(control, CONTROL.gate);
gate.enter();
const host = await openNear({ directory }, gate);
gate.leave();
host.learn(order.shared.facts);
parentPort.postMessage('open');
const ids = (page) => Array.from({ length: 512 }, (_, at) => `doc:${page * 512 + at}`);

function read() {
  const call = host.begin(order.own, ids);
  for (let n = 0; n < 20; n++) {
    call.answer('db.get', [`doc:${n}`]);
    call.answer('db.query', [{ _type: 'fruit', n: { $gt: 3 } }]);
  }
  call.end();
  host.rest();
  setImmediate(read);
}
read();
