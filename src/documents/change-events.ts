import { compileFilter } from '../query/filter.js';
import { expandTypes } from '../query/types.js';
import type { Commit } from '../storage/contract.js';
import type { ChangeEvent, Filter } from './contract.js';

/** The changes of one commit that a watcher's filter lets through. A removal is judged by its id and type. */
export function toChangeEvents(
  commit: Commit,
  filter: Filter,
  typesOf: (type: string) => readonly string[],
): ChangeEvent[] {
  const matches = compileFilter(expandTypes(filter, typesOf).filter);
  const facts = { seq: commit.seq, at: new Date(commit.at).toISOString() };
  const events = commit.changes.map((change): ChangeEvent => {
    if (change.kind === 'remove') {
      const { id, type, rev } = change;
      return { kind: 'remove', id, type, rev, ...facts };
    }
    const { document } = change;
    const { _id: id, _type: type, _rev: rev } = document;
    return { kind: 'put', id, type, rev, document, ...facts };
  });
  return events.filter((event) =>
    matches(event.kind === 'put' ? event.document : { _id: event.id, _type: event.type }),
  );
}
