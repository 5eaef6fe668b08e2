import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Database } from '../documents/database.js';
import { takeMade } from '../documents/take-document.js';
import type { View } from '../documents/view.js';
import type { Commit, PutChange, RemoveChange } from '../storage/contract.js';
import { auditAll } from './commit-stage.js';
import type { RunDocument } from './run-document.js';

export interface UndoReport {
  /** Documents that are as they were before, or gone if they were made. */
  readonly undone: readonly string[];
  /** Documents that stay as they are, and why. */
  readonly kept: readonly KeptDocument[];
}

export interface KeptDocument {
  readonly id: string;
  /** `newer`: someone changed it since. `unknown`: the log no longer says how it was. */
  readonly reason: 'newer' | 'unknown';
  /** The commit that stands on it. */
  readonly seq?: number;
}

/** What a run, or one of its stages, did to a document. */
interface Effect {
  readonly id: string;
  /** Undefined when it was not there; null when nobody knows. */
  readonly before: Document | undefined | null;
  /** The last commit of the run that wrote it. */
  readonly seq: number;
}

/**
 * Takes back what a run's stages wrote, or those at or below one path, child runs included:
 * each document is put back as it was before, unless someone else has changed it since. All
 * of it is one commit, with an audit document.
 *
 * @throws {JdbxError} MISSING_DOCUMENT, UNKNOWN_STAGE, CONFLICT while the run is at work
 */
export async function undoRun(
  database: Database,
  run: string,
  stage?: string,
): Promise<UndoReport> {
  const view = database.view();
  try {
    checkRun(view.get(run) as RunDocument | undefined, run);
    const effects = effectsOf(view, run, stage);
    if (!effects) refuse(run, stage ?? '');
    return await database.submit((draft) => {
      const undone: string[] = [];
      const kept: KeptDocument[] = [];
      for (const { id, before, seq } of effects) {
        const now = draft.stored(id)?.seq ?? 0;
        if (before === null) kept.push({ id, reason: 'unknown' });
        else if (now !== seq) kept.push({ id, reason: 'newer', seq: now });
        else {
          restore(draft, id, before);
          undone.push(id);
        }
      }
      const facts = { undone, kept, ...(stage === undefined ? {} : { path: stage }) };
      auditAll(draft, [{ kind: 'undo', run, ...facts }]);
      return { undone, kept };
    });
  } finally {
    view.close();
  }
}

function restore(
  draft: { put(taken: ReturnType<typeof takeMade>): Document; remove(id: string): unknown },
  id: string,
  before: Document | undefined,
): void {
  if (!before) return void draft.remove(id);
  const { _rev, ...body } = before;
  draft.put(takeMade(body));
}

/** Goes through the log once: what a document was before a commit stands in one before it. */
function effectsOf(view: View, run: string, stage: string | undefined): Effect[] | undefined {
  const start = view.engine.logStart();
  const seen = new Map<string, Document | undefined>();
  const effects = new Map<string, Effect>();
  let found = false;
  for (const commit of view.engine.log(start - 1)) {
    const written = writesOf(commit, run, stage);
    found ||= written !== undefined;
    for (const change of commit.changes) {
      if (change.kind === 'forget') continue;
      const id = change.kind === 'put' ? change.document._id : change.id;
      if (written?.has(id)) {
        const earlier = effects.get(id);
        const before = earlier ? earlier.before : beforeOf(view, id, change, seen);
        effects.set(id, { id, before, seq: change.kind === 'put' ? commit.seq : 0 });
      }
      seen.set(id, change.kind === 'put' ? change.document : undefined);
    }
  }
  return found ? [...effects.values()] : undefined;
}

/** The ids that a commit's stage wrote, when it is one of the run's. */
function writesOf(
  { changes }: Commit,
  run: string,
  stage: string | undefined,
): Set<string> | undefined {
  for (const change of changes) {
    if (change.kind !== 'put' || change.document._type !== 'audit') continue;
    const entry = change.document as Document & AuditedStage;
    if (entry.kind !== 'stage' || entry.status !== 'done' || !isBelow(entry, run, stage)) continue;
    return new Set((entry.writes ?? []).map(({ id }) => id));
  }
  return undefined;
}

interface AuditedStage {
  readonly kind: string;
  readonly status: string;
  readonly run: string;
  readonly path: string;
  readonly writes?: readonly { readonly id: string }[];
}

/** A child run is named by its parent's id and the stage that called it. */
function isBelow({ run, path }: AuditedStage, root: string, stage: string | undefined): boolean {
  if (run !== root && !run.startsWith(`${root}/`)) return false;
  const place = run === root ? path : `${run.slice(root.length + 1)}/${path}`;
  return stage === undefined || place === stage || place.startsWith(`${stage}/`);
}

function beforeOf(
  view: View,
  id: string,
  change: PutChange | RemoveChange,
  seen: ReadonlyMap<string, Document | undefined>,
): Document | undefined | null {
  if (seen.has(id)) return seen.get(id);
  const rev = change.kind === 'put' ? change.document._rev : change.rev + 1;
  if (rev <= 1) return undefined;
  return view.engine.revision(id, rev - 1)?.document ?? null;
}

function checkRun(run: RunDocument | undefined, id: string): void {
  if (run?._type !== 'run') {
    throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
  }
  if (run.status !== 'running') return;
  throw new JdbxError('CONFLICT', `expected ${id} to be at rest, it is at work; pause it first`, {
    details: { run: id },
  });
}

function refuse(run: string, stage: string): never {
  const what = stage === '' ? 'a finished stage' : stage;
  throw new JdbxError('UNKNOWN_STAGE', `expected ${what} of ${run} in the change log`, {
    path: 'stage',
    details: { run, stage },
  });
}
