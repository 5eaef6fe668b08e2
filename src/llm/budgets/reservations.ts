import type { Document } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import type { Left } from '../counting/calls-file.js';
import type { Counts, Hold } from '../counting/hold.js';
import { type Amounts, addAmounts, subtractAmounts } from './amounts.js';
import type { ReservationFacts } from './budget-document.js';
import {
  type BudgetSource,
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

/** Those who keep what is set aside. */
interface Asides {
  /** True where memory holds it, and no document. */
  isHeld(aside: Aside, draft: Draft): boolean;
  /** It is counted, durably. */
  ended(aside: Aside): void;
}

class Aside implements SetAside {
  readonly facts: ReservationFacts;
  readonly output_tokens: number;
  readonly time_ms: number | undefined;
  /** The commit in the making that counts it. */
  settledIn: number | undefined;
  readonly #asides: Asides;

  constructor(asides: Asides, facts: ReservationFacts, { output_tokens, time_ms }: Grant) {
    this.#asides = asides;
    this.facts = facts;
    this.output_tokens = output_tokens;
    this.time_ms = time_ms;
  }

  get id(): string {
    return this.facts.id;
  }

  get amounts(): Amounts {
    return this.facts.amounts;
  }

  settle(draft: Draft, actual = this.amounts): void {
    const { facts } = this;
    this.settledIn = draft.seq;
    const isHeld = this.#asides.isHeld(this, draft);
    if (isHeld || !settle(draft, facts.id, actual)) spend(draft, facts, actual);
  }

  ended(isCommitted: boolean): void {
    this.settledIn = undefined;
    if (isCommitted) this.#asides.ended(this);
  }
}

/**
 * What is set aside for calls under way. A process that has the store to itself holds it in
 * memory, and in a file that outlives its being killed; several count it in documents.
 */
export class Reservations implements Counts {
  readonly #deps: ReservationsDeps;
  readonly #entries = new Map<string, Aside>();
  readonly #reserved = new Map<string, Amounts>();
  readonly #source: BudgetSource;
  readonly #asides: Asides = {
    isHeld: (aside, draft) =>
      this.#entries.get(aside.id) === aside && this.#deps.hold.isMineIn(draft),
    ended: (aside) => this.#ended(aside),
  };

  constructor(deps: ReservationsDeps) {
    this.#deps = deps;
    this.#source = {
      get: deps.get,
      get at() {
        return deps.now();
      },
      alsoReserved: (id) => this.#reserved.get(id),
    };
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
        return new Aside(this.#asides, facts, grant);
      },
    );
    const aside = counted instanceof Promise ? await counted : counted;
    try {
      // What memory counts, another process has to find.
      if (this.#entries.get(aside.id) === aside) await this.#deps.hold.file?.add(aside.facts);
    } catch (error) {
      // A call that was not written down is not made.
      aside.ended(true);
      throw error;
    }
    return aside;
  }

  /** Writes down what a process that is dead had set aside. */
  recover(): Promise<void> {
    return this.#deps.hold.recover();
  }

  /** Calls of a run that memory counts, and that no commit has counted. */
  ofRun(run: string): SetAside[] {
    return [...this.#entries.values()].filter(({ facts }) => facts.run === run);
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

  #inMemory(input: ReserveInput): Aside {
    const { grant, facts } = plan(this.#source, input);
    const aside = new Aside(this.#asides, facts, grant);
    this.#entries.set(aside.id, aside);
    this.#change(facts, addAmounts);
    return aside;
  }

  #ended({ id, facts }: Aside): void {
    if (!this.#entries.delete(id)) return;
    this.#change(facts, subtractAmounts);
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
