import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { shutNow, tryShut } from './gate.js';
import { CONTROL, monotonicNow } from './messages.js';

/** How long a thread may take to come out of a call that cannot be interrupted. */
const STUCK_MS = 1_000;
const LOOK_MS = 1;
const LATE_LOOK_MS = 50;

/** Threads with near functions that live: all that must not be ended anywhere when the process ends. */
const living = new Set<Int32Array>();

/** From now on, until it has exited, the end of the process waits for it to come out of its gate. */
export function watchOver(thread: Worker, control: Int32Array): void {
  if (living.size === 0) process.on('exit', shutAll);
  living.add(control);
  thread.once('exit', () => {
    living.delete(control);
    if (living.size === 0) process.off('exit', shutAll);
  });
}

/** Blocks: the process ends its threads as soon as this returns. */
function shutAll(): void {
  const until = monotonicNow() + STUCK_MS;
  // All at first, so that they come out at the same time.
  for (const control of living) tryShut(control, CONTROL.gate);
  for (const control of living) {
    shutNow(control, CONTROL.gate, Math.max(0, until - monotonicNow()));
  }
}

/**
 * Ends a thread that is watched over, once it is out of its gate. One that does not come out
 * waits for a disk, or for another process: ending it there might end the process, so it is
 * ended when it has come out, which nobody waits for, nor does the process live for it.
 *
 * @param onStuck is called when this returns before the thread has ended
 */
export async function endWorker(
  thread: Worker,
  control: Int32Array,
  onStuck: () => void,
): Promise<void> {
  const until = monotonicNow() + STUCK_MS;
  while (!isOut(control)) {
    if (monotonicNow() >= until) {
      onStuck();
      thread.unref();
      endLater(thread, control);
      return;
    }
    await sleep(LOOK_MS);
  }
  await thread.terminate();
}

async function endLater(thread: Worker, control: Int32Array): Promise<void> {
  while (!isOut(control)) await sleep(LATE_LOOK_MS, undefined, { ref: false });
  await thread.terminate();
}

/** One that has exited by itself, wherever it was, is out. */
function isOut(control: Int32Array): boolean {
  return !living.has(control) || tryShut(control, CONTROL.gate);
}
