import type { Commit } from '../storage/contract.js';
import type { ChangeEvent } from './contract.js';

/** The changes of one commit that `matches` lets through. A removal is judged by its id and type. */
export function toChangeEvents(
  commit: Commit,
  matches: (document: unknown) => boolean,
): ChangeEvent[] {
  const facts = { seq: commit.seq, at: new Date(commit.at).toISOString() };
  const events: ChangeEvent[] = [];
  for (const change of commit.changes) {
    if (change.kind === 'remove') {
      const { id, type, rev } = change;
      if (matches({ _id: id, _type: type }))
        events.push({ kind: 'remove', id, type, rev, ...facts });
    }
    if (change.kind !== 'put' || !matches(change.document)) continue;
    const { document } = change;
    const { _id: id, _type: type, _rev: rev } = document;
    events.push({ kind: 'put', id, type, rev, document, ...facts });
  }
  return events;
}
