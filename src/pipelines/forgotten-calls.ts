import type { Database } from '../documents/database.js';
import type { Reservation } from '../llm/budgets/budget-document.js';
import { settle } from '../llm/budgets/reserve.js';
import { auditAll } from './commit-stage.js';

/**
 * Settles what an earlier process had set aside for calls of a run, and whose end nobody
 * knows: they may have been billed, so their budgets count them whole.
 */
export async function settleForgotten(database: Database, run: string): Promise<void> {
  const forgotten = await database.query<Reservation>({ _type: 'reservation', run }).toArray();
  if (forgotten.length === 0) return;
  await database.submit((draft) => {
    for (const { _id, path, budgets, amounts } of forgotten) {
      const facts = { kind: 'budget', run, path, budgets, amounts, outcome: 'unknown' };
      if (settle(draft, _id.slice('reservation:'.length))) auditAll(draft, [facts]);
    }
  });
}
