import type { Document, NewDocument } from '../base/document.js';
import { isJdbxError } from '../base/errors.js';
import { compileFilter } from '../query/filter.js';
import { expandTypes } from '../query/types.js';
import { checkedUpdate, type UpdateFacts, updated, upserted } from './apply-update.js';
import type {
  Filter,
  RemoveOptions,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from './contract.js';
import type { Draft } from './draft.js';
import { takeDocument } from './take-document.js';

/** What writes by filter need of the database. */
export interface Selection {
  /** Ids of documents that match, at most `limit` (0: all). */
  ids(filter: Filter, limit: number): string[];
  submit<T>(plan: (draft: Draft) => T): Promise<T>;
  check(document: NewDocument): void;
  typesOf(type: string): readonly string[];
  now(): number;
}

/** `many` is done in commits of this size. */
const COMMIT_DOCUMENTS = 5_000;
/** How often a single-document write looks again when what it found had changed by its turn. */
const LOOKS_MAX = 20;

export async function updateSelected(
  selection: Selection,
  target: Target,
  update: Update,
  options: UpdateOptions,
): Promise<UpdateResult> {
  const facts: UpdateFacts = { target, options, nowMs: selection.now() };
  checkedUpdate(update, facts);
  const change = (draft: Draft, document: Document): boolean => {
    const next = updated(document, update, facts);
    if (!next) return false;
    selection.check(next);
    draft.put(takeDocument(next));
    return true;
  };
  for (let look = 1; ; look++) {
    const { matched, changed } = await writeSelected(selection, target, options.many, change);
    if (matched > 0 || !options.upsert) return { matched, modified: changed };
    try {
      const made = takeDocument(upserted(target, update, facts));
      selection.check({ ...made.fields, _id: made.id, _type: made.type });
      await selection.submit((draft) => draft.insert(made));
      return { matched: 0, modified: 0, upserted: made.id };
    } catch (error) {
      // Someone else made it first: then there is a document to update.
      if (!isJdbxError(error, 'DUPLICATE_ID', 'DUPLICATE_KEY') || look === LOOKS_MAX) throw error;
    }
  }
}

export async function removeSelected(
  selection: Selection,
  target: Target,
  options: RemoveOptions,
): Promise<RemoveResult> {
  const remove = (draft: Draft, { _id }: Document): boolean => draft.remove(_id) !== undefined;
  const { changed } = await writeSelected(selection, target, options.many, remove);
  return { removed: changed };
}

type Write = (draft: Draft, document: Document) => boolean;

/** Finds documents in a snapshot, then writes each if it still matches when its turn has come. */
async function writeSelected(
  selection: Selection,
  target: Target,
  many: boolean | undefined,
  write: Write,
): Promise<{ matched: number; changed: number }> {
  const matches = matcher(selection, target);
  for (let look = 1; ; look++) {
    const ids = typeof target === 'string' ? [target] : selection.ids(target, many ? 0 : 1);
    const total = { matched: 0, changed: 0 };
    for (let at = 0; at < ids.length; at += COMMIT_DOCUMENTS) {
      const part = ids.slice(at, at + COMMIT_DOCUMENTS);
      const done = await selection.submit((draft) => writeEach(draft, part, matches, write));
      total.matched += done.matched;
      total.changed += done.changed;
    }
    const missed = typeof target !== 'string' && !many && ids.length > 0 && total.matched === 0;
    if (!missed || look === LOOKS_MAX) return total;
  }
}

function writeEach(
  draft: Draft,
  ids: readonly string[],
  matches: (document: Document) => boolean,
  write: Write,
): { matched: number; changed: number } {
  let matched = 0;
  let changed = 0;
  for (const id of ids) {
    const document = draft.get(id);
    if (!document || !matches(document)) continue;
    matched++;
    if (write(draft, document)) changed++;
  }
  return { matched, changed };
}

function matcher(selection: Selection, target: Target): (document: Document) => boolean {
  if (typeof target === 'string') return () => true;
  const { filter } = expandTypes(target, (type) => selection.typesOf(type));
  return compileFilter(filter);
}
