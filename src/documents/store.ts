import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base/clock.js';
import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { encodeKey } from '../base/key-bytes.js';
import { AUDIT_START, type AuditHead } from '../history/audit-chain.js';
import type { CreateIndex } from '../indexes/contract.js';
import { readIndexDocument } from '../query/index-definition.js';
import type { Engine, EngineSnapshot } from '../storage/contract.js';
import type { Batch } from './batch.js';
import type { DocumentCache } from './cache.js';
import { Catalog } from './catalog.js';
import type { CommitRule } from './commit-rules.js';
import { IndexSet } from './index-set.js';
import { Refs } from './refs.js';
import { SharedSnapshot } from './shared-snapshot.js';
import { type Shared, View } from './view.js';

export interface StoreOptions {
  readonly clock: Clock;
  readonly createIndex: CreateIndex;
  readonly cache: DocumentCache;
  /** How many commits the change log keeps. */
  readonly logCommits: number;
  /** Asked about every commit. Default: none. */
  readonly rules?: readonly CommitRule[] | undefined;
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

  constructor(engine: Engine, options: StoreOptions) {
    this.engine = engine;
    this.cache = options.cache;
    this.indexes = new IndexSet(options.createIndex);
    this.#options = options;
    this.#published = new SharedSnapshot(engine.snapshot());
    this.#releasedSeq = this.publishedSeq;
    this.#logStart = this.#published.engine.logStart();
    this.#load(this.#published.engine);
  }

  get publishedSeq(): number {
    return this.#published.engine.seq;
  }

  get rules(): readonly CommitRule[] {
    return this.#options.rules ?? [];
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

  /** The newest published commit. The caller closes the view. @throws {JdbxError} STORE_CLOSED */
  view(): View {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
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
    return () => this.#events.off('commit', listen);
  }

  /** Makes a batch durable, then shows it to readers. */
  async commit(batch: Batch): Promise<void> {
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
    for (const view of [...this.#views]) view.close();
    this.#published.release();
    this.indexes.close();
    this.#events.removeAllListeners();
  }

  #publish(batch: Batch): void {
    for (const [id, stored] of batch.changed) {
      if (stored) this.cache.set(stored);
      else this.cache.delete(id);
    }
    for (const commit of batch.commits) {
      for (const change of commit.changes) {
        if (change.kind === 'remove') this.refs.remove(change.ref, commit.seq);
      }
    }
    const before = this.#published;
    this.#published = new SharedSnapshot(this.engine.snapshot());
    before.release();
    this.#catalog = batch.catalog;
    this.#auditHead = batch.auditHead;
    batch.retireIndexes();
    this.#release();
    this.#events.emit('commit');
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
    this.#nextRef = (snapshot.named('nextRef') as number | undefined) ?? 1;
    this.#auditHead = (snapshot.named('audit') as AuditHead | undefined) ?? AUDIT_START;
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
