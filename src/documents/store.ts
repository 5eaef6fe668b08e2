import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base/clock.js';
import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { encodeKey } from '../base/key-bytes.js';
import { AUDIT_START, type AuditHead } from '../history/audit-chain.js';
import type { CreateIndex } from '../indexes/contract.js';
import { readIndexDocument } from '../query/index-definition.js';
import type {
  Commit,
  Engine,
  EngineSnapshot,
  Others,
  StoredDocument,
} from '../storage/contract.js';
import { SharedSnapshot } from '../storage/shared-snapshot.js';
import { type Absorbed, absorbCommits } from './absorb.js';
import type { DocumentCache } from './cache.js';
import { Catalog } from './catalog.js';
import { IndexSet } from './index-set.js';
import { Pulse } from './pulse.js';
import { Refs } from './refs.js';
import { type Shared, View } from './view.js';

export interface StoreOptions {
  readonly clock: Clock;
  readonly createIndex: CreateIndex;
  readonly cache: DocumentCache;
  /** How many commits the change log keeps. */
  readonly logCommits: number;
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
  /** Takes out the indexes that its definitions replaced. */
  retireIndexes(): void;
}

/** How many commits pass before dead index entries are freed. */
const RELEASE_EVERY = 1_000;
/** Log records dropped with one batch at most, so that a log made shorter does not make one huge commit. */
const TRIM_MAX = 1_000;

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
  readonly refs = new Refs();
  readonly cache: DocumentCache;
  readonly #options: StoreOptions;
  readonly #views = new Set<View>();
  readonly #events = new EventEmitter<{ commit: [] }>();
  #catalog = new Catalog();
  #auditHead: AuditHead = AUDIT_START;
  #published: SharedSnapshot;
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
    this.indexes = new IndexSet(options.createIndex);
    this.#options = options;
    // What others committed up to here is loaded, not absorbed.
    engine.others?.absorb();
    this.#published = new SharedSnapshot(engine.snapshot());
    this.#releasedSeq = this.publishedSeq;
    this.#logStart = this.#published.engine.logStart();
    this.#load(this.#published.engine);
    this.#pulse = engine.others && this.#listenTo(engine.others);
  }

  get publishedSeq(): number {
    return this.#published.engine.seq;
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
    if (!this.#closed && this.engine.others?.haveCommitted)
      this.#absorb(this.engine.others.absorb());
  }

  /** The newest revision of a document, when it is at hand. */
  cached(id: string): StoredDocument | undefined {
    this.refresh();
    return this.#closed || this.#failure ? undefined : this.cache.get(id, this.publishedSeq);
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
    const wanted = last - this.#options.logCommits + 1;
    const logFrom = Math.max(this.#logStart, Math.min(wanted, this.#logStart + TRIM_MAX));
    await this.engine.commit({
      commits: batch.commits,
      names: { nextRef: this.#nextRef, audit: { ...batch.auditHead } },
      logFrom,
    });
    this.#logStart = Math.min(logFrom, last);
    this.#publish(batch);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pulse?.stop();
    for (const view of [...this.#views]) view.close();
    this.#published.release();
    this.indexes.close();
    this.#events.removeAllListeners();
  }

  #publish(batch: ReadyBatch): void {
    for (const [id, stored] of batch.changed) {
      if (stored) this.cache.set(stored);
      else this.cache.delete(id);
    }
    for (const commit of batch.commits) {
      for (const change of commit.changes) {
        if (change.kind === 'remove') this.refs.remove(change.ref, commit.seq);
      }
    }
    this.#show(new SharedSnapshot(this.engine.snapshot()));
    this.#catalog = batch.catalog;
    this.#auditHead = batch.auditHead;
    batch.retireIndexes();
    this.#release();
    this.#events.emit('commit');
  }

  #show(published: SharedSnapshot): void {
    const before = this.#published;
    this.#published = published;
    before.release();
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
    if (commits.length === 0 || this.#failure) return;
    try {
      const absorbed = absorbCommits(commits, this.#absorbing());
      const published = new SharedSnapshot(this.engine.snapshot());
      this.#recache(absorbed, published.engine);
      this.#makeIndexes(absorbed.indexDocuments, published.engine);
      this.#show(published);
      this.#catalog = absorbed.catalog;
      this.#recall(published.engine);
      this.#lastAt = Math.max(this.#lastAt, commits.at(-1)?.at ?? 0);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#release();
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
    const nextRef = (snapshot.named('nextRef') as number | undefined) ?? 1;
    // Refs that a failed commit here was given stay unused.
    this.#nextRef = Math.max(this.#nextRef, nextRef);
    this.#auditHead = (snapshot.named('audit') as AuditHead | undefined) ?? AUDIT_START;
    this.#logStart = Math.max(this.#logStart, snapshot.logStart());
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

  /**
   * Reads every document once for the definitions and the type index, and once more for the
   * other indexes: opening takes time with the number of documents, until indexes are saved.
   */
  #load(snapshot: EngineSnapshot): void {
    this.#recall(snapshot);
    const definitions = this.#loadTypes(snapshot);
    this.#catalog = new Catalog(definitions.filter(({ _type }) => Catalog.defines(_type)));
    for (const document of definitions) {
      if (document._type !== 'index') continue;
      this.indexes.add(document._id, readIndexDocument(document), snapshot.seq);
    }
    this.#loadIndexes(snapshot);
  }

  #loadTypes(snapshot: EngineSnapshot): Document[] {
    const definitions: Document[] = [];
    for (const { ref, document } of snapshot.documents()) {
      this.refs.set(ref, document._id);
      const key = encodeKey([document._type, document._id]);
      this.indexes.typeIndex.apply([{ kind: 'insert', key, ref }], snapshot.seq);
      if (document._type === 'index' || Catalog.defines(document._type)) definitions.push(document);
    }
    return definitions;
  }

  #loadIndexes(snapshot: EngineSnapshot): void {
    if ([...this.indexes.all()].length === 0) return;
    for (const { ref, document } of snapshot.documents()) {
      this.indexes.enter(ref, document, snapshot.seq);
    }
  }
}
