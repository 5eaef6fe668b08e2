import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import type { Bodies } from '../bodies/bodies.js';
import { type CommitForm, fromJournalForm, toLogged } from '../bodies/commits.js';
import { wholeCommit } from '../bodies/packed-commit.js';
import { decodeRevision } from '../bodies/revision.js';
import { decodeNamed, unpackList } from '../codec.js';
import type {
  Commit,
  EngineSnapshot,
  LoggedCommit,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from '../contract.js';
import type { Histories } from './histories.js';
import type { Versions } from './versions.js';

export interface MemoryState {
  /** The shapes end with the process, as all else does. */
  readonly bodies: Bodies;
  readonly documents: Versions<Uint8Array>;
  readonly names: Versions<Uint8Array>;
  readonly histories: Histories;
  readonly log: Map<number, Uint8Array>;
}

export class MemorySnapshot implements EngineSnapshot {
  readonly seq: number;
  readonly #state: MemoryState;
  readonly #logStart: number;
  readonly #onClose: () => void;
  #closed = false;

  constructor(state: MemoryState, seq: number, logStart: number, onClose: () => void) {
    this.#state = state;
    this.seq = seq;
    this.#logStart = logStart;
    this.#onClose = onClose;
  }

  get(id: string): StoredDocument | undefined {
    this.#checkOpen();
    const bytes = this.#state.documents.get(id, this.seq);
    return bytes && this.#state.bodies.decode(id, bytes);
  }

  getMany(ids: readonly string[]): (StoredDocument | undefined)[] {
    return ids.map((id) => this.get(id));
  }

  *documents(): Iterable<StoredDocument> {
    this.#checkOpen();
    const ids = [...this.#state.documents.keys()].map((id) => Buffer.from(id));
    for (const id of ids.sort(Buffer.compare)) {
      const stored = this.get(id.toString());
      if (stored) yield stored;
    }
  }

  *revisions(id: string): Iterable<StoredRevision> {
    for (const { bytes } of this.#state.histories.revisions(id, this.seq)) {
      this.#checkOpen();
      yield decodeRevision(id, bytes, this.#state.bodies);
    }
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    this.#checkOpen();
    const kept = this.#state.histories.revisions(id, this.seq).find((each) => each.rev === rev);
    return kept && decodeRevision(id, kept.bytes, this.#state.bodies);
  }

  lastRevision(id: string): number {
    this.#checkOpen();
    return this.#state.histories.revisions(id, this.seq).at(-1)?.rev ?? 0;
  }

  *removals(id: string): Iterable<StoredRemoval> {
    for (const { rev, seq, at } of this.#state.histories.removals(id, this.seq)) {
      this.#checkOpen();
      yield { rev, seq, at };
    }
  }

  *revisedIds(after = ''): Iterable<string> {
    const seen = Buffer.from(after);
    const ids = [...this.#state.histories.ids()].map((id) => Buffer.from(id));
    for (const id of ids.sort(Buffer.compare)) {
      this.#checkOpen();
      if (Buffer.compare(id, seen) > 0) yield id.toString();
    }
  }

  *log(since: number): Iterable<Commit> {
    for (let seq = Math.max(since + 1, this.#logStart); seq <= this.seq; seq++) {
      this.#checkOpen();
      const record = this.#state.log.get(seq);
      if (!record) continue;
      const form = unpackList(record, 2) as unknown as CommitForm;
      yield wholeCommit(fromJournalForm(seq, form, this.#state.bodies));
    }
  }

  logged(seq: number): LoggedCommit | undefined {
    for (const commit of this.log(seq - 1))
      return commit.seq === seq ? toLogged(commit) : undefined;
    return undefined;
  }

  logStart(): number {
    this.#checkOpen();
    return this.#logStart;
  }

  named(name: string): Value | undefined {
    this.#checkOpen();
    const bytes = this.#state.names.get(name, this.seq);
    return bytes && decodeNamed(bytes);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected an open snapshot');
  }
}
