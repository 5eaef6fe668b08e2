import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { QuerySource } from '../query/contract.js';
import { updated, upserted } from './apply-update.js';
import type {
  Filter,
  Query,
  RemoveOptions,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from './contract.js';
import type { Draft } from './draft.js';
import { guardSource, OverlaySource } from './overlay-source.js';
import { countDocuments, explainQuery, findDocuments, runAggregate } from './querying.js';
import { type TakenDocument, takeDocument } from './take-document.js';
import type { View } from './view.js';

export interface WorkspaceRules {
  /** Checks a document's own rules. */
  check(document: NewDocument): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The reading verbs over some part of a workspace. */
export interface WorkspaceReader {
  get(id: string): Document | undefined;
  getMany(ids: readonly string[]): (Document | undefined)[];
  find(query: Query): Document[];
  count(query: Query): number;
  explain(query: Query): Filter;
  aggregate(stages: readonly Filter[]): unknown[];
}

/** A write that waits for the commit. */
interface Write {
  /** The commit that wrote what was seen here first; 0 when there was no document. */
  readonly seenSeq: number;
  /** The document as it will be; absent when it will be removed. */
  readonly document: Document | undefined;
  readonly taken: TakenDocument | undefined;
}

/**
 * A snapshot plus its own writes: what a transaction or a stage works in. Reads
 * see both; nothing is stored until the writes are replayed into a draft, which
 * refuses them if any document written here was changed by someone else since
 * (snapshot isolation: the first to commit wins).
 */
export class Workspace implements WorkspaceReader {
  readonly #view: View;
  readonly #rules: WorkspaceRules;
  readonly #writes = new Map<string, Write>();
  readonly #audits: AuditEntry[] = [];

  constructor(view: View, rules: WorkspaceRules) {
    this.#view = view;
    this.#rules = rules;
  }

  get seq(): number {
    return this.#view.seq;
  }

  /** True when there is something to commit. */
  get isDirty(): boolean {
    return this.#writes.size > 0 || this.#audits.length > 0;
  }

  get(id: string): Document | undefined {
    const write = this.#writes.get(id);
    return write ? write.document : this.#view.get(id);
  }

  getMany(ids: readonly string[]): (Document | undefined)[] {
    return ids.map((id) => this.get(id));
  }

  find(query: Query): Document[] {
    return findDocuments(this.#source(), query);
  }

  count(query: Query): number {
    return countDocuments(this.#source(), query);
  }

  explain(query: Query): Filter {
    return explainQuery(this.#source(), query);
  }

  aggregate(stages: readonly Filter[]): unknown[] {
    return runAggregate(this.#source(), stages, this.#rules.now());
  }

  /** Kept revisions, oldest first, as of the snapshot. */
  history(id: string): Document[] {
    return [...this.#view.engine.revisions(id)].map(({ document }) => document);
  }

  /** The reading verbs, blind to documents of types that `visible` leaves out. */
  guarded(visible: (type: string) => boolean): WorkspaceReader {
    const source = () => guardSource(this.#source(), visible);
    const get = (id: string) => {
      const document = this.get(id);
      return document && visible(document._type) ? document : undefined;
    };
    return {
      get,
      getMany: (ids) => ids.map(get),
      find: (query) => findDocuments(source(), query),
      count: (query) => countDocuments(source(), query),
      explain: (query) => explainQuery(source(), query),
      aggregate: (stages) => runAggregate(source(), stages, this.#rules.now()),
    };
  }

  insert(document: NewDocument): Document {
    this.#rules.check(document);
    const taken = takeDocument(document);
    if (this.get(taken.id)) {
      throw new JdbxError('DUPLICATE_ID', `expected no document ${taken.id} yet`, {
        operation: 'insert',
        details: { id: taken.id },
      });
    }
    return this.#write(taken);
  }

  put(document: NewDocument): Document {
    this.#rules.check(document);
    const taken = takeDocument(document);
    const current = this.get(taken.id);
    if (taken.rev !== undefined && taken.rev !== current?._rev) {
      throw new JdbxError(
        'CONFLICT',
        `expected revision ${taken.rev} of ${taken.id}, found ${current?._rev ?? 'no document'}`,
        { operation: 'put', details: { id: taken.id } },
      );
    }
    return this.#write(taken);
  }

  update(target: Target, update: Update, options: UpdateOptions = {}): UpdateResult {
    const found = this.#select(target, options.many ?? false);
    let modified = 0;
    const facts = { target, options, nowMs: this.#rules.now() };
    for (const document of found) {
      const next = updated(document, update, facts);
      if (!next) continue;
      this.put(next);
      modified++;
    }
    if (found.length > 0 || !options.upsert) return { matched: found.length, modified };
    const made = this.insert(upserted(target, update, facts));
    return { matched: 0, modified: 0, upserted: made._id };
  }

  remove(target: Target, options: RemoveOptions = {}): RemoveResult {
    const found = this.#select(target, options.many ?? false);
    for (const { _id } of found) {
      this.#writes.set(_id, { seenSeq: this.#seenSeq(_id), document: undefined, taken: undefined });
    }
    return { removed: found.length };
  }

  /** Remembers an audit entry with this work. */
  audit(entry: AuditEntry): void {
    this.#audits.push(entry);
  }

  /**
   * Replays the writes into a draft.
   *
   * @throws {JdbxError} CONFLICT when a document written here changed since the snapshot
   */
  commitInto(draft: Draft): void {
    for (const [id, write] of this.#writes) {
      checkUnchanged(id, draft.stored(id)?.seq ?? 0, write.seenSeq);
      if (write.taken) draft.put({ ...write.taken, rev: undefined });
      else draft.remove(id);
    }
    for (const entry of this.#audits) draft.audit(entry);
  }

  /** The ids and kinds of what will be written, for the audit trail. */
  get writes(): readonly { readonly id: string; readonly kind: 'put' | 'remove' }[] {
    return [...this.#writes].map(([id, { document }]) => ({
      id,
      kind: document ? 'put' : 'remove',
    }));
  }

  close(): void {
    this.#view.close();
  }

  #write(taken: TakenDocument): Document {
    const { id, type, fields } = taken;
    const stored = this.#view.get(id);
    const document = Object.freeze({
      _id: id,
      _type: type,
      _rev: (stored?._rev ?? 0) + 1,
      ...fields,
    });
    this.#writes.set(id, { seenSeq: this.#seenSeq(id), document, taken });
    return document;
  }

  #seenSeq(id: string): number {
    return this.#view.stored(id)?.seq ?? 0;
  }

  #select(target: Target, many: boolean): Document[] {
    if (typeof target === 'string') {
      const document = this.get(target);
      return document ? [document] : [];
    }
    return this.find({ filter: target, limit: many ? 0 : 1 });
  }

  #source(): QuerySource {
    if (this.#writes.size === 0) return this.#view;
    const overlay = new Map([...this.#writes].map(([id, { document }]) => [id, document]));
    return new OverlaySource(this.#view, overlay);
  }
}

function checkUnchanged(id: string, seq: number, seenSeq: number): void {
  if (seq === seenSeq) return;
  throw new JdbxError(
    'CONFLICT',
    `expected ${id} as it was at commit ${seenSeq}, it changed at ${seq}`,
    {
      details: { id, seenSeq, seq },
    },
  );
}
