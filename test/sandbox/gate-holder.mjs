// Goes into its gate, and comes out when it is told to by the first cell; then goes in once more.
import { parentPort, workerData } from 'node:worker_threads';
import { Gate } from '#jdbx/sandbox/gate.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';

const { control, isInside } = workerData;
const gate = new Gate(control, CONTROL.gate);
if (isInside) gate.enter();
parentPort.postMessage('ready');
Atomics.wait(control, CONTROL.wake, 0);
if (isInside) gate.leave();
gate.enter();
Atomics.store(control, CONTROL.wake, 2);
