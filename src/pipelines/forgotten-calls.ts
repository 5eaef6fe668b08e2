import type { Database } from '../documents/database.js';
import type { Draft } from '../documents/draft.js';
import type { Reservation, ReservationFacts } from '../llm/budgets/budget-document.js';
import type { Reservations } from '../llm/budgets/reservations.js';
import { settle } from '../llm/budgets/reserve.js';
import { auditAll } from './commit-stage.js';

/**
 * Settles what was set aside for calls of a run that is taken up, and whose end nobody knows:
 * they may have been billed, so their budgets count them whole.
 */
export async function settleForgotten(
  database: Database,
  reservations: Reservations,
  run: string,
): Promise<void> {
  await reservations.recover();
  const held = reservations.ofRun(run);
  const stored = await database.query<Reservation>({ _type: 'reservation', run }).toArray();
  if (held.length + stored.length === 0) return;
  await database.submit((draft) => {
    for (const { facts, settle: count } of held) {
      count(draft);
      note(draft, facts);
    }
    for (const { _id, ...facts } of stored) if (settle(draft, idOf(_id))) note(draft, facts);
  });
  for (const { ended } of held) ended(true);
}

function note(draft: Draft, { run, path, budgets, amounts }: Omit<ReservationFacts, 'id'>): void {
  auditAll(draft, [{ kind: 'budget', run, path, budgets, amounts, outcome: 'unknown' }]);
}

function idOf(reservation: string): string {
  return reservation.slice('reservation:'.length);
}
