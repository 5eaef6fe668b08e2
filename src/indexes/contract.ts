/**
 * The ordered-index contract. An index maps key bytes to document refs, in
 * key order, and remembers for how long each entry was true.
 *
 * An entry is `(key, ref)` with the `seq` that made it (`born`) and the `seq`
 * that removed it (`died`, absent while it lives). A reader names a snapshot
 * `seq` and sees the entries with `born <= seq < died`. So a writer may insert
 * under the coming `seq` before its commit: nobody sees it until readers use
 * that `seq`, and `revert` takes it out again if the commit fails.
 *
 * Order: by key bytes (unsigned, shorter first on a tie), then by ref.
 * The same `(key, ref)` may be removed and inserted again; each life is an
 * entry of its own. One writer; readers never block.
 */
export interface OrderedIndex {
  /**
   * Applies the changes of one commit, or of several that no reader can name one by one, under
   * `seq`. Every change is applied, or none is.
   */
  apply(changes: ChangeList, seq: number): void;
  /** Undoes `apply(changes, seq)` exactly, newest first. */
  revert(changes: ChangeList, seq: number): void;
  /** Reads entries in order, in batches. The cursor is closed when its last batch is out, or by `close`. */
  scan(range: KeyRange, seq: number): IndexCursor;
  /**
   * Reads the first `wanted` entries of a span into `firstRead`, in one step and without a
   * cursor. What lies over other indexes need not have it.
   *
   * @returns how many there were; `TIED` where two of them have one key and must not
   */
  first?(span: KeySpan, seq: number, options: FirstOptions): number;
  /** How many entries of `range` live at `seq`, without materialising them. */
  count(range: KeyRange, seq: number): number;
  /** Frees entries that died at or before `seq`: the oldest snapshot that is still in use. */
  release(seq: number): void;
  /** Entries held, dead ones included, and an estimate of bytes used. */
  stats(): { readonly entries: number; readonly live: number; readonly bytes: number };
  close(): void;
}

/** Changes in order: an array, or what holds them without an object for each (`packed-changes.ts`). */
export interface ChangeList extends Iterable<IndexChange> {
  readonly length: number;
  at(place: number): IndexChange | undefined;
}

export interface IndexChange {
  readonly kind: 'insert' | 'remove';
  readonly key: Uint8Array;
  readonly ref: DocumentRef;
}

/**
 * A document's number in its store: a positive integer below 2^32, given at the
 * first insert of an `_id` and never reused. Indexes hold refs, not ids, so that
 * an entry is small and a scan crosses from native code without making strings.
 */
export type DocumentRef = number;

/** A range of key bytes. A missing end is open; `reverse` reads from the upper end down. */
export interface KeyRange {
  readonly lower?: Uint8Array | undefined;
  /** Default true. */
  readonly lowerInclusive?: boolean | undefined;
  readonly upper?: Uint8Array | undefined;
  /** Default false: the usual half-open range. */
  readonly upperInclusive?: boolean | undefined;
  readonly reverse?: boolean | undefined;
}

/** A range whose ends stand in one piece of memory, which nobody keeps: first the lower one's bytes. */
export interface KeySpan {
  readonly bytes: Uint8Array;
  /** Entries of this key belong to the span. */
  readonly lowerLength: number;
  readonly upperLength: number;
  readonly upperInclusive: boolean;
}

export interface FirstOptions {
  /** At most `FIRST_MAX`. */
  readonly wanted: number;
  /** From the upper end down. */
  readonly reverse: boolean;
  /** Whether no two of them may have the same key. */
  readonly distinct: boolean;
}

export interface IndexCursor {
  /**
   * Fills `batch.refs` from the start, at most its length, and sets `batch.keys` beside it
   * when the batch asks for keys. Returns how many were written; 0 means the end.
   */
  next(batch: IndexBatch): number;
  close(): void;
}

export interface IndexBatch {
  readonly refs: Uint32Array;
  /** When given, receives each entry's key bytes at the same position. */
  readonly keys?: Uint8Array[] | undefined;
}

/** Makes an empty index. `native.ts` and `portable.ts` each export one. */
export type CreateIndex = () => OrderedIndex;

/** Entries in order, keys one behind the other; what it holds is good until the next run. */
export interface EntryRun {
  readonly count: number;
  readonly refs: Uint32Array;
  readonly keys: Uint8Array;
  readonly lengths: Uint32Array;
}

/**
 * Indexes in files: each one snapshot of one index, under a label that says of what. An
 * implementation that has none is built from the documents whenever a store opens.
 */
export interface IndexFiles {
  /**
   * Writes the entries that live at `seq` to a new file, off this thread, and flushes it. The
   * caller keeps that snapshot from being released until then, and removes what failed.
   *
   * @returns bytes on disk
   * @throws {Error} with the system's `code`, such as ENOSPC
   */
  save(index: OrderedIndex, path: string, seq: number, label: string): Promise<number>;
  /** What the writer said of a file; `undefined` when there is none that this build could open. */
  readLabel(path: string): string | undefined;
  /**
   * The index in a file; `'damaged'` when any byte of it is not as it was written, `undefined`
   * when there is none, or one of another build.
   */
  open(path: string): OrderedIndex | 'damaged' | undefined;
  /** Forgets every life of these documents' entries. Nobody may be reading the index. */
  purge(index: OrderedIndex, refs: readonly DocumentRef[]): void;
  /** Every entry that lives at `seq`, with its key, and without an object for each. */
  runs(index: OrderedIndex, seq: number): Iterable<EntryRun>;
}

/** How a store makes its indexes. */
export interface IndexKind {
  readonly name: 'native' | 'portable';
  /** Why it is not the native one. */
  readonly reason?: string | undefined;
  readonly create: CreateIndex;
  readonly files?: IndexFiles | undefined;
}
