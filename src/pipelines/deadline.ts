/**
 * Runs `work` under a signal that also ends after `ms`, and settles when that signal
 * ends even if the work does not listen to it.
 */
export async function withDeadline<T>(
  outer: AbortSignal,
  ms: number | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const own = new AbortController();
  const timer = ms === undefined ? undefined : setTimeout(() => own.abort(late()), ms);
  const signal = AbortSignal.any([outer, own.signal]);
  let stop: () => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
