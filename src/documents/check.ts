import { setImmediate } from 'node:timers/promises';
import type { Document } from '../base/document.js';
import { verifyAudit } from './audit-trail.js';
import { checkDocument, checkRevisions, readLog } from './check-history.js';
import { IndexChecks } from './check-indexes.js';
import type { IndexSaves } from './index-saves.js';
import type { View } from './view.js';

export interface CheckReport {
  readonly ok: boolean;
  /** The commit that was checked. */
  readonly seq: number;
  readonly documents: number;
  /** Kept revisions, also of removed documents. */
  readonly revisions: number;
  readonly indexes: number;
  readonly indexEntries: number;
  /** Files of saved indexes that are whole; 0 where none are saved. */
  readonly savedIndexes: number;
  readonly logRecords: number;
  readonly auditDocuments: number;
  /** One sentence for each thing that is wrong, at most 100. */
  readonly problems: readonly string[];
}

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Says what is wrong with a document by rules of its type, such as a content hash in its id. */
export type ContentCheck = (document: Document) => string | undefined;

const PROBLEMS_MAX = 100;
/** Others get their turn after so many milliseconds. */
const TURN_MS = 10;

/**
 * Checks one view of the store against itself: every index against a full scan of the
 * documents, the saved indexes, unique keys, refs, kept revisions and the change log against current documents,
 * content hashes, and the audit chain.
 */
export async function checkView(
  view: View,
  contentFault: ContentCheck,
  { signal }: CheckOptions = {},
  saves?: IndexSaves,
): Promise<CheckReport> {
  const problems: string[] = [];
  const tell = (problem: string) => {
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
  };
  const log = readLog(view, tell);
  const indexes = new IndexChecks(view);
  let documents = 0;
  let definitions = 0;
  for await (const stored of inTurns(view.engine.documents(), signal)) {
    const { document } = stored;
    documents++;
    if (document._type === 'index') definitions++;
    indexes.expect(stored);
    checkDocument(view, stored, log.newest.get(document._id), tell);
    log.newest.delete(document._id);
    const fault = contentFault(document);
    if (fault !== undefined) tell(`${document._id}: ${fault}`);
  }
  for (const [id, change] of log.newest) {
    if (change.rev !== undefined) tell(`${id}: put by commit ${change.seq}, not stored`);
  }
  if (indexes.count !== definitions) {
    tell(`${indexes.count} indexes for ${definitions} index documents`);
  }
  let revisions = 0;
  for await (const id of inTurns(view.engine.revisedIds(), signal)) {
    revisions += checkRevisions(view, id, tell);
  }
  let indexEntries = 0;
  for await (const entries of inTurns(indexes.entries(tell), signal)) indexEntries += entries;
  let savedIndexes = 0;
  const saved = saves ? indexes.saved(saves, tell) : [];
  for await (const whole of inTurns(saved, signal)) savedIndexes += whole;
  const audit = verifyAudit(view);
  if (audit.broken) tell(`${audit.broken.id}: ${audit.broken.reason}`);
  return {
    ok: problems.length === 0,
    ...{ seq: view.seq, documents, revisions, indexes: indexes.count, indexEntries },
    ...{ savedIndexes, logRecords: log.records, auditDocuments: audit.verified, problems },
  };
}

async function* inTurns<T>(items: Iterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  let since = performance.now();
  for (const item of items) {
    yield item;
    if (performance.now() - since < TURN_MS) continue;
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  }
}
