import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { roomyObject } from '../base/roomy-object.js';
import type { Value } from '../base/values.js';
import { isAuditId } from '../history/audit-chain.js';
import type { TakenDocument } from './take-document.js';

/** What every write keeps to, in a draft of the write road and in a transaction alike. */

/** @throws {JdbxError} DUPLICATE_ID */
export function checkAbsent(id: string, current: Document | undefined): void {
  if (!current) return;
  throw new JdbxError('DUPLICATE_ID', `expected no document ${id} yet`, {
    operation: 'insert',
    details: { id },
  });
}

/**
 * A lost update is refused: who names a revision must name the current one.
 *
 * @throws {JdbxError} CONFLICT
 */
export function checkRev({ id, rev }: TakenDocument, current: Document | undefined): void {
  if (rev === undefined || current?._rev === rev) return;
  const found = current ? `revision ${current._rev}` : 'no document';
  throw new JdbxError('CONFLICT', `expected revision ${rev} of ${id}, found ${found}`, {
    details: { id, expected: rev, found: current?._rev ?? null },
  });
}

/**
 * The audit trail grows by `audit` alone, and has the ids of its documents to itself, also those
 * that are still to come.
 *
 * @throws {JdbxError} PROTECTED_TYPE
 */
export function checkWritable(type: string, id: string): void {
  if (type !== 'audit' && !isAuditId(id)) return;
  throw new JdbxError('PROTECTED_TYPE', `expected a document that may be written, got ${id}`, {
    details: { id, type },
  });
}

/**
 * The document as it will be stored. A commit counts one revision on from what was stored
 * before it, and never gives the number of a revision that is still kept, also when the
 * document was removed meanwhile.
 */
export function toStored(
  { id, type, fields }: TakenDocument,
  before: Document | undefined,
  lastKept: number,
): Document {
  const _rev = Math.max(before?._rev ?? 0, lastKept) + 1;
  const names = Object.keys(fields);
  const document = roomyObject<Value>(names.length + LEADING) as MutableDocument;
  document._id = id;
  document._type = type;
  document._rev = _rev;
  for (const name of names) if (name !== '_rev') document[name] = fields[name] as Value;
  return Object.freeze(document);
}

/** `_id`, `_type` and `_rev`, with which every document begins. */
const LEADING = 3;
type MutableDocument = { -readonly [K in keyof Document]: Document[K] };
