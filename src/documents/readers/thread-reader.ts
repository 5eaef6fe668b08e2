import type { DocumentRef, OrderedIndex } from '../../indexes/contract.js';
import { attachIndex } from '../../indexes/native.js';
import type { PlannableIndex } from '../../query/contract.js';
import { PlanCache } from '../../query/prepared/plan-cache.js';
import type { CallGate } from '../../storage/call-gate.js';
import type { EngineSnapshot } from '../../storage/contract.js';
import { type Follower, openFollower } from '../../storage/follower.js';
import { SharedSnapshot } from '../../storage/shared-snapshot.js';
import { DocumentCache } from '../cache.js';
import { type Shared, View } from '../view.js';
import { ID_PAGE, type IndexFacts, type StoreFacts } from './store-facts.js';

/** Asks the store's own thread for the ids of a page of refs. */
export type AskIds = (page: number) => readonly (string | null)[];

/** Documents that each thread keeps decoded. */
const CACHE_BYTES = 32 * 2 ** 20;

interface AttachedIndex extends PlannableIndex {
  readonly handle: number;
  readonly since: number;
}

/**
 * Views of a store that another thread of this process has open: documents out of its files,
 * which this thread opened for reading, and the very indexes of that thread, which lie in the
 * memory of the process. What is read here is what a view there shows.
 */
export class ThreadReader {
  readonly #follower: Follower;
  readonly #ids: (readonly (string | null)[] | undefined)[] = [];
  #typeIndex: { readonly handle: number; readonly index: OrderedIndex } | undefined;
  #indexes: readonly AttachedIndex[] = [];
  readonly #indexesByType = new Map<string, readonly AttachedIndex[]>();
  readonly #plans = new PlanCache();
  #includes: StoreFacts['includes'] = new Map();
  #cache: { readonly seq: number; readonly documents: DocumentCache } | undefined;
  #held: { readonly seq: number; readonly snapshot: SharedSnapshot } | undefined;

  private constructor(follower: Follower) {
    this.#follower = follower;
  }

  /**
   * @param gate see `FollowerOptions`
   * @throws {JdbxError} as `openFollower` does
   */
  static async open(directory: string, gate?: CallGate): Promise<ThreadReader> {
    return new ThreadReader(await openFollower(directory, { cacheBytes: CACHE_BYTES, gate }));
  }

  /** @throws {Error} when an index has been closed meanwhile */
  learn({ typeIndex, indexes, includes }: StoreFacts): void {
    if (this.#typeIndex?.handle !== typeIndex) {
      this.#typeIndex?.index.close();
      this.#typeIndex = { handle: typeIndex, index: attach(typeIndex) };
    }
    const before = this.#indexes;
    const kept = (handle: number) => before.find((each) => each.handle === handle)?.index;
    this.#indexes = indexes.map((facts) => toAttached(facts, kept(facts.handle)));
    for (const { handle, index } of before) {
      if (!indexes.some((each) => each.handle === handle)) index.close();
    }
    this.#indexesByType.clear();
    this.#includes = includes;
  }

  /**
   * The store as of `seq`, which the other thread keeps a view of; undefined when that cannot
   * be had here. The caller closes it.
   */
  viewAt(seq: number, askIds: AskIds): View | undefined {
    const snapshot = this.#snapshotAt(seq);
    if (!snapshot || !this.#typeIndex) return undefined;
    const shared = this.#sharedBy(this.#typeIndex.index, seq, askIds);
    return new View(snapshot.take().engine, shared, () => snapshot.release());
  }

  /** Lets go of the files' pages until the next view. */
  rest(): void {
    this.#held?.snapshot.release();
    this.#held = undefined;
  }

  async close(): Promise<void> {
    this.rest();
    await this.#follower.close();
  }

  /** What was opened last is kept open: the next view is likely to be as old, or to go on from there. */
  #snapshotAt(seq: number): SharedSnapshot | undefined {
    if (this.#held?.seq === seq) return this.#held.snapshot;
    const engine: EngineSnapshot | undefined = this.#follower.snapshotAt(seq);
    if (!engine) return undefined;
    this.rest();
    this.#held = { seq, snapshot: new SharedSnapshot(engine) };
    return this.#held.snapshot;
  }

  #sharedBy(typeIndex: OrderedIndex, seq: number, askIds: AskIds): Shared {
    return {
      indexes: {
        typeIndex,
        of: (type, at) => this.#indexesOf(type, at),
        all: () => [],
      },
      refs: { idOf: (ref) => this.#idOf(ref, askIds) },
      cache: this.#cacheAt(seq),
      plans: this.#plans,
      publishedSeq: seq,
      catalog: {
        typesOf: (type) => this.#includes.get(type) ?? [type],
        // Only who writes asks.
        isVersioned: () => false,
      },
    };
  }

  /** The same array as long as nothing changes: plans are kept for it. */
  #indexesOf(type: string, at: number): readonly AttachedIndex[] {
    let all = this.#indexesByType.get(type);
    if (!all) {
      all = this.#indexes.filter(({ definition }) => definition.type === type);
      this.#indexesByType.set(type, all);
    }
    return all.every(({ since }) => since <= at) ? all : all.filter(({ since }) => since <= at);
  }

  /** Nobody tells what changes, so what is found by ref is good for one commit. */
  #cacheAt(seq: number): DocumentCache {
    if (this.#cache?.seq !== seq) this.#cache = { seq, documents: new DocumentCache(CACHE_BYTES) };
    return this.#cache.documents;
  }

  /** A ref is given once and never again, so what was told stays true. */
  #idOf(ref: DocumentRef, askIds: AskIds): string | undefined {
    const page = Math.floor(ref / ID_PAGE);
    const known = this.#ids[page]?.[ref % ID_PAGE];
    if (known) return known;
    this.#ids[page] = askIds(page);
    return this.#ids[page]?.[ref % ID_PAGE] ?? undefined;
  }
}

function toAttached(facts: IndexFacts, known: OrderedIndex | undefined): AttachedIndex {
  return { ...facts, index: known ?? attach(facts.handle) };
}

/** The verbs that write are not called: a view only reads. */
function attach(handle: number): OrderedIndex {
  return attachIndex(handle) as OrderedIndex;
}
