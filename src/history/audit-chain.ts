import { contentHash } from '../base/canonical.js';
import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isoTime } from '../base/iso-time.js';
import { roomyObject } from '../base/roomy-object.js';
import type { Value, ValueObject } from '../base/values.js';

/**
 * The audit trail is one chain for the whole store: document `n` holds the hash
 * of document `n - 1`, and its own hash over everything else that it says. The
 * newest number and hash are kept beside the chain, in the same commit, so a
 * chain that was cut at its end is noticed too.
 */
export interface AuditHead {
  /** How many audit documents there are; the newest has this number. */
  readonly n: number;
  readonly hash: string;
}

/** What the first document names as its predecessor. */
export const AUDIT_START: AuditHead = { n: 0, hash: '0'.repeat(64) };

export interface AuditDocument extends Document {
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly kind: string;
  readonly prev: string;
  readonly hash: string;
}

/** What a caller wants remembered: `kind` and whatever facts belong to it. */
export type AuditEntry = { readonly kind: string } & ValueObject;

/** Sixteen digits: ids in byte order are in the order of the chain. */
export function auditId(n: number): string {
  return `audit:${String(n).padStart(16, '0')}`;
}

/**
 * Stands for the documents that retention took from the start of the chain, under the id of
 * the last of them. Its hash is sealed by the newest document of kind `audit-trim`, which is
 * appended in the same commit.
 */
export interface AuditSummary extends AuditDocument {
  readonly kind: 'summary';
  /** How many documents it stands for: 1 to `n`. */
  readonly removed: number;
  /** ISO 8601, UTC: of the first and the last of them. */
  readonly first_at: string;
  readonly last_at: string;
  /** How many there were of each kind. */
  readonly kinds: { readonly [kind: string]: number };
  /** The hash of document `n`, which the next one names. */
  readonly link: string;
}

/**
 * The summary of documents that follow on each other from the start of the chain. When the
 * first of them is itself a summary, the new one stands for what that stood for, too.
 */
export function summarize(documents: readonly Document[], atMs: number): AuditSummary {
  const first = documents[0] as AuditDocument;
  const last = documents.at(-1) as AuditDocument;
  const before = first.kind === 'summary' ? (first as AuditSummary) : undefined;
  const kinds: Record<string, number> = { ...before?.kinds };
  for (const { kind } of (before ? documents.slice(1) : documents) as AuditDocument[]) {
    kinds[kind] = (Object.hasOwn(kinds, kind) ? (kinds[kind] as number) : 0) + 1;
  }
  const body = {
    ...{ _id: last._id, _type: 'audit', _rev: last._rev + 1, n: last.n },
    ...{ at: isoTime(atMs), kind: 'summary' as const, removed: last.n },
    ...{ first_at: before?.first_at ?? first.at, last_at: last.at, kinds: Object.freeze(kinds) },
    link: last.hash,
    prev: before?.hash ?? AUDIT_START.hash,
  };
  return Object.freeze({ ...body, hash: contentHash(body) });
}

/** Fields that the chain gives. */
const SEALED = ['_id', '_type', '_rev', 'n', 'at', 'prev', 'hash'];

/**
 * The next document of the chain. `entry` must already be a frozen value.
 *
 * @throws {JdbxError} INVALID_DOCUMENT for an entry with a field that the chain gives itself
 */
export function sealAudit(head: AuditHead, entry: AuditEntry, atMs: number): AuditDocument {
  const taken = SEALED.find((field) => Object.hasOwn(entry, field));
  if (taken) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected a field that the audit trail leaves free', {
      path: taken,
    });
  }
  const n = head.n + 1;
  const names = Object.keys(entry);
  const body = roomyObject<Value>(names.length + SEALED.length);
  body._id = auditId(n);
  body._type = 'audit';
  body._rev = 1;
  body.n = n;
  body.at = isoTime(atMs);
  for (const name of names) body[name] = entry[name] as Value;
  body.prev = head.hash;
  body.hash = contentHash(body);
  return Object.freeze(body) as AuditDocument;
}

export interface AuditVerdict {
  readonly ok: boolean;
  /** Documents that were found sound before the end or the first break. */
  readonly verified: number;
  /** The first broken link, when there is one. */
  readonly broken?: { readonly n: number; readonly id: string; readonly reason: string };
}

/** Walks the chain. `documents` come in order of their number. */
export function verifyChain(documents: Iterable<Document>, head: AuditHead): AuditVerdict {
  let link = AUDIT_START;
  let verified = 0;
  let summary: AuditSummary | undefined;
  let sealed: unknown;
  for (const each of documents) {
    const document = each as AuditDocument;
    const isSummary = verified === 0 && document.kind === 'summary';
    const expected = isSummary ? document.n : link.n + 1;
    const reason = isSummary ? summaryFault(document) : faultOf(document, link);
    if (reason) return broken(verified, expected, reason);
    if (isSummary) summary = document as AuditSummary;
    if (document.kind === 'audit-trim') sealed = document.summary;
    link = { n: expected, hash: summary === document ? summary.link : document.hash };
    verified++;
  }
  if (link.n !== head.n || link.hash !== head.hash) {
    return broken(
      verified,
      link.n + 1,
      `expected ${head.n} documents, the chain ends at ${link.n}`,
    );
  }
  if (summary && sealed !== summary.hash) {
    return broken(0, summary.n, 'the chain does not hold the seal of this summary');
  }
  return { ok: true, verified };
}

function summaryFault({ hash, ...body }: AuditDocument): string | undefined {
  if (body._id !== auditId(body.n)) return `expected ${auditId(body.n)}, found ${body._id}`;
  if (contentHash(body) !== hash) return 'its content does not match its own hash';
  return undefined;
}

function faultOf(document: AuditDocument, link: AuditHead): string | undefined {
  const n = link.n + 1;
  if (document.n !== n || document._id !== auditId(n)) {
    return `expected ${auditId(n)}, found ${document._id}`;
  }
  if (document.prev !== link.hash) return 'it does not name the hash of the document before it';
  const { hash, ...body } = document;
  if (contentHash(body) !== hash) return 'its content does not match its own hash';
  return undefined;
}

function broken(verified: number, n: number, reason: string): AuditVerdict {
  return { ok: false, verified, broken: { n, id: auditId(n), reason } };
}
