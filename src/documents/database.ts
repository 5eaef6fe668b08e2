import type { Document, NewDocument } from '../base/document.js';
import { isJdbxError, JdbxError } from '../base/errors.js';
import { checkId } from '../base/ids.js';
import { hasOutput } from '../query/output.js';
import { type BackupOptions, type BackupResult, backUp } from '../storage/backup.js';
import { type CompactResult, compactOpen } from '../storage/compact.js';
import type { Others } from '../storage/contract.js';
import { AsOf, readMoment } from './as-of.js';
import { Collection } from './collection.js';
import type {
  ChangeEvent,
  DocumentCheck,
  Filter,
  HistoryEntry,
  RemoveOptions,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from './contract.js';
import { Cursor, type QueryRunner } from './cursor.js';
import type { Draft } from './draft.js';
import type { IndexSaves } from './index-saves.js';
import { findDocuments, queryRunner, runAggregate } from './querying.js';
import { readHistory } from './read-history.js';
import {
  type BackgroundOptions,
  BackgroundRetention,
  type RetentionState,
} from './retention/background.js';
import type { RetainOptions, RetainReport, RetentionHost } from './retention/contract.js';
import { retentionHost } from './retention/host.js';
import { retainOnce } from './retention/round.js';
import { removeSelected, type Selection, updateSelected } from './selected-writes.js';
import { Snapshot } from './snapshot.js';
import type { IndexState, Store } from './store.js';
import { type TakenDocument, takeDocument } from './take-document.js';
import { Transaction } from './transaction.js';
import type {
  ExportOptions,
  ImportOptions,
  ImportResult,
  ImportSource,
} from './transfer/contract.js';
import { exportDocuments } from './transfer/export-documents.js';
import { importDocuments } from './transfer/import-documents.js';
import type { View } from './view.js';
import { watchChanges } from './watching.js';
import { Workspace } from './workspace.js';
import { Writer } from './writer.js';

export interface TransactionOptions {
  /** How often the function runs again when a document it wrote was changed meanwhile. Default 5. */
  readonly retries?: number | undefined;
}

export interface WatchOptions {
  /** Begin after this commit. Default: now. */
  readonly since?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StoreStats {
  /** The newest commit. */
  readonly seq: number;
  readonly size_bytes: number;
  /** The oldest commit that the change log holds. */
  readonly log_start: number;
  readonly retention: RetentionState;
}

/** The verbs over one open store. */
export class Database {
  readonly #store: Store;
  readonly #writer: Writer;
  readonly #checks: readonly DocumentCheck[];
  readonly #runner: QueryRunner;
  readonly #closing = new AbortController();
  #refusesWrites = false;
  readonly #retention: RetentionHost;
  #background: BackgroundRetention | undefined;

  /** @internal */
  constructor(store: Store, checks: readonly DocumentCheck[]) {
    this.#store = store;
    this.#writer = new Writer(store);
    this.#checks = checks;
    this.#runner = queryRunner(
      () => store.current(),
      () => store.view(),
    );
    this.#retention = retentionHost(store, this.#writer, () => this.pinnedRevisions());
  }

  /** The newest commit. */
  get seq(): number {
    this.#store.refresh();
    return this.#store.publishedSeq;
  }

  /** How many other processes have the store open. */
  get othersCount(): number {
    return this.#store.engine.others?.count ?? 0;
  }

  /** The other processes that have the store open. @internal For the floors above. */
  get others(): Others | undefined {
    return this.#store.engine.others;
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    return this.#store.engine.sizeBytes();
  }

  /** Which index serves here, native or portable and why, and up to which commit it is saved. */
  get indexes(): IndexState {
    return this.#store.indexState;
  }

  /** A type and the types that an alias says it includes. */
  typesOf(type: string): readonly string[] {
    return this.#store.catalog.typesOf(type);
  }

  collection<T extends object = Document>(type: string): Collection<T> {
    return new Collection<T>(this, type);
  }

  get<T = Document>(id: string): Promise<T | undefined> {
    // The newest revision, without a view, when it is at hand: then its id is one.
    try {
      const cached = this.#store.cached(id);
      return cached === undefined ? this.#getStored(id) : Promise.resolve(cached as T);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #getStored<T>(id: string): Promise<T | undefined> {
    checkId(id);
    return this.#read((view) => view.get(id)) as T | undefined;
  }

  /** @internal `get` at once: what was committed before this call. */
  latest<T extends Document = Document>(id: string): T | undefined {
    return (this.#store.cached(id) ?? this.#read((view) => view.get(id))) as T | undefined;
  }

  async getMany<T = Document>(ids: readonly string[]): Promise<(T | undefined)[]> {
    return this.#read((view) => ids.map((id) => view.get(id) as T | undefined));
  }

  query<T = Document>(filter: Filter = {}): Cursor<T> {
    return Cursor.over<T>(this.#runner, filter);
  }

  /**
   * MongoDB's aggregation over all documents; begin with `$match: { _type }` to use indexes.
   * A last `$out` or `$merge`, which name a type, writes its results in one transaction.
   *
   * @throws {JdbxError} INVALID_EXPRESSION, INVALID_FILTER, and with `$out` or `$merge` what a transaction throws
   */
  async aggregate<T = Filter>(stages: readonly Filter[]): Promise<T[]> {
    if (hasOutput(stages)) return this.transaction((tx) => tx.aggregate<T>(stages));
    return this.#read((view) => runAggregate(view, stages, this.#store.now()) as T[]);
  }

  /** @throws {JdbxError} DUPLICATE_ID, and what `put` throws */
  insert(document: NewDocument): Promise<Document>;
  insert(documents: readonly NewDocument[]): Promise<Document[]>;
  insert(input: NewDocument | readonly NewDocument[]): Promise<Document | Document[]> {
    return this.#write(input, 'insert');
  }

  /**
   * Stores a document, or several in one commit. With `_rev` it must be the current
   * revision; without, it replaces whatever is there.
   *
   * @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE, CONFLICT, SCHEMA_VIOLATION, DUPLICATE_KEY, PROTECTED_TYPE, STORE_FULL
   */
  put(document: NewDocument): Promise<Document>;
  put(documents: readonly NewDocument[]): Promise<Document[]>;
  put(input: NewDocument | readonly NewDocument[]): Promise<Document | Document[]> {
    return this.#write(input, 'put');
  }

  /**
   * Changes documents by MongoDB's update operators. Each document changes atomically;
   * `many` over more than 5,000 documents takes several commits.
   *
   * @throws {JdbxError} INVALID_UPDATE, INVALID_FILTER, and what `put` throws
   */
  async update(target: Target, update: Update, options: UpdateOptions = {}): Promise<UpdateResult> {
    this.#checkWritable();
    return updateSelected(this.#selection(), target, update, options);
  }

  /** @throws {JdbxError} PROTECTED_TYPE, INVALID_FILTER */
  async remove(target: Target, options: RemoveOptions = {}): Promise<RemoveResult> {
    this.#checkWritable();
    return removeSelected(this.#selection(), target, options);
  }

  /**
   * Runs `work` over a snapshot with its own writes, and commits them in one step. When a
   * document that it wrote was changed by someone else meanwhile, it runs again.
   *
   * @throws {JdbxError} CONFLICT when the retries are used up
   */
  async transaction<T>(
    work: (transaction: Transaction) => Promise<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#checkWritable();
    for (let left = options.retries ?? 5; ; left--) {
      const workspace = this.workspace();
      try {
        const result = await work(new Transaction(workspace));
        if (workspace.isDirty) await this.submit((draft) => workspace.commitInto(draft));
        return result;
      } catch (error) {
        if (left <= 0 || !isJdbxError(error, 'CONFLICT')) throw error;
      } finally {
        workspace.close();
      }
    }
  }

  /**
   * Changes as they are committed, from `since` on; what is committed before the first
   * `next` counts too. Ends when the signal aborts or the store closes. A removal is
   * judged by `_id` and `_type` alone.
   *
   * @throws {JdbxError} INVALID_FILTER, LOG_TRIMMED at the first `next` that meets it
   */
  watch(filter: Filter = {}, options: WatchOptions = {}): AsyncGenerator<ChangeEvent, void> {
    const { since = this.seq, signal } = options;
    if (!Number.isSafeInteger(since) || since < 0) {
      throw new TypeError(`since: expected the number of a commit, got ${String(since)}`);
    }
    const signals = signal ? [this.#closing.signal, signal] : [this.#closing.signal];
    return watchChanges(this.#store, filter, since, AbortSignal.any(signals));
  }

  /** Kept revisions of a document, oldest first. Types that are not versioned keep none. */
  async history(id: string): Promise<HistoryEntry[]> {
    return this.#read((view) => readHistory(view.engine, id));
  }

  /** One kept revision. */
  async revision<T = Document>(id: string, rev: number): Promise<T | undefined> {
    return this.#read((view) => view.engine.revision(id, rev)?.document as T | undefined);
  }

  /** Writes an old revision as a new one. @throws {JdbxError} MISSING_DOCUMENT */
  async restore(id: string, rev: number): Promise<Document> {
    const old = await this.revision(id, rev);
    if (!old) {
      throw new JdbxError('MISSING_DOCUMENT', `expected revision ${rev} of ${id} in its history`, {
        operation: 'restore',
        details: { id, rev },
      });
    }
    const { _rev, ...body } = old;
    return this.put(body as NewDocument);
  }

  /**
   * Writes the documents of JSON, JSON lines or CSV. A file, or text in memory, is checked to
   * its end before anything is written; a stream is written as it comes. Each commit of up to
   * 1,000 documents is atomic; an error's `details` say the `line`, and how many were `imported`
   * before and stay. `atomic` makes one commit of everything.
   *
   * @throws {JdbxError} INVALID_IMPORT, TRANSACTION_TOO_LARGE, and what `insert` throws
   */
  async import(source: ImportSource, options: ImportOptions = {}): Promise<ImportResult> {
    this.#checkWritable();
    return importDocuments(
      {
        view: () => this.view(),
        submit: (plan) => this.submit(plan),
        check: (document) => this.#check(document),
        checkSchema: (document) => this.#store.catalog.checkSchema(document as Document),
      },
      source,
      options,
    );
  }

  /**
   * Matching documents as text, in the order of their ids, all from one snapshot. JSON and JSON
   * lines come back equal by `import`.
   *
   * @throws {JdbxError} INVALID_FILTER, when the first piece is asked for
   */
  export(filter: Filter = {}, options: ExportOptions = {}): AsyncIterable<string> {
    return exportDocuments(() => this.view(), filter, options);
  }

  /**
   * Types that keep their revisions, as they were after commit `point`, or at that time. What
   * retention has forgotten, and what was never kept, is NOT_RETAINED at the read.
   *
   * @throws {TypeError | RangeError} for no commit of this store, and no date
   */
  asOf(point: number | Date): AsOf {
    return new AsOf(() => this.view(), readMoment(point, this.seq));
  }

  /**
   * Does now what retention documents and expiring indexes ask for, in small commits, and
   * says what went. The same is done in the background while a store is open.
   *
   * @throws what `signal` was aborted with; what went before stays gone
   */
  retain(options: RetainOptions = {}): Promise<RetainReport> {
    const { signal } = options;
    const signals = signal ? [this.#closing.signal, signal] : [this.#closing.signal];
    return retainOnce(this.#retention, { ...options, signal: AbortSignal.any(signals) });
  }

  /**
   * Copies the store into an empty or new directory while reads and writes go on. The copy is
   * a store of its own and equals one commit.
   *
   * @throws {JdbxError} BACKUP_TARGET, STORE_FULL, STORE_IO; nothing of the copy stays then
   */
  async backup(path: string, options: BackupOptions = {}): Promise<BackupResult> {
    if (typeof path !== 'string' || path === '') {
      throw new TypeError(`backup: expected the path of a directory, got ${String(path)}`);
    }
    if (!this.#store.isOpen) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
    return backUp(this.#store.engine, path, options);
  }

  /**
   * Gives the space that is not used any more back to the file system. Writes wait until it is
   * done, reads go on; the file that was stays on the disk until the last snapshot that was
   * open is closed. Needs as much room beside the store as what it holds takes.
   *
   * @throws {JdbxError} STORE_IN_USE when other processes have the store open; STORE_BUSY, STORE_FULL, STORE_IO. Nothing is changed then
   */
  async compact(): Promise<CompactResult> {
    this.#checkWritable();
    return this.#writer.alone(async () => {
      const result = await compactOpen(this.#store.engine);
      this.#store.renew();
      return result;
    });
  }

  /** @internal Begins retention in the background, until the database is closed. */
  startRetention(options: BackgroundOptions): void {
    this.#background = new BackgroundRetention(this.#retention, options);
  }

  /** Figures of the store and of what it does by itself. */
  async stats(): Promise<StoreStats> {
    const { seq, sizeBytes } = this;
    const log_start = this.#store.logStart;
    const retention = this.#background?.state ?? { running: false, rounds: 0 };
    return { seq, size_bytes: sizeBytes, log_start, retention };
  }

  /** @internal By id, the oldest revision that runs under way may still read. */
  protected pinnedRevisions(): ReadonlyMap<string, number> {
    return new Map();
  }

  /** A synchronous, consistent read view. The caller closes it. */
  snapshot(): Snapshot {
    return new Snapshot(this.view(), this.#store.now());
  }

  /** Where indexes are saved, if they are. @internal For the floors above. */
  get indexSaves(): IndexSaves | undefined {
    return this.#store.saves;
  }

  /** A view that the caller closes. @internal For the floors above. */
  view(): View {
    return this.#store.view();
  }

  /** A snapshot with its own writes, committed by `submit`. @internal For the floors above. */
  workspace(): Workspace {
    return new Workspace(this.view(), {
      facts: this.#store.facts,
      check: (document) => this.#check(document),
      now: () => this.#store.now(),
    });
  }

  /**
   * The one write road. `plan` runs alone and must not wait; it may run again before its
   * commit is durable, and only its last run counts.
   *
   * @internal For the floors above.
   */
  submit<T>(plan: (draft: Draft) => T): Promise<T> {
    return this.#writer.submit(plan);
  }

  /** Calls `wake` soon after each commit. Returns the way to stop. */
  onCommit(wake: () => void): () => void {
    return this.#store.onCommit(wake);
  }

  /** Refuses verbs that write, from now on; what `submit` is given still goes through. @internal */
  refuseWrites(): void {
    this.#refusesWrites = true;
  }

  /** Ends watchers, lets writes that were submitted finish, and closes the store. */
  async close(): Promise<void> {
    this.refuseWrites();
    this.#closing.abort(new JdbxError('STORE_CLOSED', 'expected the store to be open'));
    await this.#background?.stop();
    await this.#writer.close();
    await this.#store.close();
    await this.#store.engine.close();
  }

  #checkWritable(): void {
    if (!this.#refusesWrites) return;
    throw new JdbxError('STORE_CLOSED', 'expected the store to be open, but it is closing');
  }

  #read<T>(work: (view: View) => T): T {
    return work(this.#store.current());
  }

  #write(
    input: NewDocument | readonly NewDocument[],
    verb: 'insert' | 'put',
  ): Promise<Document | Document[]> {
    try {
      this.#checkWritable();
      if (Array.isArray(input)) {
        const all = input.map((document: NewDocument) => this.#take(document));
        return this.submit((draft) => all.map((taken) => draft[verb](taken)));
      }
      const taken = this.#take(input as NewDocument);
      return this.submit((draft) => draft[verb](taken));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #take(document: NewDocument): TakenDocument {
    this.#check(document);
    return takeDocument(document);
  }

  #check(document: NewDocument): void {
    for (const check of this.#checks) check(document);
  }

  #selection(): Selection {
    return {
      ids: (filter, limit) =>
        this.#read((view) =>
          findDocuments(view, { filter, limit, projection: { _id: 1 } }).map(({ _id }) => _id),
        ),
      submit: (plan) => this.submit(plan),
      check: (document) => this.#check(document),
      typesOf: (type) => this.typesOf(type),
      now: () => this.#store.now(),
    };
  }
}
