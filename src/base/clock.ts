/** Where time comes from. Milliseconds since the epoch, as `Date.now()` gives. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
