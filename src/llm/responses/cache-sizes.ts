/** What a scope takes is counted anew when this part of what it may take was kept by this process. */
const RECOUNT_SHARE = { alone: 1, others: 1 / 8 } as const;

interface Size {
  bytes: number;
  /** Since the last count began: what was kept, and how much more there is. */
  kept: number;
  more: number;
  isCounting: boolean;
}

/**
 * What the kept answers of each scope take. It is counted in their index, when it is first asked
 * for and now and then, and in memory in between: a document of it would be changed by every
 * commit that keeps an answer. Nobody waits for a count; what is kept until it is there may pass
 * the bound.
 */
export class CacheSizes {
  readonly #count: (scope: string) => Promise<number>;
  readonly #isAlone: () => boolean;
  readonly #sizes = new Map<string, Size>();

  constructor(count: (scope: string) => Promise<number>, isAlone: () => boolean) {
    this.#count = count;
    this.#isAlone = isAlone;
  }

  /** How many bytes there are too many when so many more are kept; none below zero. */
  over({ scope, maxBytes }: { scope: string; maxBytes: number }, bytes: number): number {
    const size = this.#sizeOf(scope);
    if (size.kept > maxBytes * RECOUNT_SHARE.others && this.#isDue(size, maxBytes)) {
      this.#recount(scope, size);
    }
    return Math.max(0, size.bytes + bytes - maxBytes);
  }

  /** Of a commit in the making: when that fails, the next count tells. */
  add(scope: string, kept: number, freed: number): void {
    const size = this.#sizeOf(scope);
    size.bytes += kept - freed;
    size.more += kept - freed;
    size.kept += kept;
  }

  /** What a look at all of them told just now. */
  set(scope: string, bytes: number): void {
    this.#sizeOf(scope).bytes = bytes;
  }

  #sizeOf(scope: string): Size {
    const known = this.#sizes.get(scope);
    if (known) return known;
    const size = { bytes: 0, kept: 0, more: 0, isCounting: false };
    this.#sizes.set(scope, size);
    this.#recount(scope, size);
    return size;
  }

  #isDue({ kept }: Size, maxBytes: number): boolean {
    return kept > maxBytes * RECOUNT_SHARE.alone || !this.#isAlone();
  }

  #recount(scope: string, size: Size): void {
    if (size.isCounting) return;
    Object.assign(size, { kept: 0, more: 0, isCounting: true });
    this.#count(scope)
      .then((counted) => {
        size.bytes = counted + size.more;
      })
      // A store that fails is told to whoever commits next.
      .catch(() => {})
      .finally(() => {
        size.isCounting = false;
      });
  }
}
