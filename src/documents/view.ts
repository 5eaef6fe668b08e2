import type { Document } from '../base/document.js';
import { encodeKey, prefixEnd } from '../base/key-bytes.js';
import type { DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { PlannableIndex, QuerySource } from '../query/contract.js';
import type { EngineSnapshot, StoredDocument } from '../storage/contract.js';
import type { DocumentCache } from './cache.js';
import type { Catalog } from './catalog.js';
import type { IndexSet } from './index-set.js';
import type { Refs } from './refs.js';

const SCAN_BATCH = 256;

/** What every view of one store shares. */
export interface Shared {
  readonly indexes: IndexSet;
  readonly refs: Refs;
  readonly cache: DocumentCache;
  /** The newest commit that was published to readers. */
  readonly publishedSeq: number;
  readonly catalog: Catalog;
}

/** The store exactly as of one `seq`: an engine snapshot with the indexes and the cache over it. */
export class View implements QuerySource {
  readonly seq: number;
  readonly engine: EngineSnapshot;
  readonly #shared: Shared;
  readonly #onClose: (view: View) => void;

  constructor(engine: EngineSnapshot, shared: Shared, onClose: (view: View) => void) {
    this.engine = engine;
    this.seq = engine.seq;
    this.#shared = shared;
    this.#onClose = onClose;
  }

  get typeIndex(): OrderedIndex {
    return this.#shared.indexes.typeIndex;
  }

  indexesOf(type: string): readonly PlannableIndex[] {
    return this.#shared.indexes.of(type, this.seq);
  }

  resolveTypes(type: string): readonly string[] {
    return this.#shared.catalog.typesOf(type);
  }

  stored(id: string): StoredDocument | undefined {
    const cached = this.#shared.cache.get(id, this.seq);
    if (cached) return cached;
    const stored = this.engine.get(id);
    // Only the newest published state may enter the cache; an older view must not.
    if (stored && this.seq === this.#shared.publishedSeq) this.#shared.cache.set(stored);
    return stored;
  }

  get(id: string): Document | undefined {
    return this.stored(id)?.document;
  }

  refOf(id: string): DocumentRef | undefined {
    return this.stored(id)?.ref;
  }

  load(ref: DocumentRef): Document | undefined {
    const id = this.#shared.refs.idOf(ref);
    const stored = id === undefined ? undefined : this.stored(id);
    return stored?.ref === ref ? stored.document : undefined;
  }

  /** Every document of exactly this type, in `_id` order. */
  *documentsOf(type: string): Iterable<StoredDocument> {
    const lower = encodeKey([type]);
    const cursor = this.typeIndex.scan({ lower, upper: prefixEnd(lower) }, this.seq);
    const refs = new Uint32Array(SCAN_BATCH);
    try {
      for (let count = cursor.next({ refs }); count > 0; count = cursor.next({ refs })) {
        for (const ref of refs.subarray(0, count)) {
          const id = this.#shared.refs.idOf(ref);
          const stored = id === undefined ? undefined : this.stored(id);
          if (stored) yield stored;
        }
      }
    } finally {
      cursor.close();
    }
  }

  close(): void {
    this.engine.close();
    this.#onClose(this);
  }
}
