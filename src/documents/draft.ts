import type { Document } from '../base/document.js';
import { takeMadeValue } from '../base/values.js';
import {
  type AuditEntry,
  type AuditHead,
  auditId,
  sealAudit,
  summarize,
} from '../history/audit-chain.js';
import type { Horizon } from '../history/past-state.js';
import type { Change, ForgetChange, StoredDocument } from '../storage/contract.js';
import { Catalog } from './catalog.js';
import type { TakenDocument } from './take-document.js';
import { checkAbsent, checkRev, checkWritable, toStored } from './write-rules.js';

/** What a draft stands on: the store after every commit before it, published or not. */
export interface DraftBase {
  readonly seq: number;
  readonly at: number;
  readonly auditHead: AuditHead;
  stored(id: string): StoredDocument | undefined;
  /** The number of the newest kept revision, for a type that keeps them; else 0. */
  lastKept(id: string, type: string): number;
  newRef(): number;
}

/** One document that a draft changes. */
export interface DraftChange {
  readonly ref: number;
  readonly before: StoredDocument | undefined;
  readonly after: StoredDocument | undefined;
}

/** Kept revisions that go, and from which commit on the others of that type tell what was. */
export interface Forgetting {
  readonly change: ForgetChange;
  readonly type: string;
  readonly until: Horizon;
}

/**
 * One commit in the making. A plan reads and writes it, synchronously, while no
 * other plan runs, so what it reads cannot change before it is committed.
 */
export class Draft {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly #base: DraftBase;
  readonly #changes = new Map<string, DraftChange>();
  /** What `changes` gives, until there is another one. */
  #listed: readonly DraftChange[] | undefined;
  #auditHead: AuditHead;
  readonly #forgets: Forgetting[] = [];
  /** Drops records of the change log before this commit, some of them at least. */
  trimLogTo = 0;

  constructor(base: DraftBase) {
    this.seq = base.seq;
    this.at = base.at;
    this.#base = base;
    this.#auditHead = base.auditHead;
  }

  stored(id: string): StoredDocument | undefined {
    const change = this.#changes.get(id);
    return change ? change.after : this.#base.stored(id);
  }

  get(id: string): Document | undefined {
    return this.stored(id)?.document;
  }

  /** @throws {JdbxError} DUPLICATE_ID, CONFLICT when it names a revision, PROTECTED_TYPE */
  insert(taken: TakenDocument): Document {
    const slot = this.#slot(taken.id);
    checkAbsent(taken.id, slot.after?.document);
    return this.#put(taken, slot);
  }

  /** @throws {JdbxError} CONFLICT when the document names another revision than the current one; PROTECTED_TYPE */
  put(taken: TakenDocument): Document {
    return this.#put(taken, this.#slot(taken.id));
  }

  /** @throws {JdbxError} PROTECTED_TYPE */
  remove(id: string): Document | undefined {
    const slot = this.#slot(id);
    const current = slot.after?.document;
    if (!current) return undefined;
    checkWritable(current._type, id);
    this.#set(id, slot, undefined);
    return current;
  }

  /** Adds a document to the audit trail. @throws {JdbxError} INVALID_DOCUMENT */
  audit(entry: AuditEntry): Document {
    const { value, bytes, shareable } = takeMadeValue(entry);
    const document = sealAudit(this.#auditHead, value as AuditEntry, this.at);
    this.#auditHead = { n: document.n, hash: document.hash };
    const sized = { document, bytes: bytes + AUDIT_FIELDS_BYTES, shareable };
    this.#set(document._id, this.#slot(document._id), sized);
    return document;
  }

  /**
   * Takes documents `first` to `last` from the start of the chain and leaves a summary under
   * the id of the last, sealed by a document at the chain's end. Only retention does so.
   */
  trimAudit(first: number, last: number, reason: string): void {
    const ids = Array.from({ length: last - first + 1 }, (_, at) => auditId(first + at));
    const documents = ids.flatMap((id) => this.get(id) ?? []);
    if (documents.length !== ids.length || last >= this.#auditHead.n) return;
    const summary = summarize(documents, this.at);
    for (const id of ids.slice(0, -1)) this.#set(id, this.#slot(id), undefined);
    const sized = { document: summary, bytes: AUDIT_FIELDS_BYTES, shareable: true };
    this.#set(summary._id, this.#slot(summary._id), sized);
    this.audit({ kind: 'audit-trim', reason, through: last, summary: summary.hash });
  }

  /** Drops kept revisions. Only retention does so. */
  forget(forgetting: Forgetting): void {
    this.#forgets.push(forgetting);
  }

  get forgets(): readonly Forgetting[] {
    return this.#forgets;
  }

  get isEmpty(): boolean {
    return this.changes.length === 0 && this.#forgets.length === 0 && this.trimLogTo === 0;
  }

  get auditHead(): AuditHead {
    return this.#auditHead;
  }

  get changes(): readonly DraftChange[] {
    // A document that was made and removed in one commit leaves no trace.
    if (this.#listed) return this.#listed;
    const listed: DraftChange[] = [];
    for (const change of this.#changes.values()) {
      if (change.before || change.after) listed.push(change);
    }
    this.#listed = listed;
    return listed;
  }

  /** Definitions that this draft puts or removes: they change the catalog or the indexes. */
  get definitions(): readonly DraftChange[] {
    return this.changes.some(defines) ? this.changes.filter(defines) : NO_CHANGES;
  }

  /** The change-log form, for a catalog that includes this draft's own definitions. */
  logChanges(catalog: Catalog): Change[] {
    const changes = this.changes.map(
      ({ ref, before, after }): Change =>
        after
          ? {
              kind: 'put',
              ref,
              id: after.document._id,
              rev: after.document._rev,
              document: after.document,
              versioned: catalog.isVersioned(after.document._type),
              shareable: after.shareable,
            }
          : removal(ref, before as StoredDocument, catalog),
    );
    for (const { change } of this.#forgets) changes.push(change);
    return changes;
  }

  #put(taken: TakenDocument, slot: Slot): Document {
    const { id, type, bytes, shareable } = taken;
    const current = slot.after?.document;
    checkRev(taken, current);
    checkWritable(type, id);
    if (current) checkWritable(current._type, id);
    const lastKept = this.#base.lastKept(id, type);
    const document = toStored(taken, slot.before?.document, lastKept);
    this.#set(id, slot, { document, bytes, shareable });
    return document;
  }

  /** What was stored before this commit, and what this draft made of it. One look-up. */
  #slot(id: string): Slot {
    const own = this.#changes.get(id);
    if (own) return own;
    const before = this.#base.stored(id);
    return { ref: before?.ref, before, after: before };
  }

  #set(id: string, { ref = this.#base.newRef(), before }: Slot, sized: Sized | undefined): void {
    const after = sized && { ref, seq: this.seq, ...sized };
    this.#changes.set(id, { ref, before, after });
    this.#listed = undefined;
  }
}

/** A document before and after what a draft did so far. */
type Slot = Omit<DraftChange, 'ref'> & { readonly ref: number | undefined };
type Sized = Pick<StoredDocument, 'document' | 'bytes' | 'shareable'>;

/** What the chain adds to an entry: its number, the time, two hashes. */
const AUDIT_FIELDS_BYTES = 300;

const NO_CHANGES: readonly DraftChange[] = [];

function defines({ before, after }: DraftChange): boolean {
  return isDefinition(before) || isDefinition(after);
}

function isDefinition(stored: StoredDocument | undefined): boolean {
  const type = stored?.document._type;
  return type !== undefined && (type === 'index' || Catalog.defines(type));
}

function removal(ref: number, { document }: StoredDocument, catalog: Catalog): Change {
  const { _id: id, _type: type, _rev: rev } = document;
  const removed = { kind: 'remove', ref, id, type, rev } as const;
  return catalog.isVersioned(type) ? { ...removed, versioned: true } : removed;
}
