import { refuse } from './operator.js';

const RANGE_MAX = 1_000_000;

/**
 * `$range` over whole numbers of 32 bits, at most a million of them.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/range/
 */
export function rangeOf([start, end, step = 1]: readonly unknown[]): number[] {
  const [from, to, by] = [start, end, step].map(whole) as [number, number, number];
  if (by === 0) refuse('$range', 'a step other than 0', '0');
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (length > RANGE_MAX) refuse('$range', `at most ${RANGE_MAX} numbers`, String(length));
  return Array.from({ length }, (_, at) => from + at * by);
}

function whole(value: unknown): number {
  if (!Number.isInteger(value) || ((value as number) | 0) !== value)
    refuse('$range', '32-bit whole numbers', String(value));
  return value as number;
}
