import type { Document } from '../base/document.js';
import type { CreateIndex, DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { IndexDefinition, PlannableIndex } from '../query/contract.js';
import type { StoredDocument } from '../storage/contract.js';
import { typeKeys } from './catch-up.js';
import type { SavedIndex } from './index-saves.js';
import { checkUnique, IndexStaging, type StagedIndexes } from './index-staging.js';
import { keysIn, type LiveIndex, toChanges } from './live-index.js';

const NONE: LiveIndex[] = [];

/**
 * Every index of the store: one over `(_type, _id)` of all documents, which
 * serves scans of a type, and those that index documents ask for.
 */
export class IndexSet implements StagedIndexes {
  readonly typeIndex: OrderedIndex;
  /** Where the entries of the commits under way are gathered. */
  readonly staging = new IndexStaging(this);
  readonly #create: CreateIndex;
  readonly #byType = new Map<string, LiveIndex[]>();
  /** The type that was asked for last, as most often again: a map would be looked through at each query. */
  #lastType: string | undefined;
  #last: readonly LiveIndex[] = NONE;
  #newestSince = 0;
  #retired: { readonly index: OrderedIndex; readonly seq: number }[] = [];

  constructor(create: CreateIndex, typeIndex: OrderedIndex = create()) {
    this.#create = create;
    this.typeIndex = typeIndex;
  }

  of(type: string, seq: number): readonly PlannableIndex[] {
    if (type !== this.#lastType) {
      this.#last = this.indexesOf(type);
      this.#lastType = type;
    }
    const indexes = this.#last;
    // The same array as long as nothing changes: plans are kept for it.
    if (this.#newestSince <= seq || indexes.every(({ since }) => since <= seq)) return indexes;
    return indexes.filter(({ since }) => since <= seq);
  }

  /** Of exactly this type, those of commits that are not shown yet too. */
  indexesOf(type: string): readonly LiveIndex[] {
    return this.#byType.get(type) ?? NONE;
  }

  *all(): Iterable<LiveIndex> {
    for (const indexes of this.#byType.values()) yield* indexes;
  }

  /** Makes an index from its document's definition: a saved one, or an empty one. */
  add(id: string, definition: IndexDefinition, since: number, saved?: SavedIndex): LiveIndex {
    const index = saved?.index ?? this.#create();
    const multikey = saved?.label.multikey ?? false;
    const live: LiveIndex = { id, definition, index, multikey, since };
    const indexes = this.#byType.get(definition.type) ?? [];
    this.#byType.set(definition.type, [...indexes, live]);
    this.#lastType = undefined;
    this.#newestSince = Math.max(this.#newestSince, since);
    return live;
  }

  /** Takes out an index that a failed commit had made. No reader has seen it. */
  abandon(unwanted: LiveIndex): void {
    for (const { index } of this.#keep((live) => live !== unwanted)) index.close();
  }

  /**
   * Takes out the indexes of `id` made before `newest`: its document was replaced or
   * removed. Readers that began before `seq` may still scan them, so they close later.
   */
  retire(id: string, newest: number, seq: number): void {
    for (const live of this.#keep((each) => each.id !== id || each.since >= newest)) {
      this.#retired.push({ index: live.index, seq });
    }
  }

  /** Enters one stored document into the index over `(_type, _id)`, while a store opens. */
  enterType(ref: DocumentRef, document: Document, seq: number): void {
    this.typeIndex.apply(toChanges('insert', typeKeys(document), ref), seq);
  }

  /** Enters one stored document into those of its type's indexes that are `wanted`, while a store opens. */
  enter(ref: DocumentRef, document: Document, seq: number, wanted: ReadonlySet<LiveIndex>): void {
    for (const live of this.#byType.get(document._type) ?? []) {
      if (!wanted.has(live)) continue;
      live.index.apply(toChanges('insert', keysIn(live, document), ref), seq);
    }
  }

  /**
   * Fills a new index from documents that are stored already, but for those that its own
   * commit changes: `stage` enters these.
   *
   * @throws {JdbxError} DUPLICATE_KEY, INVALID_INDEX
   */
  fill(live: LiveIndex, documents: Iterable<StoredDocument>): void {
    for (const { ref, document } of documents) {
      const inserted = keysIn(live, document);
      checkUnique(live, inserted, document._id, live.since);
      live.index.apply(toChanges('insert', inserted, ref), live.since);
    }
  }

  /** Frees what no snapshot from `seq` on can see. */
  release(seq: number): void {
    this.typeIndex.release(seq);
    for (const { index } of this.all()) index.release(seq);
    const done = this.#retired.filter((retired) => retired.seq <= seq);
    for (const { index } of done) index.close();
    this.#retired = this.#retired.filter((retired) => retired.seq > seq);
  }

  close(): void {
    this.typeIndex.close();
    for (const { index } of this.all()) index.close();
    for (const { index } of this.#retired) index.close();
    this.#retired = [];
  }

  /** Keeps the indexes that `wanted` says, and returns the others. */
  #keep(wanted: (live: LiveIndex) => boolean): LiveIndex[] {
    const dropped = [...this.all()].filter((live) => !wanted(live));
    for (const [type, indexes] of this.#byType) this.#byType.set(type, indexes.filter(wanted));
    this.#lastType = undefined;
    for (const { index } of dropped) this.staging.forget(index);
    return dropped;
  }
}
