import { compareKeys } from '../base/key-bytes.js';
import type {
  DocumentRef,
  IndexBatch,
  IndexCursor,
  KeyRange,
  OrderedIndex,
} from '../indexes/contract.js';

export interface OverlayEntry {
  readonly key: Uint8Array;
  readonly ref: DocumentRef;
}

/**
 * An index as a transaction sees it: the entries of documents that it wrote are
 * hidden, and the keys that they have now stand in their place. For reading only.
 */
export class OverlayIndex implements OrderedIndex {
  readonly #base: OrderedIndex;
  readonly #hidden: ReadonlySet<DocumentRef>;
  readonly #own: readonly OverlayEntry[];

  constructor(base: OrderedIndex, hidden: ReadonlySet<DocumentRef>, own: readonly OverlayEntry[]) {
    this.#base = base;
    this.#hidden = hidden;
    this.#own = own.toSorted(compareEntries);
  }

  scan(range: KeyRange, seq: number): IndexCursor {
    const own = this.#own.filter(({ key }) => isInside(key, range));
    const base = visibleEntries(this.#base.scan(range, seq), this.#hidden);
    return new MergedCursor(merge(base, range.reverse ? own.reverse() : own, range.reverse));
  }

  /** At least as many as `scan` gives: hidden entries are counted too. */
  count(range: KeyRange, seq: number): number {
    const own = this.#own.filter(({ key }) => isInside(key, range));
    return this.#base.count(range, seq) + own.length;
  }

  stats() {
    return this.#base.stats();
  }

  apply(): never {
    throw new Error('a transaction view of an index cannot be written');
  }

  revert(): never {
    return this.apply();
  }

  release(): void {}

  close(): void {}
}

class MergedCursor implements IndexCursor {
  readonly #entries: Iterator<OverlayEntry, void>;

  constructor(entries: Iterator<OverlayEntry, void>) {
    this.#entries = entries;
  }

  next({ refs, keys }: IndexBatch): number {
    let count = 0;
    for (; count < refs.length; count++) {
      const { done, value } = this.#entries.next();
      if (done) break;
      refs[count] = value.ref;
      if (keys) keys[count] = value.key;
    }
    return count;
  }

  close(): void {
    this.#entries.return?.();
  }
}

const BATCH = 128;

function* visibleEntries(
  cursor: IndexCursor,
  hidden: ReadonlySet<DocumentRef>,
): Generator<OverlayEntry, void> {
  const batch = { refs: new Uint32Array(BATCH), keys: [] as Uint8Array[] };
  try {
    for (let count = cursor.next(batch); count > 0; count = cursor.next(batch)) {
      for (let at = 0; at < count; at++) {
        const ref = batch.refs[at] as number;
        if (!hidden.has(ref)) yield { key: batch.keys[at] as Uint8Array, ref };
      }
    }
  } finally {
    cursor.close();
  }
}

function* merge(
  base: Generator<OverlayEntry, void>,
  own: readonly OverlayEntry[],
  reverse = false,
): Generator<OverlayEntry, void> {
  const direction = reverse ? -1 : 1;
  let next = 0;
  for (const entry of base) {
    for (; own[next] && compareEntries(own[next] as OverlayEntry, entry) * direction < 0; next++) {
      yield own[next] as OverlayEntry;
    }
    yield entry;
  }
  yield* own.slice(next);
}

function compareEntries(left: OverlayEntry, right: OverlayEntry): number {
  return compareKeys(left.key, right.key) || left.ref - right.ref;
}

function isInside(key: Uint8Array, range: KeyRange): boolean {
  const { lower, lowerInclusive = true, upper, upperInclusive = false } = range;
  if (lower && compareKeys(key, lower) < (lowerInclusive ? 0 : 1)) return false;
  return !upper || compareKeys(key, upper) < (upperInclusive ? 1 : 0);
}
