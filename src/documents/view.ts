import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { encodeKey, prefixEnd } from '../base/key-bytes.js';
import type { DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { PlannableIndex, QuickSource } from '../query/contract.js';
import type { PlanCache } from '../query/prepared/plan-cache.js';
import type { EngineSnapshot, StoredDocument } from '../storage/contract.js';
import type { DocumentCache } from './cache.js';
import type { Catalog } from './catalog.js';
import type { IndexSet } from './index-set.js';
import type { Refs } from './refs.js';

const SCAN_BATCH = 256;

/** What every view of one store shares. */
export interface Shared {
  readonly indexes: Pick<IndexSet, 'typeIndex' | 'of' | 'all'>;
  readonly refs: Pick<Refs, 'idOf'>;
  readonly cache: DocumentCache;
  readonly plans: PlanCache;
  /** The newest commit that was published to readers. */
  readonly publishedSeq: number;
  readonly catalog: Pick<Catalog, 'typesOf' | 'isVersioned'>;
}

/**
 * The store exactly as of one published `seq`: an engine snapshot with the
 * indexes and the cache over it. Aliases are those of now.
 *
 * @internal
 */
export class View implements QuickSource {
  readonly keysSuffice = true;
  readonly seq: number;
  readonly #engine: EngineSnapshot;
  readonly #shared: Shared;
  readonly #onClose: (view: View) => void;
  #closed = false;

  constructor(engine: EngineSnapshot, shared: Shared, onClose: (view: View) => void) {
    this.#engine = engine;
    this.seq = engine.seq;
    this.#shared = shared;
    this.#onClose = onClose;
  }

  /** Other views may share it: only the view closes it. */
  get engine(): EngineSnapshot {
    this.checkOpen();
    return this.#engine;
  }

  get typeIndex(): OrderedIndex {
    this.checkOpen();
    return this.#shared.indexes.typeIndex;
  }

  get plans(): PlanCache {
    return this.#shared.plans;
  }

  indexesOf(type: string): readonly PlannableIndex[] {
    return this.#shared.indexes.of(type, this.seq);
  }

  /** Every index that index documents asked for. */
  allIndexes(): readonly PlannableIndex[] {
    return [...this.#shared.indexes.all()].filter(({ since }) => since <= this.seq);
  }

  resolveTypes(type: string): readonly string[] {
    return this.#shared.catalog.typesOf(type);
  }

  isVersioned(type: string): boolean {
    return this.#shared.catalog.isVersioned(type);
  }

  /** The number of the newest kept revision, for a type that keeps them; else 0. */
  lastKept(id: string, type: string): number {
    return this.#shared.catalog.isVersioned(type) ? this.engine.lastRevision(id) : 0;
  }

  stored(id: string): StoredDocument | undefined {
    this.checkOpen();
    const cached = this.#shared.cache.get(id, this.seq);
    return cached === undefined ? this.#read(id) : cached;
  }

  #read(id: string): StoredDocument | undefined {
    const stored = this.#engine.get(id);
    // Only the newest published state may enter the cache; what an older view reads may be outdated.
    if (stored && this.seq === this.#shared.publishedSeq) this.#shared.cache.set(stored);
    return stored;
  }

  get(id: string): Document | undefined {
    return this.stored(id)?.document;
  }

  refOf(id: string): DocumentRef | undefined {
    return this.stored(id)?.ref;
  }

  /** The id that a ref stands for, whether or not its document lives here. */
  idOf(ref: DocumentRef): string | undefined {
    return this.#shared.refs.idOf(ref);
  }

  load(ref: DocumentRef): Document | undefined {
    this.checkOpen();
    const cached = this.#shared.cache.documentAt(ref, this.seq);
    if (cached !== undefined) return cached;
    const id = this.idOf(ref);
    const stored = id === undefined ? undefined : this.#read(id);
    return stored?.ref === ref ? stored.document : undefined;
  }

  /** The documents of the first `count` refs, without those that do not live here. */
  loadAll(refs: Uint32Array, count: number): Document[] {
    this.checkOpen();
    const found = this.#shared.cache.documentsAt(refs, count, this.seq);
    return found ?? this.#loadMissing(refs, count);
  }

  /** What is not in the cache is asked of the engine together. */
  #loadMissing(refs: Uint32Array, count: number): Document[] {
    const { cache } = this.#shared;
    const found: (Document | undefined)[] = new Array(count);
    const ids: string[] = [];
    const places: number[] = [];
    for (let at = 0; at < count; at++) {
      const ref = refs[at] as DocumentRef;
      found[at] = cache.documentAt(ref, this.seq);
      const id = found[at] === undefined ? this.idOf(ref) : undefined;
      if (id === undefined) continue;
      ids.push(id);
      places.push(at);
    }
    const stored = this.#readAll(ids);
    for (let n = 0; n < ids.length; n++) {
      const at = places[n] as number;
      const read = stored[n];
      if (read !== undefined && read.ref === refs[at]) found[at] = read.document;
    }
    return withoutGaps(found);
  }

  #readAll(ids: readonly string[]): (StoredDocument | undefined)[] {
    const { cache, publishedSeq } = this.#shared;
    const all = this.#engine.getMany(ids);
    if (!cache.isOn || this.seq !== publishedSeq) return all;
    for (const stored of all) if (stored) cache.set(stored);
    return all;
  }

  /** The ids of every document of exactly this type, in order. */
  *idsOf(type: string): Generator<string, void> {
    const lower = encodeKey([type]);
    const cursor = this.typeIndex.scan({ lower, upper: prefixEnd(lower) }, this.seq);
    const refs = new Uint32Array(SCAN_BATCH);
    try {
      for (let count = cursor.next({ refs }); count > 0; count = cursor.next({ refs })) {
        for (const ref of refs.subarray(0, count)) {
          const id = this.idOf(ref);
          if (id !== undefined) yield id;
        }
      }
    } finally {
      cursor.close();
    }
  }

  /** Every document of exactly this type, in `_id` order. */
  *documentsOf(type: string): Generator<StoredDocument, void> {
    for (const id of this.idsOf(type)) {
      const stored = this.stored(id);
      if (stored) yield stored;
    }
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
  }

  /** @throws {JdbxError} STORE_CLOSED */
  checkOpen(): void {
    if (this.#closed) {
      throw new JdbxError('STORE_CLOSED', 'expected an open view; it, or its store, was closed');
    }
  }
}

/** Those that are there, in the same array. */
function withoutGaps(found: (Document | undefined)[]): Document[] {
  let kept = 0;
  for (let at = 0; at < found.length; at++) {
    const document = found[at];
    if (document !== undefined) found[kept++] = document;
  }
  found.length = kept;
  return found as Document[];
}
