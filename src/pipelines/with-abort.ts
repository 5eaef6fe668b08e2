import { setMaxListeners } from 'node:events';
import { LinkedSignal } from '../base/linked-signal.js';
import { Suspended } from './suspended.js';

/**
 * Waits for several pieces of work that share a signal. When one fails the others are
 * told to stop, and only when all have ended does the first failure come out: nothing
 * goes on behind the caller's back. One that is suspended stops no other.
 */
export async function withAbort<T>(
  outer: AbortSignal,
  start: (inner: AbortSignal) => readonly Promise<T>[],
): Promise<T[]> {
  const linked = new LinkedSignal().follow(outer);
  // As many listen to it as pieces are under way; each lets go of it when it has ended.
  setMaxListeners(0, linked.signal);
  const failures: unknown[] = [];
  const suspended: Suspended[] = [];
  const pieces = start(linked.signal).map((piece) =>
    piece.catch((error: unknown) => {
      if (error instanceof Suspended) suspended.push(error);
      else {
        failures.push(error);
        linked.abort(error);
      }
      return undefined as T;
    }),
  );
  const results = await Promise.all(pieces);
  linked.release();
  if (failures.length > 0) throw failures[0];
  if (suspended.length > 0) throw Suspended.joined(suspended);
  return results;
}
