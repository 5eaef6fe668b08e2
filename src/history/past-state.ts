import type { Document } from '../base/document.js';
import type { EngineSnapshot, StoredRevision } from '../storage/contract.js';

/** A moment of the past: up to this commit, or up to this time in milliseconds since the epoch. */
export type Moment = { readonly seq: number } | { readonly at: number };

/** Where a type's kept revisions begin to be complete. */
export interface Horizon {
  readonly seq: number;
  readonly at: number;
}

/** What a store keeps of one document, read to tell what it was at some moment. */
export type PastState =
  | { readonly known: true; readonly document: Document | undefined }
  /** Revisions that would tell are gone; from `oldest` on they are there, as far as that is known. */
  | { readonly known: false; readonly oldest: number; readonly type: string | undefined };

/**
 * The document `id` as it was at `moment`, by its kept revisions and remembered removals.
 *
 * @param horizonOf where what a type's revisions tell begins; for no type, the latest of all
 */
export function pastState(
  engine: EngineSnapshot,
  id: string,
  moment: Moment,
  horizonOf: (type: string | undefined) => Horizon,
): PastState {
  const current = engine.get(id);
  const kept = [...engine.revisions(id)];
  if (current && isCurrentAt(engine, current, moment)) {
    return { known: true, document: current.document };
  }
  const at = kept.findLastIndex((revision) => isPast(revision, moment));
  const type = kept.at(-1)?.document._type ?? current?.document._type;
  const found = kept[at];
  if (found) return stateFrom(engine, found, kept[at + 1], moment);
  const [first] = kept;
  const oldest = first?.seq ?? current?.seq ?? engine.seq;
  const isBorn = first ? first.document._rev === 1 : !current;
  if (!isBorn || !isPast(horizonOf(type), moment)) return { known: false, oldest, type };
  const wasThere = [...engine.removals(id)].some((removal) => !first && !isPast(removal, moment));
  return wasThere ? { known: false, oldest, type } : { known: true, document: undefined };
}

/** True for what a moment can see. */
export function isPast(commit: Horizon, moment: Moment): boolean {
  return 'seq' in moment ? commit.seq <= moment.seq : commit.at <= moment.at;
}

function isCurrentAt(
  engine: EngineSnapshot,
  { seq, document }: { readonly seq: number; readonly document: Document },
  moment: Moment,
): boolean {
  if ('seq' in moment) return seq <= moment.seq;
  const kept = engine.revision(document._id, document._rev);
  if (kept?.seq === seq) return kept.at <= moment.at;
  for (const commit of engine.log(seq - 1)) return commit.seq === seq && commit.at <= moment.at;
  return false;
}

/** `found` is the newest kept revision before the moment: was it still there then? */
function stateFrom(
  engine: EngineSnapshot,
  found: StoredRevision,
  next: StoredRevision | undefined,
  moment: Moment,
): PastState {
  const { _id: id, _rev: rev, _type: type } = found.document;
  const removal = [...engine.removals(id)].find(
    (each) => each.rev === rev && each.seq > found.seq && each.seq <= (next?.seq ?? engine.seq),
  );
  if (removal && isPast(removal, moment)) return { known: true, document: undefined };
  // Nobody can tell when a revision ended whose end was not remembered.
  if (!removal && next?.document._rev !== rev + 1) {
    return { known: false, oldest: engine.get(id)?.seq ?? engine.seq, type };
  }
  return { known: true, document: found.document };
}
