type Calls = Set<() => void>;

/** What each signal calls when it ends. */
const calls = new WeakMap<AbortSignal, Calls>();

/**
 * Calls back once, when `signal` ends; at most one of the platform's listeners stays on a signal
 * however many wait for it, and to add and to take away one is a matter of nanoseconds. The
 * caller sees to it that the signal has not ended yet.
 *
 * @returns lets go of it
 */
export function whenAborted(signal: AbortSignal, call: () => void): () => void {
  const all = calls.get(signal) ?? listenTo(signal);
  // Each has an entry of its own, also when it is the same function.
  const own = () => call();
  all.add(own);
  return () => void all.delete(own);
}

function listenTo(signal: AbortSignal): Calls {
  const all: Calls = new Set();
  calls.set(signal, all);
  const callAll = () => {
    for (const call of all) call();
  };
  signal.addEventListener('abort', callAll, { once: true });
  return all;
}
