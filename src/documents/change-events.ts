import type { Commit } from '../storage/contract.js';
import type { ChangeEvent } from './contract.js';

const NONE: ChangeEvent[] = [];

/** The changes of one commit that `matches` lets through. A removal is judged by its id and type. */
export function toChangeEvents(
  commit: Commit,
  matches: (document: unknown) => boolean,
): ChangeEvent[] {
  let events = NONE;
  for (const change of commit.changes) {
    if (change.kind === 'forget') continue;
    const isPut = change.kind === 'put';
    // Most watchers want few of the changes: an event is made of those alone.
    if (!matches(isPut ? change.document : { _id: change.id, _type: change.type })) continue;
    if (events === NONE) events = [];
    const facts = { seq: commit.seq, at: new Date(commit.at).toISOString() };
    if (isPut) {
      const { document } = change;
      const { _id: id, _type: type, _rev: rev } = document;
      events.push({ kind: 'put', id, type, rev, document, ...facts });
    } else {
      const { id, type, rev } = change;
      events.push({ kind: 'remove', id, type, rev, ...facts });
    }
  }
  return events;
}
