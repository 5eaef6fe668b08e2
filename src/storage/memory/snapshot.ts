import type { Value } from '../../base/values.js';
import { decodeDocument, decodeRevision } from '../codec.js';
import type { Commit, EngineSnapshot, StoredDocument, StoredRevision } from '../contract.js';

/** One version of a document; no bytes where it was removed. Newest last in its list. */
interface Version {
  readonly seq: number;
  readonly bytes?: Uint8Array;
}

export interface MemoryState {
  readonly documents: Map<string, Version[]>;
  readonly revisions: Map<string, Uint8Array[]>;
  readonly log: Map<number, Commit>;
  readonly names: Map<string, { readonly seq: number; readonly value: Value }[]>;
}

export class MemorySnapshot implements EngineSnapshot {
  readonly seq: number;
  readonly #state: MemoryState;
  readonly #logStart: number;
  readonly #onClose: () => void;

  constructor(state: MemoryState, seq: number, logStart: number, onClose: () => void) {
    this.#state = state;
    this.seq = seq;
    this.#logStart = logStart;
    this.#onClose = onClose;
  }

  get(id: string): StoredDocument | undefined {
    const bytes = this.#visible(this.#state.documents.get(id))?.bytes;
    return bytes && decodeDocument(bytes);
  }

  *documents(): Iterable<StoredDocument> {
    const ids = [...this.#state.documents.keys()].map((id) => Buffer.from(id));
    for (const id of ids.sort(Buffer.compare)) {
      const stored = this.get(id.toString());
      if (stored) yield stored;
    }
  }

  *revisions(id: string): Iterable<StoredRevision> {
    for (const bytes of this.#state.revisions.get(id) ?? []) {
      const revision = decodeRevision(bytes);
      if (revision.seq <= this.seq) yield revision;
    }
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    return [...this.revisions(id)].findLast(({ document }) => document._rev === rev);
  }

  *log(since: number): Iterable<Commit> {
    for (let seq = Math.max(since + 1, this.#logStart); seq <= this.seq; seq++) {
      const commit = this.#state.log.get(seq);
      if (commit) yield commit;
    }
  }

  logStart(): number {
    return this.#logStart;
  }

  named(name: string): Value | undefined {
    return this.#visible(this.#state.names.get(name))?.value;
  }

  close(): void {
    this.#onClose();
  }

  #visible<V extends { readonly seq: number }>(versions: readonly V[] | undefined): V | undefined {
    return versions?.findLast(({ seq }) => seq <= this.seq);
  }
}
