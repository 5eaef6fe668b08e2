import { JdbxError } from '../base/errors.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';

/**
 * What one attempt of one stage gathers until it is committed or dropped: the snapshot
 * that its guests read together with what they wrote, and what the audit trail is told.
 */
export class Attempt {
  /** 1, 2, 3 … of this stage. */
  readonly number: number;
  /** Milliseconds since the epoch; where the clocks of its guests start. */
  readonly startedAt: number;
  readonly entries: AuditEntry[];
  readonly #open: () => Workspace;
  #workspace: Workspace | undefined;
  #calls = 0;
  #over = false;

  /** `entries` holds what was noted before, when the stage runs again for the same attempt. */
  constructor(
    number: number,
    startedAt: number,
    open: () => Workspace,
    entries: AuditEntry[] = [],
  ) {
    this.number = number;
    this.startedAt = startedAt;
    this.entries = entries;
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

  note = (entry: AuditEntry): void => {
    this.entries.push(entry);
  };

  close(): void {
    this.#over = true;
    this.#workspace?.close();
  }
}
