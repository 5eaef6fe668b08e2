import type { KeyRange } from '../indexes/contract.js';
import type { Access, IndexAccess } from './access.js';
import { withRefs } from './ref-buffers.js';

/** Up to so many keys are counted by reading them, which can stop; more are counted by the index. */
const READ_MAX = 2_048;

/**
 * How many keys an access reads at `seq`: exact, as long as it is below `enough`;
 * counting stops there, because the plan that has so few is cheaper already.
 */
export function countKeys(access: Access, seq: number, enough = Number.POSITIVE_INFINITY): number {
  switch (access.kind) {
    case 'index':
      return access.bounds.length === 0
        ? Number.POSITIVE_INFINITY
        : countRanges(access, seq, enough);
    case 'union':
      return sumUntil(access.branches, enough, (branch, left) => countKeys(branch, seq, left));
    case 'intersection':
      return countKeys(access.stream, seq) + countKeys(access.filter, seq);
    case 'ids':
      return access.ids.length;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function countRanges({ index, ranges }: IndexAccess, seq: number, enough: number): number {
  return sumUntil(ranges, enough, (range, left) =>
    left <= READ_MAX ? readUpTo(index.index, range, seq, left) : index.index.count(range, seq),
  );
}

function readUpTo(
  index: IndexAccess['index']['index'],
  range: KeyRange,
  seq: number,
  most: number,
) {
  if (most < 1) return 0;
  return withRefs(READ_MAX, (refs) => {
    const cursor = index.scan(range, seq);
    try {
      return cursor.next({ refs: most === READ_MAX ? refs : refs.subarray(0, most) });
    } finally {
      cursor.close();
    }
  });
}

function sumUntil<T>(
  parts: readonly T[],
  enough: number,
  measure: (part: T, left: number) => number,
): number {
  let sum = 0;
  for (const part of parts) {
    sum += measure(part, enough - sum);
    if (sum >= enough) return sum;
  }
  return sum;
}
