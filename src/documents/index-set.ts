import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { encodeKey } from '../base/key-bytes.js';
import type {
  CreateIndex,
  DocumentRef,
  IndexChange,
  IndexFiles,
  OrderedIndex,
} from '../indexes/contract.js';
import type { IndexDefinition, PlannableIndex } from '../query/contract.js';
import { indexFacts } from '../query/index-facts.js';
import { indexKeys } from '../query/index-keys.js';
import type { StoredDocument } from '../storage/contract.js';
import type { SaveLabel } from './index-saves.js';
import type { TailChange } from './index-tail.js';

/** One index in use. */
export interface LiveIndex extends PlannableIndex {
  readonly id: string;
  readonly definition: IndexDefinition;
  readonly index: OrderedIndex;
  /** Sticky: true once any document had several keys. */
  multikey: boolean;
  /** Snapshots older than this cannot use it. */
  readonly since: number;
}

const NONE: LiveIndex[] = [];

/** A document before and after a change; `before` absent at its first insert, `after` at its removal. */
export interface IndexedChange {
  readonly ref: number;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
}

/** Changes to one index, kept until the commit is safe so that they can be taken back. */
export interface StagedChanges {
  readonly index: OrderedIndex;
  readonly changes: readonly IndexChange[];
}

/** An index out of a file, and what the file says of it. */
export interface SavedIndex {
  readonly index: OrderedIndex;
  readonly label: SaveLabel;
}

/**
 * Every index of the store: one over `(_type, _id)` of all documents, which
 * serves scans of a type, and those that index documents ask for.
 */
export class IndexSet {
  readonly typeIndex: OrderedIndex;
  readonly #create: CreateIndex;
  readonly #byType = new Map<string, LiveIndex[]>();
  #retired: { readonly index: OrderedIndex; readonly seq: number }[] = [];

  constructor(create: CreateIndex, typeIndex: OrderedIndex = create()) {
    this.#create = create;
    this.typeIndex = typeIndex;
  }

  of(type: string, seq: number): readonly PlannableIndex[] {
    const indexes = this.#byType.get(type) ?? NONE;
    // The same array as long as nothing changes: plans are kept for it.
    return indexes.every(({ since }) => since <= seq)
      ? indexes
      : indexes.filter(({ since }) => since <= seq);
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
    this.typeIndex.apply(toChanges('insert', [typeKey(document)], ref), seq);
  }

  /** Enters one stored document into those of its type's indexes that are `wanted`, while a store opens. */
  enter(ref: DocumentRef, document: Document, seq: number, wanted: ReadonlySet<LiveIndex>): void {
    for (const live of this.#byType.get(document._type) ?? []) {
      if (!wanted.has(live)) continue;
      live.index.apply(toChanges('insert', keysIn(live, document), ref), seq);
    }
  }

  /**
   * Brings a saved index, which nobody reads yet, up to `seq`: forgets the documents that
   * changed since, whose old keys nobody knows, and enters them as they are now.
   */
  catchUp(
    files: IndexFiles,
    { index, label }: SavedIndex,
    changes: readonly TailChange[],
    seq: number,
    live?: LiveIndex,
  ): void {
    const known = changes.filter(({ ref }) => ref < label.nextRef);
    if (known.length > 0)
      files.purge(
        index,
        known.map(({ ref }) => ref),
      );
    const keys = (document: Document) => {
      if (!live) return [typeKey(document)];
      return document._type === live.definition.type ? keysIn(live, document) : [];
    };
    const inserts = changes.flatMap(({ ref, document }) =>
      document ? toChanges('insert', keys(document), ref) : [],
    );
    index.apply(inserts, seq);
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

  /**
   * Enters a commit's changes under its coming `seq`, or refuses them whole.
   * All removals go first: one commit may hand a unique key to another document.
   *
   * @throws {JdbxError} DUPLICATE_KEY, INVALID_INDEX
   */
  stage(changes: readonly IndexedChange[], seq: number): StagedChanges[] {
    const staged: StagedChanges[] = [];
    const apply = (index: OrderedIndex, part: readonly IndexChange[]): void => {
      if (part.length === 0) return;
      index.apply(part, seq);
      staged.push({ index, changes: part });
    };
    try {
      apply(this.typeIndex, changes.flatMap(typeChanges));
      for (const live of this.#touched(changes)) {
        const stageOne = live.definition.unique ? stageUnique : stageIn;
        stageOne(live, changes, seq, apply);
      }
      return staged;
    } catch (error) {
      this.revert(staged, seq);
      throw error;
    }
  }

  revert(staged: readonly StagedChanges[], seq: number): void {
    for (const { index, changes } of staged.toReversed()) index.revert(changes, seq);
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
    return dropped;
  }

  /** The indexes of every type that the changes have to do with. */
  #touched(changes: readonly IndexedChange[]): readonly LiveIndex[] {
    const types = new Set<string>();
    for (const { before, after } of changes) {
      if (before) types.add(before._type);
      if (after) types.add(after._type);
    }
    return [...types].flatMap((type) => this.#byType.get(type) ?? []);
  }
}

/** What a document of another type than before changes in the index of types. */
function typeChanges({ ref, before, after }: IndexedChange): IndexChange[] {
  if (before?._type === after?._type) return [];
  return [
    ...(before ? [{ kind: 'remove', key: typeKey(before), ref } as const] : []),
    ...(after ? [{ kind: 'insert', key: typeKey(after), ref } as const] : []),
  ];
}

/** Enters all changes into one index at once. */
function stageIn(
  live: LiveIndex,
  changes: readonly IndexedChange[],
  seq: number,
  apply: (index: OrderedIndex, part: readonly IndexChange[]) => void,
): void {
  const removes: IndexChange[] = [];
  const inserts: IndexChange[] = [];
  for (const change of changes) {
    const { ref, removed, inserted } = deltaOf(live, change, seq);
    addChanges(removes, 'remove', removed, ref);
    addChanges(inserts, 'insert', inserted, ref);
  }
  apply(live.index, removes);
  apply(live.index, inserts);
}

/** Each when its key is free. */
function stageUnique(
  live: LiveIndex,
  changes: readonly IndexedChange[],
  seq: number,
  apply: (index: OrderedIndex, part: readonly IndexChange[]) => void,
): void {
  const deltas = changes.map((change) => deltaOf(live, change, seq));
  apply(
    live.index,
    deltas.flatMap(({ ref, removed }) => toChanges('remove', removed, ref)),
  );
  for (const { id, ref, inserted } of deltas) {
    checkUnique(live, inserted, id, seq);
    apply(live.index, toChanges('insert', inserted, ref));
  }
}

const NO_KEYS: readonly Uint8Array[] = [];

/** What one change does to one index. */
interface Delta {
  readonly id: string;
  readonly ref: number;
  readonly removed: readonly Uint8Array[];
  readonly inserted: readonly Uint8Array[];
}

function deltaOf(live: LiveIndex, { ref, before, after }: IndexedChange, seq: number): Delta {
  // An index that this very commit makes was filled without the documents that it changes.
  const isHeld = live.since < seq && before?._type === live.definition.type;
  if (isHeld && after && isUntouched(live, before, after)) {
    return { id: after._id, ref, removed: NO_KEYS, inserted: NO_KEYS };
  }
  const old = isHeld ? keysIn(live, before) : NO_KEYS;
  const now = after?._type === live.definition.type ? keysIn(live, after) : NO_KEYS;
  return { id: after?._id ?? '', ref, removed: without(old, now), inserted: without(now, old) };
}

/** Whether all that an index reads of a document stayed as it was, as far as a quick look tells. */
function isUntouched({ definition }: LiveIndex, before: Document, after: Document): boolean {
  if (definition.wildcard || definition.partial || before._type !== after._type) return false;
  return indexFacts(definition).roots.every((root) => isSame(before[root], after[root]));
}

function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
  return left.every((item, at) => item === right[at]);
}

function typeKey({ _type, _id }: Document): Uint8Array {
  return encodeKey([_type, _id]);
}

function keysIn(live: LiveIndex, document: Document): readonly Uint8Array[] {
  const { keys, multikey } = indexKeys(live.definition, document);
  if (multikey) live.multikey = true;
  return keys;
}

function without(
  keys: readonly Uint8Array[],
  others: readonly Uint8Array[],
): readonly Uint8Array[] {
  if (others.length === 0 || keys.length === 0) return keys;
  return keys.filter((key) => !others.some((other) => Buffer.compare(key, other) === 0));
}

function toChanges(
  kind: IndexChange['kind'],
  keys: readonly Uint8Array[],
  ref: number,
): IndexChange[] {
  return addChanges([], kind, keys, ref);
}

function addChanges(
  changes: IndexChange[],
  kind: IndexChange['kind'],
  keys: readonly Uint8Array[],
  ref: number,
): IndexChange[] {
  for (const key of keys) changes.push({ kind, key, ref });
  return changes;
}

function checkUnique(live: LiveIndex, keys: readonly Uint8Array[], id: string, seq: number): void {
  if (!live.definition.unique) return;
  for (const key of keys) {
    if (live.index.count({ lower: key, upper: key, upperInclusive: true }, seq) === 0) continue;
    const fields = live.definition.fields.map(({ path }) => path).join(', ');
    throw new JdbxError('DUPLICATE_KEY', `expected a unique ${fields} (${live.id})`, {
      details: { id, index: live.id },
    });
  }
}
