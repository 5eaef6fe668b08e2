import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base/clock.js';
import type { Document } from '../base/document.js';
import { isJdbxError, JdbxError } from '../base/errors.js';
import { AUDIT_START, type AuditHead } from '../history/audit-chain.js';
import type { IndexKind } from '../indexes/contract.js';
import { readIndexDocument } from '../query/index-definition.js';
import { PlanCache } from '../query/prepared/plan-cache.js';
import type {
  Commit,
  Engine,
  EngineSnapshot,
  Others,
  StoredDocument,
} from '../storage/contract.js';
import { ownCommit } from '../storage/journal/own-value.js';
import { SharedSnapshot } from '../storage/shared-snapshot.js';
import { type Absorbed, absorbCommits } from './absorb.js';
import type { DocumentCache } from './cache.js';
import { Catalog } from './catalog.js';
import type { CommitRule } from './commit-rules.js';
import { decodeHorizons, encodeHorizons, type Horizons } from './horizons.js';
import { IndexSaver, SAVE_AFTER } from './index-saver.js';
import { IndexSaves } from './index-saves.js';
import type { IndexSet } from './index-set.js';
import { nextRefOf, type OpenedIndexes, openIndexes } from './open-indexes.js';
import { Pulse } from './pulse.js';
import { FactsTeller } from './readers/store-facts.js';
import type { Refs } from './refs.js';
import { addMark, NO_MARKS, type TimeMarks } from './time-marks.js';
import { type Shared, View } from './view.js';

export interface StoreOptions {
  readonly clock: Clock;
  readonly indexKind: IndexKind;
  /** The directory in which indexes may be saved. Default: they are not. */
  readonly savesIn?: string | undefined;
  /** Changed documents after which they are saved. Default 20,000. */
  readonly saveAfter?: number | undefined;
  readonly cache: DocumentCache;
  /** True when other threads of the process can read along. Default false. */
  readonly canBeFollowed?: boolean | undefined;
  /** How many commits the change log keeps. */
  readonly logCommits: number;
  /** Asked about every commit. Default: none. */
  readonly rules?: readonly CommitRule[] | undefined;
}

/** How a store holds its indexes. */
export interface IndexState {
  readonly engine: IndexKind['name'];
  /** Why it is not the native one. */
  readonly reason: string | undefined;
  /** The newest commit whose indexes are saved; 0 before the first, absent where none are. */
  readonly savedSeq: number | undefined;
}

/** Commits that were planned together, ready to be made durable and shown. */
export interface ReadyBatch {
  /** One more than its last commit. */
  readonly seq: number;
  readonly commits: readonly Commit[];
  /** Documents as it leaves them; undefined where it removes them. */
  readonly changed: ReadonlyMap<string, StoredDocument | undefined>;
  readonly catalog: Catalog;
  readonly auditHead: AuditHead;
  readonly horizons: Horizons;
  /** Drops log records below this commit. */
  readonly trimLogTo: number;
  /** Takes out the indexes that its definitions replaced. */
  retireIndexes(): void;
}

const NO_COMMITS: readonly Commit[] = [];
/** How many commits pass before dead index entries are freed. */
const RELEASE_EVERY = 1_000;
/**
 * Log records dropped with one batch, or for each of its commits, at most: so a log made
 * shorter does not make one huge commit, and one under load keeps to its length.
 */
const TRIM_MAX = 1_000;
const TRIM_EACH = 2;

/**
 * The published state of one open store: engine, indexes, definitions, and who is
 * looking at it. A commit is durable first and published after, all of it in one
 * synchronous step, so a reader never meets half of it.
 *
 * @internal
 */
export class Store implements Shared {
  readonly engine: Engine;
  readonly indexes: IndexSet;
  readonly refs: Refs;
  readonly cache: DocumentCache;
  /** What readers in other threads are told; undefined where there can be none. */
  readonly facts: FactsTeller | undefined;
  /** Where indexes are saved; undefined where they are not. */
  readonly saves: IndexSaves | undefined;
  readonly plans = new PlanCache();
  readonly #options: StoreOptions;
  readonly #views = new Set<View>();
  readonly #events = new EventEmitter<{ commit: [] }>();
  readonly #saver: IndexSaver | undefined;
  #catalog: Catalog;
  #auditHead: AuditHead = AUDIT_START;
  #horizons: Horizons = new Map();
  #marks: TimeMarks = NO_MARKS;
  /** What was published last, in one step. */
  #recent: readonly Commit[] = NO_COMMITS;
  #newest: { readonly seq: number; readonly at: number } = { seq: 0, at: 0 };
  #published: SharedSnapshot;
  #current: View | undefined;
  #nextRef = 1;
  #releasedSeq: number;
  #logStart: number;
  #lastAt = 0;
  #closed = false;
  readonly #pulse: Pulse | undefined;
  /** Why others' commits could not be entered: nothing true can be read any more. */
  #failure: unknown;

  constructor(engine: Engine, options: StoreOptions) {
    this.engine = engine;
    this.cache = options.cache;
    this.#options = options;
    // What others committed up to here is loaded, not absorbed.
    engine.others?.absorb();
    this.#published = new SharedSnapshot(engine.snapshot());
    this.#releasedSeq = this.publishedSeq;
    const snapshot = this.#published.engine;
    this.#logStart = snapshot.logStart();
    this.#recall(snapshot);
    const { files } = options.indexKind;
    this.saves = options.savesIn && files ? new IndexSaves(options.savesIn, files) : undefined;
    const opened = openIndexes(snapshot, options.indexKind, this.saves);
    this.indexes = opened.indexes;
    this.refs = opened.refs;
    this.facts = options.canBeFollowed ? new FactsTeller(this) : undefined;
    this.#catalog = new Catalog(opened.definitions.filter(({ _type }) => Catalog.defines(_type)));
    if (this.saves) this.#saver = this.#saverOf(this.saves, opened);
    this.#pulse = engine.others && this.#listenTo(engine.others);
  }

  /** Which of the twins serves, and the newest commit whose indexes are saved. */
  get indexState(): IndexState {
    const { name, reason } = this.#options.indexKind;
    return { engine: name, reason, savedSeq: this.#saver?.savedSeq };
  }

  get publishedSeq(): number {
    return this.#published.engine.seq;
  }

  get rules(): readonly CommitRule[] {
    return this.#options.rules ?? [];
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  get auditHead(): AuditHead {
    return this.#auditHead;
  }

  get horizons(): Horizons {
    return this.#horizons;
  }

  /** The oldest commit that the change log holds. */
  get logStart(): number {
    return this.#logStart;
  }

  /** Some commits and their times, sparser as they get older. */
  get marks(): TimeMarks {
    return this.#marks;
  }

  /** Milliseconds since the epoch; never less than the commit before, also when the clock jumps back. */
  now(): number {
    this.#lastAt = Math.max(this.#lastAt, this.#options.clock.now());
    return this.#lastAt;
  }

  newRef(): number {
    return this.#nextRef++;
  }

  /** Shows what other processes committed before this call. One load from memory when there is nothing. */
  refresh(): void {
    const { others } = this.engine;
    if (!others?.haveCommitted || this.#closed || this.#failure) return;
    try {
      this.#absorb(others.absorb());
    } catch (error) {
      if (isJdbxError(error, 'STORE_BEHIND')) this.#failure = error;
      // Who listens hears of it as well.
      if (this.#failure) this.#events.emit('commit');
      throw error;
    }
  }

  /** The newest revision of a document, when it is at hand. */
  cached(id: string): Document | undefined {
    this.refresh();
    return this.#closed || this.#failure ? undefined : this.cache.documentOf(id, this.publishedSeq);
  }

  /**
   * Keeps other processes from committing until `unlock`, with everything published that
   * they committed before. Nothing is returned when that was so at once.
   *
   * @throws {JdbxError} STORE_BUSY, STORE_IO
   */
  lock(): Promise<void> | undefined {
    const waiting = this.engine.others?.lock();
    if (waiting) return waiting.then(() => this.#catchUp());
    this.#catchUp();
    return undefined;
  }

  unlock(): void {
    this.engine.others?.unlock();
  }

  /** The newest published commit. The caller closes the view. @throws {JdbxError} STORE_CLOSED */
  view(): View {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
    this.refresh();
    if (this.#failure) throw this.#failure;
    const shared = this.#published.take();
    const view = new View(shared.engine, this, (closed) => {
      this.#views.delete(closed);
      shared.release();
    });
    this.#views.add(view);
    return view;
  }

  /**
   * The same for a read that ends before anything else runs: one view for all of them, which
   * nobody closes.
   *
   * @throws {JdbxError} STORE_CLOSED
   */
  current(): View {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
    this.refresh();
    if (this.#failure) throw this.#failure;
    this.#current ??= this.#viewOf(this.#published.take());
    return this.#current;
  }

  #viewOf(shared: SharedSnapshot): View {
    return new View(shared.engine, this, () => shared.release());
  }

  /** The commits after `since` up to the newest, when these were the last to be published together. */
  recent(since: number): readonly Commit[] | undefined {
    this.refresh();
    if (this.#closed || this.#failure) return undefined;
    const first = this.#recent[0]?.seq ?? Number.POSITIVE_INFINITY;
    if (since === this.publishedSeq) return NO_COMMITS;
    if (since + 1 < first || since > this.publishedSeq) return undefined;
    return this.#recent.slice(since + 1 - first).map(ownCommit);
  }

  /** Calls `wake` soon after each publication. Returns the way to stop. */
  onCommit(wake: () => void): () => void {
    // Later, because what a listener throws must not undo a commit that is durable.
    const listen = () => queueMicrotask(wake);
    this.#events.on('commit', listen);
    this.#pulse?.restart();
    return () => {
      this.#events.off('commit', listen);
      this.#pulse?.restart();
    };
  }

  /** Makes a batch durable, then shows it to readers. */
  async commit(batch: ReadyBatch): Promise<void> {
    const last = batch.seq - 1;
    const keep = Math.min(this.#options.logCommits, batch.catalog.logNewest);
    const wanted = Math.max(last - keep + 1, batch.trimLogTo);
    const trimMax = Math.max(TRIM_MAX, TRIM_EACH * batch.commits.length);
    const logFrom = Math.max(this.#logStart, Math.min(wanted, this.#logStart + trimMax));
    const marks = addMark(this.#marks, this.#newest, batch.commits.at(-1) as Commit);
    await this.engine.commit({
      commits: batch.commits,
      names: {
        nextRef: this.#nextRef,
        audit: { ...batch.auditHead },
        ...(batch.horizons === this.#horizons ? {} : { horizons: encodeHorizons(batch.horizons) }),
        ...(marks === this.#marks ? {} : { marks: marks.map((mark) => [...mark]) }),
      },
      logFrom,
    });
    this.#logStart = Math.min(logFrom, last);
    this.#horizons = batch.horizons;
    this.#marks = marks;
    this.#newest = batch.commits.at(-1) as Commit;
    this.#publish(batch);
  }

  /** Reads the newest commit from where it stands now: the file that it stood in was exchanged. */
  renew(): void {
    this.refresh();
    this.#show(new SharedSnapshot(this.engine.snapshot()));
  }

  /** Saves the indexes if that is worth it, and closes every view. Nothing is written any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#saver?.close();
    this.#closed = true;
    this.#pulse?.stop();
    for (const view of [...this.#views]) view.close();
    this.#current?.close();
    this.#published.release();
    this.indexes.close();
    this.#events.removeAllListeners();
  }

  #publish(batch: ReadyBatch): void {
    for (const [id, stored] of batch.changed) {
      // Most of what is written first is not read soon, and would take the place of what is.
      if (!this.cache.has(id)) continue;
      if (stored) this.cache.set(stored);
      else this.cache.delete(id);
    }
    for (const commit of batch.commits) {
      for (const change of commit.changes) {
        if (change.kind === 'remove') this.refs.remove(change.ref, commit.seq);
      }
    }
    this.#show(new SharedSnapshot(this.engine.snapshot()));
    this.#recent = batch.commits;
    this.#catalog = batch.catalog;
    this.#auditHead = batch.auditHead;
    batch.retireIndexes();
    this.#release();
    this.#noteChanges(batch.commits);
    this.#events.emit('commit');
  }

  #noteChanges(commits: readonly Commit[]): void {
    const changes = commits.reduce((sum, commit) => sum + commit.changes.length, 0);
    this.#saver?.note(changes, this.publishedSeq);
  }

  #show(published: SharedSnapshot): void {
    const before = this.#published;
    const current = this.#current;
    this.#published = published;
    this.#current = undefined;
    before.release();
    // Later, because an accessor in somebody's filter may have brought us here.
    if (current) queueMicrotask(() => current.close());
  }

  /** Under the lock, which is given back when that fails. */
  #catchUp(): void {
    try {
      this.refresh();
      if (this.#failure) throw this.#failure;
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  /** In one step, as a commit of this process is published. */
  #absorb(commits: readonly Commit[]): void {
    if (commits.length === 0) return;
    try {
      const absorbed = absorbCommits(commits, this.#absorbing());
      const published = new SharedSnapshot(this.engine.snapshot());
      this.#recache(absorbed, published.engine);
      this.#makeIndexes(absorbed.indexDocuments, published.engine);
      this.#show(published);
      this.#recent = commits;
      this.#catalog = absorbed.catalog;
      this.#recall(published.engine);
      this.#lastAt = Math.max(this.#lastAt, commits.at(-1)?.at ?? 0);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#release();
    this.#noteChanges(commits);
    this.#events.emit('commit');
  }

  #absorbing() {
    const { indexes, refs, catalog, cache } = this;
    const { engine, seq } = { engine: this.#published.engine, seq: this.publishedSeq };
    const stored = (id: string) => cache.get(id, seq) ?? engine.get(id);
    return { indexes, refs, catalog, stored };
  }

  /** Only what readers here asked for stays at hand. */
  #recache({ changed }: Absorbed, snapshot: EngineSnapshot): void {
    for (const id of changed.keys()) {
      const stored = this.cache.has(id) ? snapshot.get(id) : undefined;
      if (stored) this.cache.set(stored);
      else this.cache.delete(id);
    }
  }

  #makeIndexes(documents: readonly Document[], snapshot: EngineSnapshot): void {
    for (const document of documents) {
      const live = this.indexes.add(document._id, readIndexDocument(document), snapshot.seq);
      const view = new View(snapshot, this, () => {});
      this.indexes.fill(live, view.documentsOf(live.definition.type));
    }
  }

  /** What a snapshot says of the store as a whole. */
  #recall(snapshot: EngineSnapshot): void {
    // Refs that a failed commit here was given stay unused.
    this.#nextRef = Math.max(this.#nextRef, nextRefOf(snapshot));
    this.#auditHead = (snapshot.named('audit') as AuditHead | undefined) ?? AUDIT_START;
    this.#horizons = decodeHorizons(snapshot.named('horizons'));
    this.#marks = (snapshot.named('marks') as unknown as TimeMarks | undefined) ?? NO_MARKS;
    this.#logStart = Math.max(this.#logStart, snapshot.logStart());
    const newest = snapshot.logged(snapshot.seq);
    if (newest) this.#newest = { seq: newest.seq, at: newest.at };
    this.#lastAt = Math.max(this.#lastAt, this.#newest.at);
  }

  #listenTo(others: Others): Pulse {
    return new Pulse({
      count: () => others.count,
      isListening: () => this.#events.listenerCount('commit') > 0,
      beat: () => {
        try {
          this.refresh();
        } catch {
          // Whoever reads or writes next hears of it.
        }
      },
    });
  }

  #release(): void {
    if (this.publishedSeq - this.#releasedSeq < RELEASE_EVERY) return;
    const oldest = Math.min(this.publishedSeq, ...[...this.#views].map(({ seq }) => seq));
    this.indexes.release(oldest);
    this.refs.release(oldest);
    this.#releasedSeq = this.publishedSeq;
  }

  #saverOf(saves: IndexSaves, { savedSeq, unsaved }: OpenedIndexes): IndexSaver {
    const { logCommits, saveAfter = SAVE_AFTER } = this.#options;
    const view = () => this.view();
    const maySave = () => this.engine.others?.doesChores ?? true;
    return new IndexSaver({ saves, view, maySave, saveAfter, logCommits, savedSeq, unsaved });
  }
}
