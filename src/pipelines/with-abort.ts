/**
 * Waits for several pieces of work that share a signal. When one fails the others are
 * told to stop, and only when all have ended does the first failure come out: nothing
 * goes on behind the caller's back.
 */
export async function withAbort<T>(
  outer: AbortSignal,
  start: (inner: AbortSignal) => readonly Promise<T>[],
): Promise<T[]> {
  const own = new AbortController();
  const failures: unknown[] = [];
  const pieces = start(AbortSignal.any([outer, own.signal])).map((piece) =>
    piece.catch((error: unknown) => {
      failures.push(error);
      own.abort(error);
      return undefined as T;
    }),
  );
  const results = await Promise.all(pieces);
  if (failures.length > 0) throw failures[0];
  return results;
}
