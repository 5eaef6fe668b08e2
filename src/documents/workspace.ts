import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { takeValue } from '../base/values.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { QuerySource } from '../query/contract.js';
import { splitOutput } from '../query/output.js';
import { checkedUpdate, updated, upserted } from './apply-update.js';
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
import type { FactsTeller, NumberedFacts } from './readers/store-facts.js';
import { type TakenDocument, takeDocument } from './take-document.js';
import type { View } from './view.js';
import { writeOutput } from './write-output.js';
import { checkAbsent, checkRev, checkWritable, toStored } from './write-rules.js';

export interface WorkspaceRules {
  /** Checks a document's own rules. */
  check(document: NewDocument): void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** What readers in other threads are told. Default: there are none. */
  readonly facts?: FactsTeller | undefined;
}

/** A write as it crosses to another thread; null where the document is removed. */
export type WorkspaceWrite = readonly [id: string, document: Document | null];

/** What another thread needs to read what a workspace shows. */
export interface ThreadOrder {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly writes: readonly WorkspaceWrite[];
  /** The number of the newest of them. */
  readonly written: number;
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
  /** 1, 2, 3 … of this workspace, risen with each write. */
  readonly number: number;
}

/**
 * A snapshot plus its own writes: what a transaction or a stage works in. Reads
 * see both; nothing is stored until the writes are replayed into a draft, which
 * refuses them if any document written here was changed by someone else since
 * (snapshot isolation: the first to commit wins).
 *
 * @internal
 */
export class Workspace implements WorkspaceReader {
  readonly #view: View;
  readonly #rules: WorkspaceRules;
  readonly #writes = new Map<string, Write>();
  readonly #audits: AuditEntry[] = [];
  #written = 0;

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
    // A view gives what holds a date or bytes as a copy already.
    return write ? handOut(write) : this.#view.get(id);
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

  /** A last `$out` or `$merge` writes here, and the result is empty. */
  aggregate(pipeline: readonly Filter[]): unknown[] {
    const { stages, output } = splitOutput(pipeline);
    const now = this.#rules.now();
    const results = runAggregate(this.#source(), stages, now);
    if (!output) return results;
    writeOutput(this, results, output, now);
    return [];
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

  /** @throws {JdbxError} DUPLICATE_ID, and what `put` throws */
  insert(document: NewDocument): Document {
    const taken = this.#take(document);
    checkAbsent(taken.id, this.#own(taken.id));
    return this.#write(taken);
  }

  /** @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE, CONFLICT, PROTECTED_TYPE */
  put(document: NewDocument): Document {
    return this.#write(this.#take(document));
  }

  update(target: Target, update: Update, options: UpdateOptions = {}): UpdateResult {
    const found = this.#select(target, options.many ?? false);
    let modified = 0;
    const facts = { target, options, nowMs: this.#rules.now() };
    checkedUpdate(update, facts);
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
    for (const { _id, _type } of found) {
      checkWritable(_type, _id);
      this.#set(_id, undefined, undefined);
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

  /** What another thread needs to read along; undefined where none can. */
  forThread(): { readonly shared: NumberedFacts; readonly own: ThreadOrder } | undefined {
    const { facts, now } = this.#rules;
    if (!facts) return undefined;
    return { shared: facts.current(), own: { seq: this.seq, now: now(), ...this.writesAfter(0) } };
  }

  /** The ids of a page of refs, for such a thread. */
  idsOn(page: number): (string | null)[] {
    return this.#rules.facts?.idsOn(page) ?? [];
  }

  /** What was written after write number `number`, each document as it is now. */
  writesAfter(number: number): Pick<ThreadOrder, 'writes' | 'written'> {
    if (number === this.#written) return { writes: [], written: number };
    const later = [...this.#writes].filter(([, write]) => write.number > number);
    const writes = later.map(([id, { document }]) => [id, document ?? null] as const);
    return { writes, written: this.#written };
  }

  /** Shows what was written in another thread's workspace over the same snapshot. Not to be committed. */
  adopt(writes: readonly WorkspaceWrite[]): void {
    for (const [id, document] of writes) this.#set(id, document ?? undefined, undefined);
  }

  typesOf(type: string): readonly string[] {
    return this.#view.resolveTypes(type);
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

  #take(document: NewDocument): TakenDocument {
    this.#rules.check(document);
    return takeDocument(document);
  }

  /** The document as this workspace sees it, to be looked at here only. */
  #own(id: string): Document | undefined {
    const write = this.#writes.get(id);
    return write ? write.document : this.#view.get(id);
  }

  #write(taken: TakenDocument): Document {
    const { id, type } = taken;
    const current = this.#own(id);
    checkRev(taken, current);
    checkWritable(type, id);
    if (current) checkWritable(current._type, id);
    const document = toStored(taken, this.#view.get(id), this.#view.lastKept(id, type));
    this.#set(id, document, taken);
    return handOut({ document, taken }) as Document;
  }

  #set(id: string, document: Document | undefined, taken: TakenDocument | undefined): void {
    const seenSeq = this.#view.stored(id)?.seq ?? 0;
    this.#writes.set(id, { seenSeq, document, taken, number: ++this.#written });
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
    const overlay = new Map([...this.#writes].map(([id, write]) => [id, handOut(write)]));
    return new OverlaySource(this.#view, overlay);
  }
}

/** A copy, when the document holds a date or bytes: what a caller does to these must not be written. */
function handOut({ document, taken }: Pick<Write, 'document' | 'taken'>): Document | undefined {
  return document && taken?.shareable === false ? (takeValue(document) as Document) : document;
}

function checkUnchanged(id: string, seq: number, seenSeq: number): void {
  if (seq === seenSeq) return;
  throw new JdbxError(
    'CONFLICT',
    `expected ${id} as it was at commit ${seenSeq}, it changed at ${seq}`,
    { details: { id, seenSeq, seq } },
  );
}
