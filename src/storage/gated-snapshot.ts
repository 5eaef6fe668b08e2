import type { Value } from '../base/values.js';
import { type CallGate, within } from './call-gate.js';
import type {
  Commit,
  EngineSnapshot,
  LoggedCommit,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from './contract.js';

/**
 * A snapshot whose every look into LMDB goes through a gate. What is done with the documents
 * lies outside of it: a filter may take its time.
 */
export class GatedSnapshot implements EngineSnapshot {
  readonly seq: number;
  readonly #behind: EngineSnapshot;
  readonly #gate: CallGate;

  constructor(behind: EngineSnapshot, gate: CallGate) {
    this.seq = behind.seq;
    this.#behind = behind;
    this.#gate = gate;
  }

  /** Written out, because it is called for each document of a query. */
  get(id: string): StoredDocument | undefined {
    this.#gate.enter();
    try {
      return this.#behind.get(id);
    } finally {
      this.#gate.leave();
    }
  }

  getMany(ids: readonly string[]): (StoredDocument | undefined)[] {
    return within(this.#gate, () => this.#behind.getMany(ids));
  }

  documents(): Iterable<StoredDocument> {
    return this.#each(() => this.#behind.documents());
  }

  revisions(id: string): Iterable<StoredRevision> {
    return this.#each(() => this.#behind.revisions(id));
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    return within(this.#gate, () => this.#behind.revision(id, rev));
  }

  lastRevision(id: string): number {
    return within(this.#gate, () => this.#behind.lastRevision(id));
  }

  removals(id: string): Iterable<StoredRemoval> {
    return this.#each(() => this.#behind.removals(id));
  }

  revisedIds(after?: string): Iterable<string> {
    return this.#each(() => this.#behind.revisedIds(after));
  }

  log(since: number): Iterable<Commit> {
    return this.#each(() => this.#behind.log(since));
  }

  logged(seq: number): LoggedCommit | undefined {
    return within(this.#gate, () => this.#behind.logged(seq));
  }

  logStart(): number {
    return within(this.#gate, () => this.#behind.logStart());
  }

  named(name: string): Value | undefined {
    return within(this.#gate, () => this.#behind.named(name));
  }

  close(): void {
    within(this.#gate, () => this.#behind.close());
  }

  *#each<Item>(all: () => Iterable<Item>): Iterable<Item> {
    const gate = this.#gate;
    const steps = within(gate, () => all()[Symbol.iterator]());
    try {
      for (;;) {
        const step = within(gate, () => steps.next());
        if (step.done) return;
        yield step.value;
      }
    } finally {
      within(gate, () => steps.return?.());
    }
  }
}
