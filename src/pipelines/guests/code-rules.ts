import type { Document } from '../../base/document.js';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import type { CommitChange, CommitInMaking, CommitRule } from '../../documents/commit-rules.js';
import { CODE_FIELDS, codeFieldOf, LIBRARY_TYPES } from './code-fields.js';
import type { GuestCodes } from './guest-codes.js';

/** Documents with code that a commit changes, and those that import them. */
export interface CodeCommit {
  readonly commit: CommitInMaking;
  /** As they will be; prompts without code too. */
  readonly written: readonly Document[];
  /** Not changed themselves, but by what they import, directly or not. */
  readonly importers: readonly Document[];
}

/**
 * Keeps the code of a store linked, at every commit: what a document imports is there,
 * also when the other document is removed or loses a name. Runs are pinned to revisions
 * and are not touched by any of it.
 *
 * @throws {JdbxError} UNRESOLVED_IMPORT, DOCUMENT_IN_USE
 */
export function codeRule(codes: GuestCodes, then: (code: CodeCommit) => void): CommitRule {
  return (commit) => {
    const changed = commit.changes.filter(
      ({ before, after }) => mayHaveCode(before) || mayHaveCode(after),
    );
    if (changed.length === 0) return;
    const written = changed.flatMap(({ after }) => (after && mayHaveCode(after) ? [after] : []));
    for (const document of written.filter(hasCode)) {
      keepStripped(codes, document, commit);
      codes.link(document, codeFieldOf(document), commit.get);
    }
    const importers = importersOf(codes, changed.filter(changesModule), commit);
    for (const document of importers) checkStillLinked(codes, document, changed, commit);
    then({ commit, written, importers });
  };
}

function mayHaveCode(document: Document | undefined): boolean {
  return document !== undefined && codeFieldOf(document) !== undefined;
}

function hasCode(document: Document): boolean {
  return typeof document[codeFieldOf(document) as string] === 'string';
}

function keepStripped(codes: GuestCodes, document: Document, commit: CommitInMaking): void {
  const form = codes.strippedForm(document);
  if (form && commit.get(form._id as string)?.code !== form.code) commit.derive(form);
}

/** Whether something that others may have imported is another thing now. */
function changesModule({ before, after }: CommitChange): boolean {
  if (!before || !LIBRARY_TYPES.includes(before._type)) return false;
  if (!/\bexport\b/.test(String(before.code))) return false;
  return before.code !== after?.code || before._type !== after?._type;
}

/** Every document whose code reaches one of the changed ones by imports. */
function importersOf(
  codes: GuestCodes,
  changed: readonly CommitChange[],
  commit: CommitInMaking,
): Document[] {
  if (changed.length === 0) return [];
  const reached = new Set(changed.map(({ before }) => before?._id as string));
  const own = new Set(commit.changes.map(({ after }) => after?._id));
  const waiting = Object.keys(CODE_FIELDS)
    .flatMap((type) => [...commit.documentsOf(type)])
    .map((document) => ({ document, imports: codes.importsOf(document) }))
    .filter(({ imports }) => imports.length > 0);
  const found: Document[] = [];
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const { document, imports } of waiting) {
      if (reached.has(document._id) && !own.has(document._id)) continue;
      if (!imports.some((id) => reached.has(id))) continue;
      reached.add(document._id);
      if (!own.has(document._id)) found.push(document);
    }
  }
  return found;
}

function checkStillLinked(
  codes: GuestCodes,
  importer: Document,
  changed: readonly CommitChange[],
  commit: CommitInMaking,
): void {
  try {
    codes.link(importer, codeFieldOf(importer), commit.get);
  } catch (cause) {
    if (!isJdbxError(cause, 'UNRESOLVED_IMPORT')) throw cause;
    const reason = cause.message.slice(cause.code.length + 2);
    const ids = changed.map(({ before, after }) => (before ?? after)?._id);
    throw new JdbxError(
      'DOCUMENT_IN_USE',
      `${importer._id} imports ${ids.join(', ')} and would break: ${reason}`,
      { cause, details: { ids, importer: importer._id } },
    );
  }
}
