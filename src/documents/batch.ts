import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { AuditHead } from '../history/audit-chain.js';
import type { IndexDefinition } from '../query/contract.js';
import { isSameIndex, readIndexDocument } from '../query/index-definition.js';
import type { Change, Commit, StoredDocument } from '../storage/contract.js';
import type { Catalog } from './catalog.js';
import type { CommitInMaking } from './commit-rules.js';
import { Draft, type DraftBase, type DraftChange } from './draft.js';
import { type Horizons, later } from './horizons.js';
import type { IndexedChange } from './index-staging.js';
import type { LiveIndex } from './live-index.js';
import type { ReadyBatch, Store } from './store.js';
import { takeDocument } from './take-document.js';
import type { View } from './view.js';

/** The most that one transaction may write. It keeps LMDB's free list short. */
export const TRANSACTION_CHANGES_MAX = 10_000;
export const TRANSACTION_BYTES_MAX = 256 * 2 ** 20;

/** A commit taken in, which can be taken out again. */
interface StagedCommit {
  readonly made: readonly LiveIndex[];
  readonly newRefs: readonly number[];
}

/** Commits that become durable together. Each draft sees what the ones before it wrote. */
export class Batch implements DraftBase, ReadyBatch {
  readonly #store: Store;
  readonly #view: View;
  readonly #overlay = new Map<string, StoredDocument | undefined>();
  /** The last that was not there: who looks before writing asks twice, and nothing is dearer to look for. */
  #absent: string | undefined;
  /** The newest revision that a commit of this batch keeps, by id. */
  readonly #kept = new Map<string, number>();
  readonly #staged: StagedCommit[] = [];
  readonly commits: Commit[] = [];
  #definitions: readonly DraftChange[] = [];
  #size = 0;
  #bytes = 0;
  seq: number;
  at: number;
  catalog: Catalog;
  auditHead: AuditHead;
  horizons: Horizons;
  trimLogTo = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#view = store.view();
    this.seq = store.publishedSeq + 1;
    this.at = store.now();
    this.catalog = store.catalog;
    this.auditHead = store.auditHead;
    this.horizons = store.horizons;
  }

  /** Documents changed so far. */
  get size(): number {
    return this.#size;
  }

  /** What they take, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True when it holds a change of definitions, which no other commit may share. */
  get isAlone(): boolean {
    return this.#definitions.length > 0;
  }

  /** Documents as this batch leaves them. */
  get changed(): ReadonlyMap<string, StoredDocument | undefined> {
    return this.#overlay;
  }

  draft(): Draft {
    return new Draft(this);
  }

  stored(id: string): StoredDocument | undefined {
    if (this.#overlay.has(id)) return this.#overlay.get(id);
    if (id === this.#absent) return undefined;
    const stored = this.#view.stored(id);
    if (!stored) this.#absent = id;
    return stored;
  }

  lastKept(id: string, type: string): number {
    return Math.max(this.#kept.get(id) ?? 0, this.#view.lastKept(id, type));
  }

  newRef(): number {
    return this.#store.newRef();
  }

  /**
   * Takes a planned draft in, or refuses it whole.
   *
   * @throws {JdbxError} TRANSACTION_TOO_LARGE, SCHEMA_VIOLATION, DUPLICATE_KEY, INVALID_INDEX, INVALID_DOCUMENT
   */
  stage(draft: Draft): void {
    if (draft.isEmpty) return;
    const indexed = this.#askRules(draft);
    const { changes, definitions } = draft;
    const bytes = checkSize(changes);
    const catalog = definitions.length > 0 ? this.#nextCatalog(definitions) : this.catalog;
    for (const { after } of changes) if (after) catalog.checkSchema(after.document);
    const logged = draft.logChanges(catalog);
    this.#staged.push(this.#enter(changes, indexed, definitions, logged));
    this.#keep(changes, logged);
    this.#raiseHorizons(draft, logged);
    this.trimLogTo = Math.max(this.trimLogTo, draft.trimLogTo);
    this.catalog = catalog;
    this.#definitions = definitions;
    this.#size += changes.length + draft.forgets.length;
    this.#bytes += bytes;
    this.auditHead = draft.auditHead;
    this.seq++;
    this.at = this.#store.now();
  }

  /** @throws {JdbxError} INDEX_FULL, and what the engine refuses with */
  async commit(): Promise<void> {
    if (this.#staged.length === 0) return;
    this.#store.indexes.staging.apply(this.seq - 1);
    await this.#store.commit(this);
  }

  /** Takes out the indexes that the published definitions replaced. */
  retireIndexes(): void {
    for (const { before, after } of this.#definitions) {
      if (before?.document._type !== 'index') continue;
      const newest = after ? this.seq - 1 : this.seq;
      this.#store.indexes.retire(before.document._id, newest, this.seq);
    }
  }

  /** Takes the index entries out again. */
  revert(): void {
    const { indexes, refs } = this.#store;
    indexes.staging.revert();
    for (const { made, newRefs } of this.#staged.toReversed()) {
      for (const live of made) indexes.abandon(live);
      for (const ref of newRefs) refs.forget(ref);
    }
  }

  close(): void {
    this.#store.indexes.staging.clear();
    this.#view.close();
  }

  *#documentsOf(type: string, draft: Draft): Generator<Document, void> {
    const ids = new Set([...this.#view.idsOf(type), ...this.#overlay.keys()]);
    for (const change of draft.changes) ids.add(idOf(change));
    for (const id of ids) {
      const document = draft.get(id);
      if (document?._type === type) yield document;
    }
  }

  #nextCatalog(definitions: readonly DraftChange[]): Catalog {
    return this.catalog.with(
      definitions.map((change) => [idOf(change), change.after?.document] as const),
    );
  }

  /** @returns the draft's changes with what the rules added to them */
  #askRules(draft: Draft): readonly IndexedChange[] {
    const inMaking = new InMaking(draft, (type) => this.#documentsOf(type, draft));
    const asked = draft.changes;
    for (const rule of this.#store.rules) rule(inMaking);
    return draft.changes === asked ? inMaking.changes : draft.changes.map(toIndexed);
  }

  /** Makes the indexes that the draft defines, and enters its changes into every index. */
  #enter(
    changes: readonly DraftChange[],
    indexed: readonly IndexedChange[],
    definitions: readonly DraftChange[],
    logged: readonly Change[],
  ): StagedCommit {
    const { indexes, refs } = this.#store;
    const made: LiveIndex[] = [];
    const newRefs: number[] = [];
    try {
      for (const document of indexDocuments(definitions)) {
        const definition = readIndexDocument(document);
        checkOnlyOne(definition, [...this.#untouched(definitions), ...made]);
        const live = indexes.add(document._id, definition, this.seq);
        made.push(live);
        indexes.fill(live, this.#unchanged(live.definition.type, changes));
      }
      indexes.staging.add(indexed, this.seq);
      for (const change of changes) {
        if (change.before) continue;
        refs.set(change.ref, idOf(change));
        newRefs.push(change.ref);
      }
      this.commits.push({ seq: this.seq, at: this.at, changes: logged });
      return { made, newRefs };
    } catch (error) {
      for (const live of made) indexes.abandon(live);
      throw error;
    }
  }

  /** The indexes whose documents stay as they are. */
  #untouched(definitions: readonly DraftChange[]): LiveIndex[] {
    const changed = new Set(definitions.map(idOf));
    return [...this.#store.indexes.all()].filter(({ id }) => !changed.has(id));
  }

  /** A batch that changes definitions is alone, so the view shows all that is stored. */
  *#unchanged(type: string, changes: readonly DraftChange[]): Generator<StoredDocument, void> {
    const own = new Set(changes.map(({ ref }) => ref));
    for (const stored of this.#view.documentsOf(type)) if (!own.has(stored.ref)) yield stored;
  }

  /** What is forgotten, and what ends without ever having been kept, nobody can tell any more. */
  #raiseHorizons({ forgets }: Draft, logged: readonly Change[]): void {
    if (forgets.length === 0 && logged.every(({ kind }) => kind === 'put')) return;
    const raised = forgets.map(({ type, until }) => [type, until] as const);
    const now = { seq: this.seq, at: this.at };
    for (const change of logged) {
      if (change.kind !== 'remove' || !change.versioned) continue;
      if (this.lastKept(change.id, change.type) !== change.rev) raised.push([change.type, now]);
    }
    if (raised.length === 0) return;
    const horizons = new Map(this.horizons);
    for (const [type, until] of raised) {
      horizons.set(type, later(until, horizons.get(type) ?? until));
    }
    this.horizons = horizons;
  }

  #keep(changes: readonly DraftChange[], logged: readonly Change[]): void {
    for (const change of changes) this.#overlay.set(idOf(change), change.after);
    for (const change of logged) {
      if (change.kind === 'put' && change.versioned) {
        this.#kept.set(change.id, change.rev);
      }
    }
  }
}

/** A draft as the rules see it. */
class InMaking implements CommitInMaking {
  readonly changes: readonly IndexedChange[];
  readonly #draft: Draft;
  readonly documentsOf: CommitInMaking['documentsOf'];

  constructor(draft: Draft, documentsOf: CommitInMaking['documentsOf']) {
    this.changes = draft.changes.map(toIndexed);
    this.#draft = draft;
    this.documentsOf = documentsOf;
  }

  /** Made when asked for: most commits have nothing that a rule looks at. */
  get get(): CommitInMaking['get'] {
    return (id) => this.#draft.get(id);
  }

  derive(document: NewDocument): void {
    this.#draft.put(takeDocument(document));
  }
}

/** A second index that holds the same would cost its writes and serve nothing. */
function checkOnlyOne(definition: IndexDefinition, others: readonly LiveIndex[]): void {
  const twin = others.find((other) => isSameIndex(other.definition, definition));
  if (!twin) return;
  const got = `the one of ${twin.id} again`;
  throw new JdbxError('INVALID_INDEX', `expected another index, got ${got}`, { path: 'key' });
}

const NO_DOCUMENTS: Document[] = [];

function indexDocuments(definitions: readonly DraftChange[]): Document[] {
  if (definitions.length === 0) return NO_DOCUMENTS;
  return definitions.flatMap(({ after }) =>
    after?.document._type === 'index' ? [after.document] : [],
  );
}

function idOf({ before, after }: DraftChange): string {
  return (after ?? (before as StoredDocument)).document._id;
}

function toIndexed({ ref, before, after }: DraftChange): IndexedChange {
  return { ref, before: before?.document, after: after?.document };
}

/** @returns roughly how many bytes the changes take */
function checkSize(changes: readonly DraftChange[]): number {
  if (changes.length > TRANSACTION_CHANGES_MAX) {
    tooLarge(`${TRANSACTION_CHANGES_MAX} changed documents`, String(changes.length));
  }
  const bytes = changes.reduce((sum, { after }) => sum + (after?.bytes ?? 0), 0);
  if (bytes > TRANSACTION_BYTES_MAX) tooLarge(`${TRANSACTION_BYTES_MAX} bytes`, `about ${bytes}`);
  return bytes;
}

function tooLarge(expected: string, got: string): never {
  throw new JdbxError(
    'TRANSACTION_TOO_LARGE',
    `expected at most ${expected} in one transaction, got ${got}`,
  );
}
