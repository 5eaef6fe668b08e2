import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';

/** One place where what came is not what was expected; a side that has nothing is absent. */
export interface Difference {
  /** As in `metrics.rate` or `items.0`; empty for the whole. */
  readonly path: string;
  readonly expected?: Value;
  readonly actual?: Value;
}

/** A report names no more than this. */
const DIFFERENCES_MAX = 20;

/**
 * Where `actual` departs from `expected`, in order, at most 20 places. `approx` is the
 * share of the larger of two numbers by which they may differ.
 */
export function differences(expected: Value, actual: Value, approx = 0): Difference[] {
  const found: Difference[] = [];
  compare(expected, actual, '', approx, found);
  return found;
}

function compare(
  expected: Value | undefined,
  actual: Value | undefined,
  path: string,
  approx: number,
  found: Difference[],
): void {
  if (found.length >= DIFFERENCES_MAX) return;
  const at = (key: string | number) => (path === '' ? `${key}` : `${path}.${key}`);
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const count = Math.max(expected.length, actual.length);
    for (let index = 0; index < count; index++) {
      compare(expected[index], actual[index], at(index), approx, found);
    }
  } else if (isPlainObject(expected) && isPlainObject(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      compare(own(expected, key), own(actual, key), at(key), approx, found);
    }
  } else if (!equal(expected, actual, approx)) {
    found.push({
      path,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
    });
  }
}

function own(object: object, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? (object as ValueObject)[key] : undefined;
}

function equal(expected: Value | undefined, actual: Value | undefined, approx: number): boolean {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const larger = Math.max(Math.abs(expected), Math.abs(actual));
    return expected === actual || Math.abs(expected - actual) <= approx * larger;
  }
  if (expected instanceof Date && actual instanceof Date) return +expected === +actual;
  if (expected instanceof Uint8Array && actual instanceof Uint8Array) {
    return Buffer.compare(expected, actual) === 0;
  }
  return expected === actual;
}
