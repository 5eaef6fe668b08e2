/** One version of a key; no value where it was removed. */
interface Version<V> {
  readonly seq: number;
  readonly value?: V | undefined;
}

/**
 * A map that remembers what each key held at earlier commits, for as long as a
 * snapshot may ask. Keys that were changed wait in a queue until every open
 * snapshot has moved past the change; then the versions before it are dropped.
 */
export class Versions<V> {
  readonly #versions = new Map<string, Version<V>[]>();
  readonly #queue: { readonly key: string; readonly seq: number }[] = [];
  readonly #sizeOf: (value: V) => number;
  /** What is held, dropped versions excluded. */
  bytes = 0;

  constructor(sizeOf: (value: V) => number) {
    this.#sizeOf = sizeOf;
  }

  keys(): Iterable<string> {
    return this.#versions.keys();
  }

  get(key: string, seq: number): V | undefined {
    return this.#versions.get(key)?.findLast((version) => version.seq <= seq)?.value;
  }

  /** Without a value: removes the key from `seq` on. */
  set(key: string, seq: number, value?: V): void {
    const versions = this.#versions.get(key) ?? [];
    this.#versions.set(key, versions);
    versions.push({ seq, value });
    if (value !== undefined) this.bytes += this.#sizeOf(value);
    this.#queue.push({ key, seq });
  }

  /** Forgets what no snapshot from `oldest` on can see. */
  release(oldest: number): void {
    const waiting = this.#queue.findIndex(({ seq }) => seq > oldest);
    const due = this.#queue.splice(0, waiting === -1 ? this.#queue.length : waiting);
    for (const { key } of due) this.#prune(key, oldest);
  }

  #prune(key: string, oldest: number): void {
    const versions = this.#versions.get(key) ?? [];
    const needed = versions.findLastIndex(({ seq }) => seq <= oldest);
    for (const { value } of versions.splice(0, Math.max(needed, 0))) {
      if (value !== undefined) this.bytes -= this.#sizeOf(value);
    }
    const [only] = versions;
    if (versions.length === 1 && only?.value === undefined) this.#versions.delete(key);
  }
}
