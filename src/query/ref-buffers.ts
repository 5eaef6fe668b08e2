/**
 * Arrays for refs, used again: making a typed array costs as much as reading ten keys.
 * One that is not given back is lost to the collector, and nothing more.
 */
const spare = new Map<number, Uint32Array[]>();

export function takeRefs(length: number): Uint32Array {
  return spare.get(length)?.pop() ?? new Uint32Array(length);
}

/** The caller reads it no more. */
export function giveRefs(refs: Uint32Array): void {
  const kept = spare.get(refs.length);
  if (!kept) spare.set(refs.length, [refs]);
  else if (kept.length < KEPT_MAX) kept.push(refs);
}

const KEPT_MAX = 8;

export function withRefs<T>(length: number, work: (refs: Uint32Array) => T): T {
  const refs = takeRefs(length);
  try {
    return work(refs);
  } finally {
    giveRefs(refs);
  }
}
