import type { DocumentRef, IndexChange, KeyRange } from '#jdbx/indexes/contract.js';

export interface Entry {
  readonly key: Uint8Array;
  readonly ref: DocumentRef;
  readonly born: number;
  died: number;
}

/** What an ordered index means, said as plainly as possible: one array, searched from end to end. */
export class IndexModel {
  #entries: Entry[] = [];

  lives(key: Uint8Array, ref: DocumentRef): boolean {
    return this.#find(key, ref, Number.POSITIVE_INFINITY) !== undefined;
  }

  apply(changes: readonly IndexChange[], seq: number): void {
    for (const { kind, key, ref } of changes) {
      if (kind === 'insert') {
        this.#entries.push({ key, ref, born: seq, died: Number.POSITIVE_INFINITY });
      } else (this.#find(key, ref, Number.POSITIVE_INFINITY) as Entry).died = seq;
    }
  }

  /** As if `seq` had never been. */
  revert(seq: number): void {
    this.#entries = this.#entries.filter((entry) => entry.born !== seq);
    for (const entry of this.#entries) {
      if (entry.died === seq) entry.died = Number.POSITIVE_INFINITY;
    }
  }

  read(range: KeyRange, seq: number): Entry[] {
    const found = this.#entries
      .filter(({ born, died }) => born <= seq && seq < died)
      .filter(({ key }) => isInside(key, range))
      .sort((a, b) => Buffer.compare(a.key, b.key) || a.ref - b.ref);
    return range.reverse ? found.reverse() : found;
  }

  release(seq: number): void {
    this.#entries = this.#entries.filter(({ died }) => died > seq);
  }

  stats(): { entries: number; live: number } {
    const live = this.#entries.filter(({ died }) => died === Number.POSITIVE_INFINITY).length;
    return { entries: this.#entries.length, live };
  }

  #find(key: Uint8Array, ref: DocumentRef, died: number): Entry | undefined {
    return this.#entries.find(
      (entry) => entry.ref === ref && entry.died === died && Buffer.compare(entry.key, key) === 0,
    );
  }
}

function isInside(key: Uint8Array, range: KeyRange): boolean {
  const low = range.lower === undefined ? 1 : Buffer.compare(key, range.lower);
  const high = range.upper === undefined ? -1 : Buffer.compare(key, range.upper);
  return (
    (range.lowerInclusive === false ? low > 0 : low >= 0) &&
    (range.upperInclusive === true ? high <= 0 : high < 0)
  );
}
