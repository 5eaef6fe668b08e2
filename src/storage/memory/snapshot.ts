import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import { decodeCommit, decodeDocument, decodeNamed, decodeRevision } from '../codec.js';
import type { Commit, EngineSnapshot, StoredDocument, StoredRevision } from '../contract.js';
import type { Versions } from './versions.js';

export interface MemoryState {
  readonly documents: Versions<Uint8Array>;
  readonly names: Versions<Uint8Array>;
  /** By id, then by number. */
  readonly revisions: Map<string, Map<number, Uint8Array>>;
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
    return bytes && decodeDocument(bytes);
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
    const kept = [...(this.#state.revisions.get(id) ?? [])].sort(([left], [right]) => left - right);
    for (const [rev] of kept) {
      const revision = this.revision(id, rev);
      if (revision) yield revision;
    }
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    this.#checkOpen();
    const bytes = this.#state.revisions.get(id)?.get(rev);
    const revision = bytes && decodeRevision(bytes);
    return revision && revision.seq <= this.seq ? revision : undefined;
  }

  lastRevision(id: string): number {
    const newestFirst = [...(this.#state.revisions.get(id)?.keys() ?? [])].sort((a, b) => b - a);
    return newestFirst.find((rev) => this.revision(id, rev)) ?? 0;
  }

  *log(since: number): Iterable<Commit> {
    for (let seq = Math.max(since + 1, this.#logStart); seq <= this.seq; seq++) {
      this.#checkOpen();
      const record = this.#state.log.get(seq);
      if (record) yield decodeCommit(seq, record);
    }
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
