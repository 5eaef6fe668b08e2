import { encodeKey } from '../../base/key-bytes.js';
import type { StoredDocument } from '../../storage/contract.js';
import type { View } from '../view.js';
import { newestBefore } from './commit-times.js';
import type { DocumentBounds } from './definition.js';
import { timeAt } from './due-time.js';
import { removeSeen, scanType } from './scan.js';
import type { Work } from './work.js';

/** Removes documents of a type that are older than `bounds` lets them be. */
export async function removeExpired(work: Work, type: string, bounds: DocumentBounds) {
  const { ageMs, field } = bounds;
  if (ageMs === undefined) return;
  const cutoff = Math.max(work.now - ageMs, FIRST_TIME);
  if (field === undefined) {
    const seq = work.look((view) => newestBefore(view.engine, work.host.marks, cutoff));
    if (seq > 0) await removeWhere(work, type, bounds, (stored) => stored.seq <= seq);
    return;
  }
  if (work.look((view) => !mayBeDue(view, type, field, cutoff))) return;
  await removeWhere(work, type, bounds, ({ document }) => {
    const time = timeAt(document, field);
    return time !== undefined && time <= cutoff;
  });
}

async function removeWhere(
  work: Work,
  type: string,
  { matches }: DocumentBounds,
  isDue: (stored: StoredDocument) => boolean,
): Promise<void> {
  for await (const found of scanType(work, type)) {
    const due = found.filter((stored) => isDue(stored) && (matches?.(stored.document) ?? true));
    await removeSeen(work, due);
  }
}

/** The first time that a date can tell. */
const FIRST_TIME = -8.64e15;
const DAY_MS = 86_400_000;

/** An index that begins with the field tells by a count whether any document is due, without reading one. */
function mayBeDue(view: View, type: string, field: string, cutoff: number): boolean {
  const live = view.indexesOf(type).find(({ definition }) => {
    const { kind, fields, partial, collation } = definition;
    const isPlain = kind === 'ordered' && !partial && !collation;
    return isPlain && fields[0]?.path === field && fields[0].direction === 1;
  });
  if (!live) return true;
  // Texts of other zones than UTC are at most some hours off their place.
  const textEnd = new Date(cutoff + DAY_MS).toISOString();
  const texts = { lower: encodeKey(['']), upper: encodeKey([textEnd]) };
  const dates = {
    lower: encodeKey([new Date(FIRST_TIME)]),
    upper: encodeKey([new Date(cutoff + 1)]),
  };
  return [texts, dates].some((range) => live.index.count(range, view.seq) > 0);
}
