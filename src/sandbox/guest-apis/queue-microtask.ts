import type { GuestApi } from './use.js';

/** `queueMicrotask`; what the callback throws is lost, as a rejection that nobody awaits is. */
export function queueMicrotaskApi(): GuestApi['queueMicrotask'] {
  const resolved = Promise.resolve();
  function queueMicrotask(callback: () => void): void {
    if (typeof callback !== 'function') throw new TypeError('expected a function');
    resolved.then(() => callback());
  }
  return { queueMicrotask };
}
