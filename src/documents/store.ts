import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base/clock.js';
import type { Document } from '../base/document.js';
import { encodeKey } from '../base/key-bytes.js';
import { AUDIT_START, type AuditHead } from '../history/audit-chain.js';
import type { CreateIndex } from '../indexes/contract.js';
import { readIndexDocument } from '../query/index-definition.js';
import type { Engine, EngineSnapshot } from '../storage/contract.js';
import type { Batch } from './batch.js';
import type { DocumentCache } from './cache.js';
import { Catalog } from './catalog.js';
import { IndexSet } from './index-set.js';
import { Refs } from './refs.js';
import { type Shared, View } from './view.js';

export interface StoreOptions {
  readonly clock: Clock;
  readonly createIndex: CreateIndex;
  readonly cache: DocumentCache;
  /** How many commits the change log keeps. */
  readonly logCommits: number;
}

/** How many commits pass before dead index entries are freed. */
const RELEASE_EVERY = 1_000;

/** The published state of one open store: engine, indexes, definitions, and who is looking at it. */
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
  #publishedSeq: number;
  #nextRef = 1;
  #releasedSeq: number;
  #lastAt = 0;

  constructor(engine: Engine, options: StoreOptions) {
    this.engine = engine;
    this.cache = options.cache;
    this.indexes = new IndexSet(options.createIndex);
    this.#options = options;
    this.#publishedSeq = engine.seq;
    this.#releasedSeq = engine.seq;
    this.#load();
  }

  get publishedSeq(): number {
    return this.#publishedSeq;
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

  view(): View {
    const view = new View(this.engine.snapshot(), this, (closed) => this.#views.delete(closed));
    this.#views.add(view);
    return view;
  }

  snapshot(): EngineSnapshot {
    return this.engine.snapshot();
  }

  /** Calls `wake` after each publication. Returns the way to stop. */
  onCommit(wake: () => void): () => void {
    this.#events.on('commit', wake);
    return () => this.#events.off('commit', wake);
  }

  /** Makes a batch durable, then shows it to readers. */
  async commit(batch: Batch): Promise<void> {
    const last = batch.seq - 1;
    await this.engine.commit({
      commits: batch.commits,
      names: { nextRef: this.#nextRef, audit: { ...batch.auditHead } },
      logFrom: last - this.#options.logCommits + 1,
    });
    this.#publish(batch, last);
  }

  close(): void {
    for (const view of [...this.#views]) view.close();
    this.indexes.close();
    this.#events.removeAllListeners();
  }

  #publish(batch: Batch, seq: number): void {
    for (const [id, stored] of batch.changed) {
      if (stored) this.cache.set(stored);
      else this.cache.delete(id);
    }
    for (const commit of batch.commits) {
      for (const change of commit.changes) {
        if (change.kind === 'remove') this.refs.remove(change.ref, commit.seq);
      }
    }
    this.#publishedSeq = seq;
    this.#catalog = batch.catalog;
    this.#auditHead = batch.auditHead;
    this.#release();
    this.#events.emit('commit');
  }

  #release(): void {
    if (this.#publishedSeq - this.#releasedSeq < RELEASE_EVERY) return;
    const oldest = Math.min(this.#publishedSeq, ...[...this.#views].map(({ seq }) => seq));
    this.indexes.release(oldest);
    this.refs.release(oldest);
    this.#releasedSeq = this.#publishedSeq;
  }

  /** Reads every document once for the definitions and the type index, and once more for the others. */
  #load(): void {
    const snapshot = this.engine.snapshot();
    try {
      this.#nextRef = (snapshot.named('nextRef') as number | undefined) ?? 1;
      this.#auditHead = (snapshot.named('audit') as AuditHead | undefined) ?? AUDIT_START;
      const definitions = this.#loadTypes(snapshot);
      this.#catalog = new Catalog(definitions.filter(({ _type }) => Catalog.defines(_type)));
      for (const document of definitions) {
        if (document._type !== 'index') continue;
        this.indexes.add(document._id, readIndexDocument(document), snapshot.seq);
      }
      this.#loadIndexes(snapshot);
    } finally {
      snapshot.close();
    }
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
