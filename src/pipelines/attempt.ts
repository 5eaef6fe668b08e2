import { JdbxError } from '../base/errors.js';
import type { Draft } from '../documents/draft.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';

/** What a call came to, and the reservation that it was paid from. */
export interface Charge {
  readonly reservation: string;
  /** Counts it, as a part of the stage's commit. */
  settle(draft: Draft): void;
  /** That commit is durable, or was not to be. */
  ended(isCommitted: boolean): void;
}

/** What stays of an attempt that runs again. */
export interface Gathered {
  readonly entries: AuditEntry[];
  readonly charges: Charge[];
  /** What else the stage's end writes. */
  readonly leavings: ((draft: Draft) => void)[];
  /** How many reservations were made. */
  reservations: number;
}

export function nothingGathered(): Gathered {
  return { entries: [], charges: [], leavings: [], reservations: 0 };
}

/**
 * What one attempt of one stage gathers until it is committed or dropped: the snapshot
 * that its guests read together with what they wrote, and what the audit trail is told.
 */
export class Attempt {
  /** 1, 2, 3 … of this stage. */
  readonly number: number;
  /** Milliseconds since the epoch; where the clocks of its guests start. */
  readonly startedAt: number;
  readonly #gathered: Gathered;
  readonly #open: () => Workspace;
  #workspace: Workspace | undefined;
  #calls = 0;
  #over = false;

  /** `gathered` holds what is known from before, when the stage runs again for the same attempt. */
  constructor(
    number: number,
    startedAt: number,
    open: () => Workspace,
    gathered: Gathered = nothingGathered(),
  ) {
    this.number = number;
    this.startedAt = startedAt;
    this.#gathered = gathered;
    this.#open = open;
  }

  /** One for all guests of the attempt, opened when the first of them asks. */
  workspace = (): Workspace => {
    if (this.#over) throw new JdbxError('STAGE_TIMEOUT', 'the attempt that asks is over');
    this.#workspace ??= this.#open();
    return this.#workspace;
  };

  /** Undefined when no guest used the database. */
  get opened(): Workspace | undefined {
    return this.#workspace;
  }

  /** Numbers the model calls that guests make, so that each has a key of its own. */
  nextCall = (): number => ++this.#calls;

  /** Numbers what is set aside, also over reruns of the same attempt. */
  nextCharge = (): number => ++this.#gathered.reservations;

  get entries(): readonly AuditEntry[] {
    return this.#gathered.entries;
  }

  /** Calls that were paid for, to be settled with the stage. */
  get charges(): readonly Charge[] {
    return this.#gathered.charges;
  }

  note = (entry: AuditEntry): void => {
    this.#gathered.entries.push(entry);
  };

  charge = (charge: Charge): void => {
    this.#gathered.charges.push(charge);
  };

  /** Writes of the machinery's own, for the stage's commit however it ends. */
  get leavings(): readonly ((draft: Draft) => void)[] {
    return this.#gathered.leavings;
  }

  leave = (write: (draft: Draft) => void): void => {
    this.#gathered.leavings.push(write);
  };

  /** Makes the stage's commit, and tells those whose counts it holds what became of it. */
  through<T>(commit: Promise<T>): Promise<T> {
    if (this.charges.length === 0) return commit;
    const tell = (isCommitted: boolean) => {
      for (const charge of this.charges) charge.ended(isCommitted);
    };
    return commit.then(
      (result) => {
        tell(true);
        return result;
      },
      (error) => {
        tell(false);
        throw error;
      },
    );
  }

  close(): void {
    this.#over = true;
    this.#workspace?.close();
  }
}
