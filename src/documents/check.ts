import { compareKeys, encodeKey } from '../base/key-bytes.js';
import { compareValues } from '../base/order.js';
import type { OrderedIndex } from '../indexes/contract.js';
import { indexKeys } from '../query/index-keys.js';
import type { StoredDocument } from '../storage/contract.js';
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
 * documents, kept revisions and the change log against current ones, and the audit chain.
 */
export function checkView(view: View): CheckReport {
  const problems: string[] = [];
  const expected = expectIndexes(view);
  const log = readLog(view, problems);
  let documents = 0;
  let definitions = 0;
  for (const stored of view.engine.documents()) {
    documents++;
    if (stored.document._type === 'index') definitions++;
    expectKeys(expected, view, stored);
    problems.push(...faultsOf(view, stored, log.newest.get(stored.document._id)));
    log.newest.delete(stored.document._id);
  }
  for (const [id, change] of log.newest) {
    if (change.rev !== undefined) problems.push(`${id}: put by commit ${change.seq}, not stored`);
  }
  const indexes = expected.size - 1;
  if (indexes !== definitions) {
    problems.push(`${indexes} indexes for ${definitions} index documents`);
  }
  let indexEntries = 0;
  for (const index of expected.values()) indexEntries += compareIndex(index, view.seq, problems);
  const audit = verifyAudit(view);
  if (audit.broken) problems.push(`${audit.broken.id}: ${audit.broken.reason}`);
  return {
    ok: problems.length === 0,
    seq: view.seq,
    documents,
    indexes,
    indexEntries,
    logRecords: log.records,
    auditDocuments: audit.verified,
    problems: problems.slice(0, PROBLEMS_MAX),
  };
}

interface ExpectedIndex {
  readonly name: string;
  readonly index: OrderedIndex;
  readonly entries: { readonly key: Uint8Array; readonly ref: number }[];
}

type Expected = Map<OrderedIndex, ExpectedIndex>;

function expectIndexes(view: View): Expected {
  const { typeIndex } = view;
  const expected: Expected = new Map();
  expected.set(typeIndex, { name: 'the type index', index: typeIndex, entries: [] });
  for (const { definition, index } of view.allIndexes()) {
    expected.set(index, { name: definition.name, index, entries: [] });
  }
  return expected;
}

function expectKeys(expected: Expected, view: View, { ref, document }: StoredDocument): void {
  const key = encodeKey([document._type, document._id]);
  expected.get(view.typeIndex)?.entries.push({ key, ref });
  for (const { definition, index } of view.indexesOf(document._type)) {
    const entries = expected.get(index)?.entries;
    for (const each of indexKeys(definition, document).keys) entries?.push({ key: each, ref });
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

/** The last that the log says of a document; no revision where it was removed. */
interface LoggedChange {
  readonly seq: number;
  readonly rev: number | undefined;
}

function faultsOf(view: View, stored: StoredDocument, logged: LoggedChange | undefined): string[] {
  const { ref, seq, document } = stored;
  const faults: string[] = [];
  const fault = (text: string) => faults.push(`${document._id}: ${text}`);
  if (seq > view.seq) fault(`written by commit ${seq}, after ${view.seq}`);
  if (view.idOf(ref) !== document._id) fault(`ref ${ref} stands for ${view.idOf(ref)}`);
  if (logged && (logged.seq !== seq || logged.rev !== document._rev)) {
    fault(`revision ${document._rev} of commit ${seq}, the change log says otherwise`);
  }
  const kept = view.engine.revision(document._id, document._rev);
  if (kept && kept.seq === seq && compareValues(kept.document, document) !== 0) {
    fault(`revision ${document._rev} differs from the one in its history`);
  }
  const last = view.engine.revision(document._id, view.engine.lastRevision(document._id));
  if (last && last.seq > seq) fault(`written by commit ${seq}, its history goes on after it`);
  return faults;
}

function readLog(
  view: View,
  problems: string[],
): { readonly records: number; readonly newest: Map<string, LoggedChange> } {
  const newest = new Map<string, LoggedChange>();
  let next = view.engine.logStart();
  let records = 0;
  for (const { seq, changes } of view.engine.log(next - 1)) {
    if (seq !== next) problems.push(`the change log goes from ${next - 1} to ${seq}`);
    for (const change of changes) {
      if (change.kind === 'remove') newest.set(change.id, { seq, rev: undefined });
      else if (change.kind === 'put')
        newest.set(change.document._id, { seq, rev: change.document._rev });
    }
    next = seq + 1;
    records++;
  }
  if (next !== view.seq + 1) {
    problems.push(`the change log ends at ${next - 1}, not at ${view.seq}`);
  }
  return { records, newest };
}
