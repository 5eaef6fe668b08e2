import type { Commit } from '../storage/contract.js';
import type { ChangeEvent } from './contract.js';

/** The changes of one commit that `matches` lets through. A removal is judged by its id and type. */
export function toChangeEvents(
  commit: Commit,
  matches: (document: unknown) => boolean,
): ChangeEvent[] {
  const facts = { seq: commit.seq, at: new Date(commit.at).toISOString() };
  const events = commit.changes.flatMap((change): ChangeEvent[] => {
    if (change.kind === 'forget') return [];
    if (change.kind === 'remove') {
      const { id, type, rev } = change;
      return [{ kind: 'remove', id, type, rev, ...facts }];
    }
    const { document } = change;
    const { _id: id, _type: type, _rev: rev } = document;
    return [{ kind: 'put', id, type, rev, document, ...facts }];
  });
  return events.filter((event) =>
    matches(event.kind === 'put' ? event.document : { _id: event.id, _type: event.type }),
  );
}
