import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { type AuditEntry, type AuditHead, sealAudit } from '../history/audit-chain.js';
import { isShareable } from '../storage/codec.js';
import type { Change, StoredDocument } from '../storage/contract.js';
import { Catalog } from './catalog.js';
import type { TakenDocument } from './take-document.js';

/** What a draft stands on: the store after every commit before it, published or not. */
export interface DraftBase {
  readonly seq: number;
  readonly at: number;
  readonly catalog: Catalog;
  readonly auditHead: AuditHead;
  stored(id: string): StoredDocument | undefined;
  /** The newest revision kept of a document that is gone. */
  lastRevision(id: string): number;
  newRef(): number;
}

/** One document that a draft changes. */
export interface DraftChange {
  readonly ref: number;
  readonly before: StoredDocument | undefined;
  readonly after: StoredDocument | undefined;
}

/**
 * One commit in the making. A plan reads and writes it, synchronously, while no
 * other plan runs, so what it reads cannot change before it is committed.
 */
export class Draft {
  readonly seq: number;
  readonly at: number;
  readonly #base: DraftBase;
  readonly #changes = new Map<string, DraftChange>();
  #auditHead: AuditHead;

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

  /** @throws {JdbxError} DUPLICATE_ID, PROTECTED_TYPE */
  insert(taken: TakenDocument): Document {
    if (this.stored(taken.id)) {
      throw new JdbxError('DUPLICATE_ID', `expected no document ${taken.id} yet`, {
        operation: 'insert',
        details: { id: taken.id },
      });
    }
    return this.put(taken);
  }

  /** @throws {JdbxError} CONFLICT when the document names another revision than the current one; PROTECTED_TYPE */
  put(taken: TakenDocument): Document {
    const current = this.stored(taken.id);
    if (taken.rev !== undefined) checkRev(taken.id, taken.rev, current?.document);
    checkWritable(taken.type, taken.id);
    if (current) checkWritable(current.document._type, taken.id);
    return this.#write(taken, current);
  }

  /** @throws {JdbxError} PROTECTED_TYPE */
  remove(id: string): Document | undefined {
    const current = this.stored(id);
    if (!current) return undefined;
    checkWritable(current.document._type, id);
    this.#set(id, undefined);
    return current.document;
  }

  /** Adds a document to the audit trail. `entry` must be a frozen value. */
  audit(entry: AuditEntry): Document {
    const document = sealAudit(this.#auditHead, entry, this.at);
    this.#auditHead = { n: document.n, hash: document.hash };
    this.#set(document._id, document);
    return document;
  }

  get auditHead(): AuditHead {
    return this.#auditHead;
  }

  get changes(): readonly DraftChange[] {
    // A document that was made and removed in one commit leaves no trace.
    return [...this.#changes.values()].filter(({ before, after }) => before || after);
  }

  /** Definitions that this draft puts or removes: they change the catalog or the indexes. */
  get definitions(): readonly DraftChange[] {
    return this.changes.filter(({ before, after }) => isDefinition(before) || isDefinition(after));
  }

  /** The change-log form, for a catalog that includes this draft's own definitions. */
  logChanges(catalog: Catalog): Change[] {
    return this.changes.map(({ ref, before, after }) =>
      after
        ? {
            kind: 'put',
            ref,
            document: after.document,
            versioned: catalog.isVersioned(after.document._type),
          }
        : removal(ref, before as StoredDocument),
    );
  }

  #write(taken: TakenDocument, current: StoredDocument | undefined): Document {
    const own = this.#changes.get(taken.id);
    const before = own ? own.before : current;
    // A definition that comes back after its removal goes on where its history ended.
    const versioned = this.#base.catalog.isVersioned(taken.type);
    const _rev = before?.document._rev ?? (versioned ? this.#base.lastRevision(taken.id) : 0);
    const document: Document = Object.freeze({
      _id: taken.id,
      _type: taken.type,
      _rev: _rev + 1,
      ...taken.fields,
    });
    this.#set(taken.id, document, taken.bytes);
    return document;
  }

  #set(id: string, document: Document | undefined, bytes = 500): void {
    const before = this.#changes.has(id) ? this.#changes.get(id)?.before : this.#base.stored(id);
    const ref = this.#changes.get(id)?.ref ?? before?.ref ?? this.#base.newRef();
    const after = document && {
      ref,
      seq: this.seq,
      document,
      bytes,
      shareable: isShareable(document),
    };
    this.#changes.set(id, { ref, before, after });
  }
}

function isDefinition(stored: StoredDocument | undefined): boolean {
  const type = stored?.document._type;
  return type !== undefined && (type === 'index' || Catalog.defines(type));
}

function removal(ref: number, { document }: StoredDocument): Change {
  return { kind: 'remove', ref, id: document._id, type: document._type, rev: document._rev };
}

function checkRev(id: string, rev: number, current: Document | undefined): void {
  if (current?._rev === rev) return;
  const found = current ? `revision ${current._rev}` : 'no document';
  throw new JdbxError('CONFLICT', `expected revision ${rev} of ${id}, found ${found}`, {
    details: { id, expected: rev, found: current?._rev ?? null },
  });
}

/** The audit trail grows by `audit` alone. */
function checkWritable(type: string, id: string): void {
  if (type !== 'audit') return;
  throw new JdbxError('PROTECTED_TYPE', `expected a document that may be written, got ${id}`, {
    details: { id, type },
  });
}
