import { JdbxError } from '../base/errors.js';
import type { Bodies } from './bodies/bodies.js';
import { type CallGate, within } from './call-gate.js';
import type { EngineSnapshot } from './contract.js';
import { Decoded } from './decoded.js';
import { GatedSnapshot } from './gated-snapshot.js';
import { Journal } from './journal/journal.js';
import { JournalReader } from './journal/reader.js';
import { openFile, prepareDirectory, reopenTables } from './lmdb/engine.js';
import { takePart } from './lmdb/exclusive.js';
import { storeFailure } from './lmdb/failure.js';
import { OpenedFile } from './lmdb/opened-file.js';
import { LmdbSnapshot } from './lmdb/snapshot.js';
import type { Tables } from './lmdb/tables.js';
import { type NativeLocks, nativeLocks } from './sharing/native-locks.js';
import { Sharing } from './sharing/sharing.js';

/** A store that is open for reading only, in another process or thread than the one that writes it. */
export interface Follower {
  /** True when something was committed since the last snapshot: one load from memory. */
  readonly isBehind: boolean;
  /**
   * The newest commit that was acknowledged before this call. The caller closes it.
   *
   * @throws {JdbxError} STORE_CLOSED, STORE_CORRUPT
   */
  snapshot(): EngineSnapshot;
  /**
   * The store exactly as of commit `seq`, which was acknowledged before this call; undefined
   * when LMDB has taken in more than that, so that it cannot be had any more. The caller
   * closes it.
   *
   * @throws {JdbxError} STORE_CLOSED, STORE_CORRUPT
   */
  snapshotAt(seq: number): EngineSnapshot | undefined;
  /** Leaves nothing behind: no place in the shared page, none in LMDB's reader table. */
  close(): Promise<void>;
}

/** False where the native part is missing: then nobody can follow a store. */
export const canFollow: boolean = nativeLocks !== undefined;

export interface FollowerOptions {
  /** Bytes of documents that are kept decoded. Default 0. */
  readonly cacheBytes?: number | undefined;
  /**
   * Entered for each call of LMDB's binding. Default: none, for threads that nobody ends. The
   * caller is inside while it opens a follower.
   */
  readonly gate?: CallGate | undefined;
}

/**
 * Opens the store in `directory` to read along. It takes no lock that a writer waits for, writes
 * nothing into the store, and holds no page of it while no snapshot is open.
 *
 * @throws {JdbxError} STORE_MISSING; STORE_IN_USE where the store cannot be shared; STORE_BUSY, STORE_CORRUPT, STORE_IO
 */
export async function openFollower(
  directory: string,
  { cacheBytes = 0, gate }: FollowerOptions = {},
): Promise<Follower> {
  if (!nativeLocks) {
    throw new JdbxError(
      'STORE_IN_USE',
      'expected the native part, without which a store cannot be shared',
    );
  }
  const decoded = cacheBytes > 0 ? new Decoded(cacheBytes) : undefined;
  return follow(prepareDirectory(directory, false), nativeLocks, { decoded, gate });
}

interface Ways {
  readonly decoded: Decoded | undefined;
  readonly gate: CallGate | undefined;
}

async function follow(directory: string, locks: NativeLocks, ways: Ways): Promise<Follower> {
  const sharing = await Sharing.join(directory, 'follower', locks);
  try {
    const file = await openFollowed(directory, sharing, ways);
    return await begin(file, directory, sharing, ways.gate);
  } catch (error) {
    sharing.close();
    throw storeFailure(error, directory);
  }
}

/** Under the take lock, since a file that is written meanwhile cannot be looked over. */
async function openFollowed(
  directory: string,
  sharing: Sharing,
  ways: Ways,
): Promise<FollowedFile> {
  await sharing.lockTake();
  try {
    const known = () => sharing.pids();
    const opened = await openFile(directory, (root, file) => takePart(root, file, known));
    opened.release();
    return new FollowedFile(opened.tables, opened.file, sharing, ways);
  } finally {
    sharing.unlockTake();
  }
}

/** Under the write lock for once, so that nothing is missed that a writer left when it died. */
async function begin(
  file: FollowedFile,
  directory: string,
  sharing: Sharing,
  gate: CallGate | undefined,
): Promise<Follower> {
  const open = () => file.snapshot();
  try {
    await sharing.lockWrite();
    try {
      const journal = new Journal(directory, file.bodies, false);
      const reader = new JournalReader(journal, open, Number.POSITIVE_INFINITY, true);
      return new JournalFollower(file, reader, sharing, gate);
    } finally {
      sharing.unlockWrite();
    }
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * LMDB's file as a follower reads it: another one after a compaction. What the old file shows
 * stays true, so a snapshot that was opened while it was exchanged is as good as one after.
 */
class FollowedFile {
  readonly bodies: Bodies;
  readonly #path: string;
  readonly #sharing: Sharing;
  readonly #ways: Ways;
  #exchanges: number;
  #opened: OpenedFile;

  constructor(tables: Tables, path: string, sharing: Sharing, ways: Ways) {
    this.bodies = tables.bodies;
    this.#path = path;
    this.#sharing = sharing;
    this.#ways = ways;
    this.#exchanges = sharing.page.exchanges;
    this.#opened = new OpenedFile(tables);
  }

  /** Of the newest commit that LMDB has, now and not when the binding took a look last. */
  snapshot(): EngineSnapshot {
    const { decoded, gate } = this.#ways;
    return within(gate, () => {
      if (this.#sharing.page.exchanges !== this.#exchanges) this.#reopen();
      const opened = this.#opened.take();
      const { root } = opened.tables;
      root.resetReadTxn();
      const onClose = () => {
        // Let go of at once, and not by a timer of the binding's some time later.
        root.resetReadTxn();
        opened.release();
      };
      const snapshot = new LmdbSnapshot(opened.tables, onClose, { decoded });
      return gate ? new GatedSnapshot(snapshot, gate) : snapshot;
    });
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  /**
   * No lock is needed: only the process that holds this thread exchanges the file, and LMDB
   * gives the threads of a process one environment for each lock file that has a name, or had.
   */
  #reopen(): void {
    // The count first: who is too early for the next file finds another count next time.
    this.#exchanges = this.#sharing.page.exchanges;
    const before = this.#opened;
    this.#opened = new OpenedFile(reopenTables(this.#path, this.bodies));
    before.release();
  }
}

class JournalFollower implements Follower {
  readonly #file: FollowedFile;
  readonly #reader: JournalReader;
  readonly #sharing: Sharing;
  readonly #gate: CallGate | undefined;
  readonly #snapshots = new Set<EngineSnapshot>();
  #commits: number | undefined;
  #isClosed = false;

  constructor(
    file: FollowedFile,
    reader: JournalReader,
    sharing: Sharing,
    gate: CallGate | undefined,
  ) {
    this.#file = file;
    this.#reader = reader;
    this.#sharing = sharing;
    this.#gate = gate;
    // It needs no log, whatever it missed.
    sharing.saw(Number.POSITIVE_INFINITY);
    reader.rest();
  }

  get isBehind(): boolean {
    return this.#sharing.page.commits !== this.#commits;
  }

  snapshot(): EngineSnapshot {
    if (this.#isClosed) throw new JdbxError('STORE_CLOSED', 'expected an open follower');
    if (this.#snapshots.size === 0 || this.isBehind) {
      const { page } = this.#sharing;
      const { commits } = page;
      this.#reader.follow(() => page.seq);
      this.#commits = commits;
    }
    return this.#opened(this.#reader.seq);
  }

  snapshotAt(seq: number): EngineSnapshot | undefined {
    if (this.#isClosed) throw new JdbxError('STORE_CLOSED', 'expected an open follower');
    // What was read on to is known to `snapshot` no more.
    this.#commits = undefined;
    if (this.#reader.reach(seq)) return this.#opened(seq);
    if (this.#snapshots.size === 0) this.#reader.rest();
    return undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const snapshot of [...this.#snapshots]) snapshot.close();
    this.#reader.close();
    this.#gate?.enter();
    await this.#file.close();
    this.#gate?.leave();
    // Last: who leaves the shared page must not be in LMDB's reader table any more.
    this.#sharing.close();
  }

  #opened(seq: number): EngineSnapshot {
    const snapshot = this.#reader.snapshot(() => this.#forget(snapshot), seq);
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  #forget(snapshot: EngineSnapshot): void {
    this.#snapshots.delete(snapshot);
    if (this.#snapshots.size === 0) this.#reader.rest();
  }
}
