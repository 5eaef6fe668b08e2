import type { Database } from '../documents/database.js';
import type { Draft } from '../documents/draft.js';
import type { Reservation, ReservationFacts } from '../llm/budgets/budget-document.js';
import type { Reservations } from '../llm/budgets/reservations.js';
import { settle } from '../llm/budgets/reserve.js';
import { auditAll } from './commit-stage.js';

type Stored = readonly Reservation[];

/** One look into the store for all runs that ask before it is made. */
interface Look {
  readonly runs: Set<string>;
  readonly found: Promise<ReadonlyMap<string, Stored>>;
}

/** Calls that an earlier process had set something aside for, and whose end nobody knows. */
export class ForgottenCalls {
  readonly #database: Database;
  readonly #reservations: Reservations;
  #next: Look | undefined;

  constructor(database: Database, reservations: Reservations) {
    this.#database = database;
    this.#reservations = reservations;
  }

  /** Settles those of a run that is taken up: they may have been billed, so their budgets count them whole. */
  async settle(run: string): Promise<void> {
    await this.#reservations.recover();
    const stored = await this.#storedOf(run);
    const held = this.#reservations.ofRun(run);
    if (held.length + stored.length === 0) return;
    await this.#database.submit((draft) => {
      for (const aside of held) {
        aside.settle(draft);
        note(draft, aside.facts);
      }
      for (const { _id, ...facts } of stored) if (settle(draft, idOf(_id))) note(draft, facts);
    });
    for (const aside of held) aside.ended(true);
  }

  /** Runs are taken up by the thousand, in one commit: they ask together. */
  async #storedOf(run: string): Promise<Stored> {
    this.#next ??= this.#look();
    const { runs, found } = this.#next;
    runs.add(run);
    return (await found).get(run) ?? [];
  }

  #look(): Look {
    const runs = new Set<string>();
    const found = Promise.resolve().then(() => {
      this.#next = undefined;
      return this.#find([...runs]);
    });
    return { runs, found };
  }

  async #find(runs: readonly string[]): Promise<ReadonlyMap<string, Stored>> {
    const filter = { _type: 'reservation', run: { $in: runs } };
    const byRun = new Map<string, Reservation[]>();
    for (const each of await this.#database.query<Reservation>(filter).toArray()) {
      byRun.set(each.run, [...(byRun.get(each.run) ?? []), each]);
    }
    return byRun;
  }
}

function note(draft: Draft, { run, path, budgets, amounts }: Omit<ReservationFacts, 'id'>): void {
  auditAll(draft, [{ kind: 'budget', run, path, budgets, amounts, outcome: 'unknown' }]);
}

function idOf(reservation: string): string {
  return reservation.slice('reservation:'.length);
}
