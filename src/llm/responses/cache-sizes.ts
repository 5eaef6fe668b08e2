/** What a scope takes may be another's doing: it is counted anew when so much of it was added. */
const RECOUNT_SHARE = 1 / 8;

interface Size {
  bytes: number;
  /** Since it was counted. */
  added: number;
}

/**
 * What the kept answers of each scope take. It is counted in the index, when it is first asked
 * for and now and then, and in between in memory: a document of it would be changed by every
 * commit that keeps an answer.
 */
export class CacheSizes {
  readonly #count: (scope: string) => Promise<number>;
  readonly #sizes = new Map<string, Size>();

  constructor(count: (scope: string) => Promise<number>) {
    this.#count = count;
  }

  /** False also where that is not known: then `of` finds it out. */
  hasRoom({ scope, maxBytes }: { scope: string; maxBytes: number }, bytes: number): boolean {
    const size = this.#known(scope, maxBytes);
    return size !== undefined && size.bytes + bytes <= maxBytes;
  }

  /** @param counted what a look at all of them told just now */
  async of(scope: string, maxBytes: number, counted?: number): Promise<number> {
    const known = counted === undefined ? this.#known(scope, maxBytes) : undefined;
    if (known) return known.bytes;
    const bytes = counted ?? (await this.#count(scope));
    this.#sizes.set(scope, { bytes, added: 0 });
    return bytes;
  }

  /** Of a commit in the making: when that fails, the next count tells. */
  add(scope: string, bytes: number): void {
    const size = this.#sizes.get(scope);
    if (!size) return;
    size.bytes += bytes;
    size.added += Math.max(0, bytes);
  }

  #known(scope: string, maxBytes: number): Size | undefined {
    const size = this.#sizes.get(scope);
    return size && size.added <= maxBytes * RECOUNT_SHARE ? size : undefined;
  }
}
