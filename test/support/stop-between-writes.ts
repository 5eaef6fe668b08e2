import { setTimeout } from 'node:timers/promises';
import type { Jdbx } from '#jdbx/index.js';

/** A write takes longer only where somebody does not give the lock for it away. */
const FREE_MS = 500;

/**
 * Stops another process that has the store open with SIGSTOP, at a moment when it does not hold
 * the lock for writing: who is stopped with it in its hands lets nobody write.
 */
export async function stopBetweenWrites(
  signal: (signal: NodeJS.Signals) => void,
  db: Jdbx,
): Promise<void> {
  for (;;) {
    signal('SIGSTOP');
    const writing = db.put({ _id: 'probe', _type: 'probe' });
    if (await Promise.race([writing, setTimeout(FREE_MS)])) return;
    signal('SIGCONT');
    await writing;
  }
}
