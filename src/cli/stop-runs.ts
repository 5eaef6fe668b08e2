import { isJdbxError } from '../base/errors.js';
import type { Jdbx } from '../jdbx.js';
import { Interrupted, interruptible } from './interrupt.js';

/**
 * Does work that has runs under way. A signal closes the store, which stops them after the
 * commits that are on their way, so that `resume` can go on with them.
 *
 * @param told what to say then
 * @throws {Interrupted}
 */
export function stoppingRuns<T>(
  db: Jdbx,
  told: () => string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return interruptible(async (interrupt) => {
    const { signal } = interrupt;
    signal.addEventListener('abort', () => void db.close());
    try {
      return await work(signal);
    } catch (error) {
      const stopped = error === signal.reason || isJdbxError(error, 'STORE_CLOSED');
      throw interrupt.came && stopped ? new Interrupted(interrupt.came, told()) : error;
    }
  });
}
