import type { EngineSnapshot } from '../storage/contract.js';
import type { HistoryEntry } from './contract.js';

/** Kept revisions of a document, oldest first, each with its removal where that is remembered. */
export function readHistory(engine: EngineSnapshot, id: string): HistoryEntry[] {
  const removals = [...engine.removals(id)];
  return [...engine.revisions(id)].map(({ seq, at, document }) => {
    const rev = document._rev;
    const removal = removals.find((each) => each.rev === rev && each.seq > seq);
    const removed = removal && { seq: removal.seq, at: new Date(removal.at).toISOString() };
    const entry = { rev, seq, at: new Date(at).toISOString(), document };
    return removed ? { ...entry, removed } : entry;
  });
}
