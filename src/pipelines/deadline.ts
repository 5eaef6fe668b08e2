import { LinkedSignal } from '../base/linked-signal.js';
import { whenAborted } from '../base/when-aborted.js';

export interface DeadlineOptions {
  /** Milliseconds. Default: none. */
  readonly ms?: number | undefined;
  readonly late: () => Error;
  /** How long the work may take to notice that it has to end, in milliseconds. Default: as long as it takes. */
  readonly graceMs?: number | undefined;
}

/**
 * Runs `work` under a signal that ends with `outer` or after `ms`. Once the signal has
 * ended the work is waited for, so that nothing of it goes on behind the caller's back;
 * work that does not listen is given up after the grace. What the work gave in time
 * counts, even when the signal ended meanwhile.
 *
 * @throws the signal's reason once it has ended, else what the work throws
 */
export async function withDeadline<T>(
  outer: AbortSignal,
  { ms, late, graceMs }: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  // Without a time of its own the work needs no signal of its own: there may be many runs.
  const linked = ms === undefined ? undefined : new LinkedSignal().follow(outer);
  const signal = linked?.signal ?? outer;
  const timer = linked && setTimeout(() => linked.abort(late()), ms);
  try {
    return await orGiveUp(work(signal), signal, graceMs);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    linked?.release();
  }
}

function orGiveUp<T>(
  work: Promise<T>,
  signal: AbortSignal,
  graceMs: number | undefined,
): Promise<T> {
  if (graceMs === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const release = whenAborted(signal, () => {
      timer = setTimeout(() => reject(signal.reason), graceMs);
    });
    const over = () => {
      clearTimeout(timer);
      release();
    };
    work.then(
      (value) => {
        over();
        resolve(value);
      },
      (error) => {
        over();
        reject(error);
      },
    );
  });
}
