import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { AuditHead } from '../history/audit-chain.js';
import { readIndexDocument } from '../query/index-definition.js';
import type { Commit, StoredDocument } from '../storage/contract.js';
import type { Catalog } from './catalog.js';
import { Draft, type DraftBase, type DraftChange } from './draft.js';
import type { StagedChanges } from './index-set.js';
import type { Store } from './store.js';
import type { View } from './view.js';

/** The most documents that one transaction may change. It keeps LMDB's free list short. */
export const TRANSACTION_CHANGES_MAX = 10_000;

/** Commits that become durable together. Each draft sees what the ones before it wrote. */
export class Batch implements DraftBase {
  readonly #store: Store;
  readonly #view: View;
  readonly #overlay = new Map<string, StoredDocument | undefined>();
  readonly #commits: Commit[] = [];
  readonly #staged: { readonly seq: number; readonly changes: readonly StagedChanges[] }[] = [];
  #definitions: readonly DraftChange[] = [];
  #size = 0;
  seq: number;
  at: number;
  catalog: Catalog;
  auditHead: AuditHead;

  constructor(store: Store) {
    this.#store = store;
    this.#view = store.view();
    this.seq = store.publishedSeq + 1;
    this.at = store.now();
    this.catalog = store.catalog;
    this.auditHead = store.auditHead;
  }

  /** Documents changed so far. */
  get size(): number {
    return this.#size;
  }

  /** True when it holds a change of definitions, which no other commit may share. */
  get isAlone(): boolean {
    return this.#definitions.length > 0;
  }

  get commits(): readonly Commit[] {
    return this.#commits;
  }

  /** Documents as this batch leaves them. */
  get changed(): ReadonlyMap<string, StoredDocument | undefined> {
    return this.#overlay;
  }

  draft(): Draft {
    return new Draft(this);
  }

  stored(id: string): StoredDocument | undefined {
    return this.#overlay.has(id) ? this.#overlay.get(id) : this.#view.stored(id);
  }

  lastRevision(id: string): number {
    let rev = 0;
    for (const { document } of this.#view.engine.revisions(id)) rev = document._rev;
    return rev;
  }

  newRef(): number {
    return this.#store.newRef();
  }

  /**
   * Takes a planned draft in, or refuses it whole.
   *
   * @throws {JdbxError} SCHEMA_VIOLATION, DUPLICATE_KEY, INVALID_INDEX, INVALID_DOCUMENT, DOCUMENT_TOO_LARGE
   */
  stage(draft: Draft): void {
    const { changes, definitions } = draft;
    if (changes.length === 0) return;
    checkCount(changes.length);
    const catalog = definitions.length > 0 ? this.#nextCatalog(definitions) : this.catalog;
    for (const { after } of changes) if (after) catalog.checkSchema(after.document);
    this.#stageIndexes(changes, definitions);
    this.catalog = catalog;
    this.#definitions = definitions;
    this.#commits.push({ seq: this.seq, at: this.at, changes: draft.logChanges(catalog) });
    for (const change of changes) this.#overlay.set(idOf(change), change.after);
    this.#size += changes.length;
    this.auditHead = draft.auditHead;
    this.seq++;
    this.at = this.#store.now();
  }

  async commit(): Promise<void> {
    if (this.#commits.length === 0) return;
    await this.#store.commit(this);
    for (const { before, after } of this.#definitions) {
      if (before?.document._type === 'index') {
        this.#store.indexes.retire(before.document._id, after ? this.seq - 1 : this.seq, this.seq);
      }
    }
  }

  /** Takes the staged index entries out again. */
  revert(): void {
    for (const { seq, changes } of this.#staged.toReversed()) {
      this.#store.indexes.revert(changes, seq);
    }
    for (const id of this.#newIndexes()) this.#store.indexes.abandon(id, this.seq - 1);
  }

  close(): void {
    this.#view.close();
  }

  #nextCatalog(definitions: readonly DraftChange[]): Catalog {
    return this.catalog.with(
      definitions.map((change) => [idOf(change), change.after?.document] as const),
    );
  }

  #stageIndexes(changes: readonly DraftChange[], definitions: readonly DraftChange[]): void {
    const { indexes, refs } = this.#store;
    const made: string[] = [];
    try {
      for (const document of indexDocuments(definitions)) {
        indexes.add(document._id, readIndexDocument(document), this.seq);
        made.push(document._id);
        this.#fill(document, changes);
      }
      const staged = indexes.stage(changes.map(toIndexed), this.seq);
      this.#staged.push({ seq: this.seq, changes: staged });
    } catch (error) {
      for (const id of made) indexes.abandon(id, this.seq);
      throw error;
    }
    for (const change of changes) refs.set(change.ref, idOf(change));
  }

  /** What is stored already, but for what this draft changes: staging enters that. */
  #fill(definition: Document, changes: readonly DraftChange[]): void {
    const own = new Set(changes.map(({ ref }) => ref));
    const stored = this.#view.documentsOf(String(definition.type));
    this.#store.indexes.fill(
      definition._id,
      (function* () {
        for (const each of stored) if (!own.has(each.ref)) yield each;
      })(),
      this.seq,
    );
  }

  #newIndexes(): string[] {
    return indexDocuments(this.#definitions).map(({ _id }) => _id);
  }
}

function indexDocuments(definitions: readonly DraftChange[]): Document[] {
  return definitions.flatMap(({ after }) =>
    after?.document._type === 'index' ? [after.document] : [],
  );
}

function idOf({ before, after }: DraftChange): string {
  return (after ?? (before as StoredDocument)).document._id;
}

function toIndexed({ ref, before, after }: DraftChange) {
  return { ref, before: before?.document, after: after?.document };
}

function checkCount(count: number): void {
  if (count <= TRANSACTION_CHANGES_MAX) return;
  throw new JdbxError(
    'TRANSACTION_TOO_LARGE',
    `expected at most ${TRANSACTION_CHANGES_MAX} changed documents in one transaction, got ${count}`,
  );
}
