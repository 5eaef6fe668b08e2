import { JdbxError } from '../../base/errors.js';
import { encodeDocument, encodeRevision } from '../codec.js';
import type { Commit, Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { MemorySnapshot, type MemoryState } from './snapshot.js';

/** A store that ends with the process. Same answers as the LMDB engine; nothing is durable. */
export function openMemory(): Engine {
  return new MemoryEngine();
}

class MemoryEngine implements Engine {
  readonly name = 'memory';
  readonly #state: MemoryState = {
    documents: new Map(),
    revisions: new Map(),
    log: new Map(),
    names: new Map(),
  };
  readonly #open = new Set<MemorySnapshot>();
  #seq = 0;
  #logStart = 1;
  #bytes = 0;
  #closed = false;

  get seq(): number {
    return this.#seq;
  }

  snapshot(): EngineSnapshot {
    this.#checkOpen();
    const snapshot = new MemorySnapshot(this.#state, this.#seq, this.#logStart, () =>
      this.#open.delete(snapshot),
    );
    this.#open.add(snapshot);
    return snapshot;
  }

  async commit(batch: EngineBatch): Promise<void> {
    this.#checkOpen();
    const last = batch.commits.at(-1);
    if (!last) return;
    for (const commit of batch.commits) this.#apply(commit);
    for (const [name, value] of Object.entries(batch.names)) {
      this.#push(this.#state.names, name, { seq: last.seq, value });
    }
    for (; this.#logStart < Math.min(batch.logFrom, last.seq); this.#logStart++) {
      this.#state.log.delete(this.#logStart);
    }
    this.#seq = last.seq;
  }

  sizeBytes(): number {
    return this.#bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #apply(commit: Commit): void {
    this.#state.log.set(commit.seq, commit);
    for (const change of commit.changes) {
      if (change.kind === 'remove') {
        this.#push(this.#state.documents, change.id, { seq: commit.seq });
        continue;
      }
      const { document, ref } = change;
      const bytes = encodeDocument(ref, commit.seq, document);
      this.#bytes += bytes.length;
      this.#push(this.#state.documents, document._id, { seq: commit.seq, bytes });
      if (change.versioned) this.#keepRevision(commit, document._id, document);
    }
  }

  #keepRevision(commit: Commit, id: string, document: Parameters<typeof encodeRevision>[2]): void {
    const kept = this.#state.revisions.get(id) ?? [];
    kept.push(encodeRevision(commit.seq, commit.at, document));
    this.#state.revisions.set(id, kept);
  }

  /** Adds a version and forgets those that no open snapshot can see. */
  #push<V extends { readonly seq: number }>(map: Map<string, V[]>, key: string, version: V): void {
    const oldest = Math.min(this.#seq, ...[...this.#open].map(({ seq }) => seq));
    const versions = map.get(key) ?? [];
    const needed = versions.findLastIndex(({ seq }) => seq <= oldest);
    map.set(key, [...versions.slice(Math.max(needed, 0)), version]);
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
  }
}
