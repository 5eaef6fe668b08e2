import type { Document } from '../base/document.js';
import {
  AUDIT_START,
  type AuditDocument,
  type AuditHead,
  type AuditVerdict,
  verifyChain,
} from '../history/audit-chain.js';
import type { Filter } from './contract.js';
import type { Cursor } from './cursor.js';
import type { Database } from './database.js';
import type { View } from './view.js';

/** The audit trail: documents of type `audit`, in one hash chain. */
export class AuditTrail {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Audit documents that match, in the order of the chain. */
  query(filter: Filter = {}): Cursor<AuditDocument> {
    return this.#database
      .query<AuditDocument>({ $and: [{ _type: 'audit' }, filter] })
      .sort({ _id: 1 });
  }

  /** Everything that was remembered about one run, oldest first. */
  async ofRun(run: string): Promise<AuditDocument[]> {
    return this.query({ run }).toArray();
  }

  /** Walks the whole chain; the verdict names the first broken link. */
  async verify(): Promise<AuditVerdict> {
    const view = this.#database.view();
    try {
      return verifyAudit(view);
    } finally {
      view.close();
    }
  }
}

/** Checks the chain as one view shows it. */
export function verifyAudit(view: View): AuditVerdict {
  const head = (view.engine.named('audit') as AuditHead | undefined) ?? AUDIT_START;
  return verifyChain(auditDocuments(view), head);
}

/** What is verified is what is stored, so not through the cache. */
function* auditDocuments(view: View): Generator<Document> {
  for (const id of view.idsOf('audit')) {
    const stored = view.engine.get(id);
    if (stored) yield stored.document;
  }
}
