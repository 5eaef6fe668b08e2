import type { Document } from '../base/document.js';
import { encodeKey, prefixEnd } from '../base/key-bytes.js';
import type { IndexKind, KeyRange } from '../indexes/contract.js';
import { readIndexDocument } from '../query/index-definition.js';
import type { EngineSnapshot, StoredDocument } from '../storage/contract.js';
import { Catalog } from './catalog.js';
import { catchUp, type KeysOf, typeKeys } from './catch-up.js';
import { definitionKey, TYPE_INDEX_KEY } from './definition-key.js';
import type { IndexSaves, SavedIndex, SaveLabel } from './index-saves.js';
import { IndexSet } from './index-set.js';
import { readTail, type TailChange } from './index-tail.js';
import { keysIn, type LiveIndex } from './live-index.js';
import { Refs } from './refs.js';

/** A store's indexes as of one snapshot, and what of its documents opening needs. */
export interface OpenedIndexes {
  readonly indexes: IndexSet;
  readonly refs: Refs;
  /** Documents that define something: indexes, aliases, schemas, versioning. */
  readonly definitions: readonly Document[];
  /** The commit of the round that was opened; `undefined` when all was read from the documents. */
  readonly savedSeq: number | undefined;
  /** Documents changed since that commit, or read, that no save shows. */
  readonly unsaved: number;
}

/** A tail up to this is always shorter work than reading the documents. */
const TAIL_MIN = 20_000;
/** Beyond this share of the documents, a tail is not. */
const TAIL_SHARE = 0.5;
const SCAN_BATCH = 256;

/**
 * Opens the saved indexes and brings them up to the snapshot by the change log. What is
 * not saved, or cannot be trusted, is built from the documents: that costs time alone.
 */
export function openIndexes(
  snapshot: EngineSnapshot,
  { create }: IndexKind,
  saves: IndexSaves | undefined,
): OpenedIndexes {
  saves?.clear();
  const round = saves && openRound(snapshot, saves);
  if (!saves || !round) return buildAll(snapshot, new IndexSet(create));
  const { type, tail } = round;
  const indexes = new IndexSet(create, type.index);
  catchUp(saves.files, type, tail, snapshot.seq, typeKeys);
  const refs = new Refs();
  const runs = saves.files.runs(type.index, snapshot.seq);
  refs.load(runs, type.index.stats().live, nextRefOf(snapshot));
  const definitions = readDefinitions(snapshot, indexes, refs);
  const missing = new Set<LiveIndex>();
  for (const [id, definition] of indexDefinitions(definitions)) {
    const saved = openSaved(saves, type.label, definitionKey(definition));
    const live = indexes.add(id, definition, snapshot.seq, saved);
    if (saved) catchUp(saves.files, saved, tail, snapshot.seq, keysFor(live));
    else missing.add(live);
  }
  const built = fill(snapshot, indexes, refs, missing);
  return { indexes, refs, definitions, savedSeq: type.label.seq, unsaved: tail.length + built };
}

function keysFor(live: LiveIndex): KeysOf {
  return (document) => (document._type === live.definition.type ? keysIn(live, document) : []);
}

interface Round {
  readonly type: SavedIndex;
  readonly tail: readonly TailChange[];
}

/** The newest round of this very history, not newer than the snapshot, that the log reaches back to. */
function openRound(snapshot: EngineSnapshot, saves: IndexSaves): Round | undefined {
  for (const seq of saves.rounds()) {
    if (seq > snapshot.seq) continue;
    const label = saves.label(seq, TYPE_INDEX_KEY);
    if (!label || label.seq < snapshot.logStart()) continue;
    const index = saves.open(seq, TYPE_INDEX_KEY);
    if (!index) continue;
    const max = Math.max(TAIL_MIN, index.stats().live * TAIL_SHARE);
    const tail = readTail(snapshot, label, max);
    if (tail) return { type: { index, label }, tail };
    index.close();
  }
  return undefined;
}

function openSaved(saves: IndexSaves, of: SaveLabel, definition: string): SavedIndex | undefined {
  const label = saves.label(of.seq, definition);
  if (label?.mark !== of.mark) return undefined;
  const index = saves.open(of.seq, definition);
  return index && { index, label };
}

function buildAll(snapshot: EngineSnapshot, indexes: IndexSet): OpenedIndexes {
  const refs = new Refs();
  const definitions: Document[] = [];
  let documents = 0;
  for (const { ref, document } of snapshot.documents()) {
    documents++;
    refs.set(ref, document._id);
    indexes.enterType(ref, document, snapshot.seq);
    if (isDefinition(document)) definitions.push(document);
  }
  const missing = new Set<LiveIndex>();
  for (const [id, definition] of indexDefinitions(definitions)) {
    missing.add(indexes.add(id, definition, snapshot.seq));
  }
  fill(snapshot, indexes, refs, missing);
  return { indexes, refs, definitions, savedSeq: undefined, unsaved: documents };
}

/** Reads what documents there are of their types into the indexes that are empty. Returns how many. */
function fill(
  snapshot: EngineSnapshot,
  indexes: IndexSet,
  refs: Refs,
  missing: ReadonlySet<LiveIndex>,
): number {
  if (missing.size === 0) return 0;
  const types = new Set([...missing].map(({ definition }) => definition.type));
  const wanted = [...types].reduce((sum, type) => sum + countOf(snapshot, indexes, type), 0);
  // One by one costs three times what reading in order does.
  const few = wanted * 3 < indexes.typeIndex.stats().live;
  const documents = few
    ? [...types].flatMap((type) => [...storedOf(snapshot, indexes, refs, type)])
    : snapshot.documents();
  for (const { ref, document } of documents) indexes.enter(ref, document, snapshot.seq, missing);
  return wanted;
}

function readDefinitions(snapshot: EngineSnapshot, indexes: IndexSet, refs: Refs): Document[] {
  return ['index', ...Catalog.TYPES].flatMap((type) =>
    [...storedOf(snapshot, indexes, refs, type)].map(({ document }) => document),
  );
}

function countOf(snapshot: EngineSnapshot, { typeIndex }: IndexSet, type: string): number {
  return typeIndex.count(rangeOf(type), snapshot.seq);
}

/** The documents of one type, by the index over `(_type, _id)`. */
function* storedOf(
  snapshot: EngineSnapshot,
  { typeIndex }: IndexSet,
  refs: Refs,
  type: string,
): Generator<StoredDocument, void> {
  const cursor = typeIndex.scan(rangeOf(type), snapshot.seq);
  const batch = { refs: new Uint32Array(SCAN_BATCH) };
  for (let count = cursor.next(batch); count > 0; count = cursor.next(batch)) {
    for (const ref of batch.refs.subarray(0, count)) {
      const id = refs.idOf(ref);
      const stored = id === undefined ? undefined : snapshot.get(id);
      if (stored) yield stored;
    }
  }
}

function rangeOf(type: string): KeyRange {
  const lower = encodeKey([type]);
  return { lower, upper: prefixEnd(lower) };
}

function isDefinition({ _type }: Document): boolean {
  return _type === 'index' || Catalog.defines(_type);
}

function indexDefinitions(definitions: readonly Document[]) {
  return definitions
    .filter(({ _type }) => _type === 'index')
    .map((document) => [document._id, readIndexDocument(document)] as const);
}

export function nextRefOf(snapshot: EngineSnapshot): number {
  return (snapshot.named('nextRef') as number | undefined) ?? 1;
}
