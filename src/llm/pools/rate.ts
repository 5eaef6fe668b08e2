/** The span that limits are given for. */
const MINUTE_MS = 60_000;

/**
 * A limit of so much a minute as one number: the time until which what was admitted
 * fills the limit up. This is the generic cell rate algorithm (GCRA, ITU-T I.371,
 * https://www.itu.int/rec/T-REC-I.371) with a burst of one whole minute, so that a
 * resource that rested may be used to the full at once.
 *
 * @param until what an earlier `admit` gave; 0 in the beginning
 * @returns the new `until`, or how long to wait in milliseconds
 */
export function admit(
  until: number,
  cost: number,
  limit: number,
  now: number,
): { readonly until: number } | { readonly waitMs: number } {
  const filled = Math.max(until, now) + (cost * MINUTE_MS) / limit;
  const over = filled - now - MINUTE_MS;
  // More than a minute's worth goes through when nothing else is under way, or it never would.
  if (over <= 0 || until <= now) return { until: filled };
  return { waitMs: Math.ceil(Math.min(over, until - now)) };
}

/** Gives back what was admitted and not used, or takes what was used beyond it. */
export function correct(until: number, unused: number, limit: number): number {
  return until - (unused * MINUTE_MS) / limit;
}
