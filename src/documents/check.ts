import type { Document } from '../base/document.js';
import { compareKeys, encodeKey } from '../base/key-bytes.js';
import type { OrderedIndex } from '../indexes/contract.js';
import { indexKeys } from '../query/index-keys.js';
import { verifyAudit } from './audit-trail.js';
import type { View } from './view.js';

export interface CheckReport {
  readonly ok: boolean;
  /** The commit that was checked. */
  readonly seq: number;
  readonly documents: number;
  readonly indexes: number;
  readonly indexEntries: number;
  readonly logRecords: number;
  readonly auditDocuments: number;
  /** One sentence for each thing that is wrong, at most 100. */
  readonly problems: readonly string[];
}

const PROBLEMS_MAX = 100;

/**
 * Checks one view of the store against itself: every index against a full scan of the
 * documents, kept revisions against current ones, the change log for gaps, and the audit chain.
 */
export function checkView(view: View): CheckReport {
  const problems: string[] = [];
  const expected = new Map<OrderedIndex, ExpectedIndex>();
  expect(expected, view.typeIndex, 'the type index');
  let documents = 0;
  for (const { ref, document, seq } of view.engine.documents()) {
    documents++;
    if (seq > view.seq) problems.push(`${document._id} is of commit ${seq}, after ${view.seq}`);
    expectKeys(expected, view, document, ref);
    if (document._type === 'index') expectIndexes(expected, view, String(document.type));
    checkRevisions(view, document, problems);
  }
  let indexEntries = 0;
  for (const index of expected.values()) indexEntries += compareIndex(index, view.seq, problems);
  const logRecords = checkLog(view, problems);
  const audit = verifyAudit(view);
  if (audit.broken) problems.push(`${audit.broken.id}: ${audit.broken.reason}`);
  return {
    ok: problems.length === 0,
    seq: view.seq,
    documents,
    indexes: expected.size - 1,
    indexEntries,
    logRecords,
    auditDocuments: audit.verified,
    problems: problems.slice(0, PROBLEMS_MAX),
  };
}

interface ExpectedIndex {
  readonly name: string;
  readonly index: OrderedIndex;
  readonly entries: { readonly key: Uint8Array; readonly ref: number }[];
}

function expect(
  expected: Map<OrderedIndex, ExpectedIndex>,
  index: OrderedIndex,
  name: string,
): ExpectedIndex {
  const known = expected.get(index) ?? { name, index, entries: [] };
  expected.set(index, known);
  return known;
}

/** Also those of a type that has no documents: they must be empty. */
function expectIndexes(expected: Map<OrderedIndex, ExpectedIndex>, view: View, type: string): void {
  for (const { definition, index } of view.indexesOf(type)) {
    expect(expected, index, definition.name);
  }
}

function expectKeys(
  expected: Map<OrderedIndex, ExpectedIndex>,
  view: View,
  document: Document,
  ref: number,
): void {
  const key = encodeKey([document._type, document._id]);
  expect(expected, view.typeIndex, '').entries.push({ key, ref });
  for (const { definition, index } of view.indexesOf(document._type)) {
    const { entries } = expect(expected, index, definition.name);
    for (const each of indexKeys(definition, document).keys) entries.push({ key: each, ref });
  }
}

function compareIndex(expected: ExpectedIndex, seq: number, problems: string[]): number {
  const { name, index, entries } = expected;
  entries.sort((left, right) => compareKeys(left.key, right.key) || left.ref - right.ref);
  const batch = { refs: new Uint32Array(256), keys: [] as Uint8Array[] };
  const cursor = index.scan({}, seq);
  let at = 0;
  for (let count = cursor.next(batch); count > 0; count = cursor.next(batch)) {
    for (let each = 0; each < count; each++, at++) {
      const wanted = entries[at];
      const key = batch.keys[each] as Uint8Array;
      if (wanted && wanted.ref === batch.refs[each] && compareKeys(wanted.key, key) === 0) continue;
      problems.push(`${name}: entry ${at} differs from a full scan`);
      cursor.close();
      return at;
    }
  }
  if (at !== entries.length)
    problems.push(`${name}: ${at} entries, a full scan gives ${entries.length}`);
  return at;
}

function checkRevisions(view: View, document: Document, problems: string[]): void {
  let newest: Document | undefined;
  for (const revision of view.engine.revisions(document._id)) newest = revision.document;
  if (newest && newest._rev !== document._rev) {
    problems.push(`${document._id}: revision ${document._rev}, its history ends at ${newest._rev}`);
  }
}

function checkLog(view: View, problems: string[]): number {
  let next = view.engine.logStart();
  let records = 0;
  for (const { seq } of view.engine.log(next - 1)) {
    if (seq !== next) problems.push(`the change log goes from ${next - 1} to ${seq}`);
    next = seq + 1;
    records++;
  }
  if (next !== view.seq + 1)
    problems.push(`the change log ends at ${next - 1}, not at ${view.seq}`);
  return records;
}
