import type { Document } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import type { Left } from '../counting/calls-file.js';
import type { Counts, Hold } from '../counting/hold.js';
import { type Amounts, addAmounts, subtractAmounts } from './amounts.js';
import type { ReservationFacts } from './budget-document.js';
import {
  type Grant,
  plan,
  type ReserveInput,
  reservationId,
  setAside,
  settle,
  spend,
} from './reserve.js';

/** Reads documents: a draft, or the store as it is now. */
export interface Reader {
  get(id: string): Document | undefined;
}

export interface ReservationsDeps {
  readonly hold: Hold;
  readonly get: (id: string) => Document | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** True when a commit has counted the call: it was told so in the same commit. */
  readonly isSettled: (call: ReservationFacts) => boolean;
}

/** What was set aside for one call, until a commit has counted what it came to. */
export interface SetAside extends Grant {
  readonly id: string;
  readonly facts: ReservationFacts;
  /** Counts what the call came to, as a part of the commit that says what became of it. */
  settle(draft: Draft, actual?: Amounts): void;
  /** That commit is durable, or was not to be. */
  ended(isCommitted: boolean): void;
}

interface Entry {
  readonly facts: ReservationFacts;
  /** The commit in the making that counts it. */
  settledIn?: number | undefined;
}

/**
 * What is set aside for calls under way. A process that has the store to itself holds it in
 * memory, and in a file that outlives its being killed; several count it in documents.
 */
export class Reservations implements Counts {
  readonly #deps: ReservationsDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #reserved = new Map<string, Amounts>();

  constructor(deps: ReservationsDeps) {
    this.#deps = deps;
    deps.hold.add(this);
  }

  /**
   * @param check throws when the call may not be made
   * @throws {JdbxError} as `plan`; STORE_FULL, STORE_IO
   */
  async reserve(input: ReserveInput, check: (reader: Reader) => void): Promise<SetAside> {
    const counted = this.#deps.hold.count(
      () => {
        check(this.#deps);
        return this.#inMemory(input);
      },
      (draft) => {
        check(draft);
        const { grant, facts } = plan(draft, input);
        setAside(draft, facts);
        return { grant, facts };
      },
    );
    const made = counted instanceof Promise ? await counted : counted;
    if ('written' in made) {
      try {
        await made.written;
      } catch (error) {
        // A call that was not written down is not made.
        this.#ended(made.facts.id, true);
        throw error;
      }
    }
    return this.#setAside(made);
  }

  /** Writes down what a process that is dead had set aside. */
  recover(): Promise<void> {
    return this.#deps.hold.recover();
  }

  /** Calls of a run that memory counts, and that no commit has counted. */
  ofRun(run: string): SetAside[] {
    const entries = [...this.#entries.values()].filter(({ facts }) => facts.run === run);
    return entries.map(({ facts }) =>
      this.#setAside({ facts, grant: { output_tokens: 0, amounts: facts.amounts } }),
    );
  }

  write(draft: Draft): void {
    for (const { facts, settledIn = Number.POSITIVE_INFINITY } of this.#entries.values()) {
      if (settledIn >= draft.seq) setAside(draft, facts);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#reserved.clear();
  }

  recoverInto(draft: Draft, { calls }: Left): void {
    for (const facts of calls) {
      const isKnown = draft.get(reservationId(facts.id)) !== undefined;
      if (!isKnown && !this.#deps.isSettled(facts)) setAside(draft, facts);
    }
  }

  #inMemory(input: ReserveInput) {
    const { get, now, hold } = this.#deps;
    const made = plan({ get, at: now(), alsoReserved: (id) => this.#reserved.get(id) }, input);
    this.#entries.set(made.facts.id, { facts: made.facts });
    this.#change(made.facts, addAmounts);
    // What memory counts, another process has to find.
    return hold.file ? { ...made, written: hold.file.add(made.facts) } : made;
  }

  #setAside({ grant, facts }: { grant: Grant; facts: ReservationFacts }): SetAside {
    const { id, amounts } = facts;
    return {
      ...grant,
      id,
      facts,
      settle: (draft, actual = amounts) => {
        const entry = this.#entries.get(id);
        if (entry) entry.settledIn = draft.seq;
        if (!settle(draft, id, actual)) spend(draft, facts, actual);
      },
      ended: (isCommitted) => this.#ended(id, isCommitted),
    };
  }

  #ended(id: string, isCommitted: boolean): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.settledIn = undefined;
    if (!isCommitted) return;
    this.#entries.delete(id);
    this.#change(entry.facts, subtractAmounts);
    // Sums of fractions do not come back to zero by themselves.
    if (this.#entries.size === 0) this.#reserved.clear();
    this.#deps.hold.file?.remove(id);
  }

  #change({ budgets, amounts }: ReservationFacts, join: typeof addAmounts): void {
    for (const budget of budgets) {
      this.#reserved.set(budget, join(this.#reserved.get(budget) ?? {}, amounts));
    }
  }
}
