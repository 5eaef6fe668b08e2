import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base/clock.js';
import { JdbxError } from '../base/errors.js';
import { AUDIT_START, type AuditHead } from '../history/audit-chain.js';
import type { IndexKind } from '../indexes/contract.js';
import type { Engine } from '../storage/contract.js';
import type { Batch } from './batch.js';
import type { DocumentCache } from './cache.js';
import { Catalog } from './catalog.js';
import type { CommitRule } from './commit-rules.js';
import { IndexSaver, SAVE_AFTER } from './index-saver.js';
import { IndexSaves } from './index-saves.js';
import type { IndexSet } from './index-set.js';
import { nextRefOf, type OpenedIndexes, openIndexes } from './open-indexes.js';
import type { Refs } from './refs.js';
import { SharedSnapshot } from './shared-snapshot.js';
import { type Shared, View } from './view.js';

export interface StoreOptions {
  readonly clock: Clock;
  readonly indexKind: IndexKind;
  /** The directory in which indexes may be saved. Default: they are not. */
  readonly savesIn?: string | undefined;
  /** Changed documents after which they are saved. Default 20,000. */
  readonly saveAfter?: number | undefined;
  readonly cache: DocumentCache;
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
  readonly refs: Refs;
  readonly cache: DocumentCache;
  readonly #options: StoreOptions;
  readonly #views = new Set<View>();
  readonly #events = new EventEmitter<{ commit: [] }>();
  readonly #saver: IndexSaver | undefined;
  #catalog: Catalog;
  #auditHead: AuditHead;
  #published: SharedSnapshot;
  #nextRef: number;
  #releasedSeq: number;
  #logStart: number;
  #lastAt = 0;
  #closed = false;

  constructor(engine: Engine, options: StoreOptions) {
    this.engine = engine;
    this.cache = options.cache;
    this.#options = options;
    this.#published = new SharedSnapshot(engine.snapshot());
    this.#releasedSeq = this.publishedSeq;
    const snapshot = this.#published.engine;
    this.#logStart = snapshot.logStart();
    this.#nextRef = nextRefOf(snapshot);
    this.#auditHead = (snapshot.named('audit') as AuditHead | undefined) ?? AUDIT_START;
    const { files } = options.indexKind;
    const saves = options.savesIn && files ? new IndexSaves(options.savesIn, files) : undefined;
    const opened = openIndexes(snapshot, options.indexKind, saves);
    this.indexes = opened.indexes;
    this.refs = opened.refs;
    this.#catalog = new Catalog(opened.definitions.filter(({ _type }) => Catalog.defines(_type)));
    if (saves) this.#saver = this.#saverOf(saves, opened);
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

  /** Saves the indexes if that is worth it, and closes every view. Nothing is written any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#saver?.close();
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
    const changes = batch.commits.reduce((sum, commit) => sum + commit.changes.length, 0);
    this.#saver?.note(changes, this.publishedSeq);
    this.#events.emit('commit');
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
    return new IndexSaver({ saves, view, saveAfter, logCommits, savedSeq, unsaved });
  }
}
