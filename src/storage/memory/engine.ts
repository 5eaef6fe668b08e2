import { JdbxError } from '../../base/errors.js';
import { Bodies } from '../bodies/bodies.js';
import { encodeBodies, toJournalForm } from '../bodies/commits.js';
import { checkBatch } from '../check-batch.js';
import { encodeNamed, pack } from '../codec.js';
import type { Commit, Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { Histories } from './histories.js';
import { MemorySnapshot, type MemoryState } from './snapshot.js';
import { Versions } from './versions.js';

/** A store that ends with the process. Same answers as the LMDB engine; nothing is durable. */
export function openMemory(): Engine {
  return new MemoryEngine();
}

/** Everything is held encoded, so that nobody's later change to a date or bytes reaches it. */
class MemoryEngine implements Engine {
  readonly name = 'memory';
  readonly #state: MemoryState = {
    bodies: new Bodies(),
    documents: new Versions(({ length }) => length),
    names: new Versions(({ length }) => length),
    histories: new Histories(),
    log: new Map(),
  };
  readonly #open = new Set<MemorySnapshot>();
  #seq = 0;
  #logStart = 1;
  /** Records from here on are still held: those before `#logStart` for the sake of open snapshots. */
  #logHeld = 1;
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
    checkBatch(batch, this.#seq);
    const last = batch.commits.at(-1);
    if (!last) return;
    for (const commit of batch.commits) this.#apply(commit);
    for (const [name, value] of Object.entries(batch.names)) {
      this.#state.names.set(name, last.seq, encodeNamed(value));
    }
    this.#logStart = Math.max(this.#logStart, Math.min(batch.logFrom, last.seq));
    this.#seq = last.seq;
    this.#release();
  }

  /** Documents, names and the log; kept revisions are not counted. */
  sizeBytes(): number {
    let log = 0;
    for (const record of this.#state.log.values()) log += record.length;
    return this.#state.documents.bytes + this.#state.names.bytes + log;
  }

  sizeAfter(batch: EngineBatch): number {
    const { bodies } = this.#state;
    const coming = batch.commits.map((commit) =>
      pack(toJournalForm(commit, encodeBodies(commit, bodies))),
    );
    return this.sizeBytes() + 2 * coming.reduce((sum, { length }) => sum + length, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const snapshot of [...this.#open]) snapshot.close();
  }

  #apply(commit: Commit): void {
    const bodies = encodeBodies(commit, this.#state.bodies);
    let next = 0;
    for (const change of commit.changes) {
      if (change.kind === 'remove') {
        this.#state.documents.set(change.id, commit.seq);
        if (change.versioned) this.#state.histories.remember(commit, change);
        continue;
      }
      if (change.kind === 'forget') {
        this.#state.histories.forget(commit, change);
        continue;
      }
      const body = bodies[next++] as Uint8Array;
      this.#state.documents.set(change.id, commit.seq, body);
      if (change.versioned) this.#state.histories.keep(commit, change, body);
    }
    this.#state.log.set(commit.seq, pack(toJournalForm(commit, bodies)));
  }

  /** Forgets what no open snapshot can see. */
  #release(): void {
    const open = [...this.#open];
    const oldest = Math.min(this.#seq, ...open.map(({ seq }) => seq));
    this.#state.documents.release(oldest);
    this.#state.names.release(oldest);
    this.#state.histories.release(oldest);
    const logFrom = Math.min(this.#logStart, ...open.map((snapshot) => snapshot.logStart()));
    for (; this.#logHeld < logFrom; this.#logHeld++) this.#state.log.delete(this.#logHeld);
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected the store to be open');
  }
}
