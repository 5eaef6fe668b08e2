import { isJdbxError, JdbxError } from '../../base/errors.js';
import { Bodies } from '../bodies/bodies.js';
import { addsDocuments, checkBatch } from '../check-batch.js';
import type { CompactResult, Engine, EngineBatch, EngineSnapshot, Others } from '../contract.js';
import { LostFile } from '../lmdb/exchange.js';
import { storeFailure } from '../lmdb/failure.js';
import type { Sharing } from '../sharing/sharing.js';
import { Journal } from './journal.js';
import { FlushFailure } from './journal-file.js';
import { JournalReader } from './reader.js';
import { PackedRecord } from './record.js';
import { SharedJournal } from './shared-journal.js';
import { TakingIn } from './taking-in.js';

export interface JournalOptions {
  /**
   * Refuse commits that might take the store past this size, in bytes. Commits that only
   * remove documents are let through: they make room. Default: no limit.
   */
  readonly sizeMaxBytes?: number | undefined;
  /** The engine behind takes commits in when they are this many bytes together. Default 8 MiB. */
  readonly layerMaxBytes?: number | undefined;
  /** … or when nothing was committed for this long, so that little is left to replay. Default 200 ms. */
  readonly idleMs?: number | undefined;
}

const DEFAULTS = {
  sizeMaxBytes: Number.POSITIVE_INFINITY,
  layerMaxBytes: 8 * 2 ** 20,
  idleMs: 200,
};
/** Past this, commits wait for the engine behind to catch up. */
const BACKLOG_BYTES_MAX = 64 * 2 ** 20;
/** A copy-on-write tree needs room for new pages before the old ones are free. */
const GROWTH = 3;

/**
 * Puts a journal in front of an engine: one append and one flush make a batch durable,
 * and the engine behind takes it in later, many commits at a time. Reads see the newest
 * commit at once, out of memory. Opening replays what the engine has not taken in yet.
 *
 * @param sharing how others take part; the caller holds the write lock. Without it this
 *   opener has the store alone.
 */
export function openJournaled(
  behind: Engine,
  directory: string,
  options: JournalOptions = {},
  sharing?: Sharing,
): Engine {
  try {
    return new JournaledEngine(behind, directory, options, sharing);
  } catch (thrown) {
    throw storeFailure(thrown, directory);
  }
}

class JournaledEngine implements Engine {
  readonly name: string;
  readonly bodies: Bodies;
  readonly others: (Others & SharedJournal) | undefined;
  readonly #behind: Engine;
  readonly #reader: JournalReader;
  readonly #takingIn: TakingIn;
  readonly #sharing: Sharing | undefined;
  readonly #options: typeof DEFAULTS;
  #refusal: JdbxError | undefined;

  constructor(behind: Engine, directory: string, options: JournalOptions, sharing?: Sharing) {
    this.name = behind.name;
    this.#behind = behind;
    this.#sharing = sharing;
    this.bodies = behind.bodies ?? new Bodies();
    this.#options = {
      sizeMaxBytes: options.sizeMaxBytes ?? DEFAULTS.sizeMaxBytes,
      layerMaxBytes: options.layerMaxBytes ?? DEFAULTS.layerMaxBytes,
      idleMs: options.idleMs ?? DEFAULTS.idleMs,
    };
    const open = () => {
      behind.refresh?.();
      return behind.snapshot();
    };
    const journal = new Journal(directory, this.bodies, true);
    this.#reader = new JournalReader(journal, open, Number.POSITIVE_INFINITY, true);
    this.#takingIn = new TakingIn(behind, this.#reader, this.#options, sharing);
    this.others = sharing && new SharedJournal(sharing, this.#reader, this.#takingIn);
    this.#takingIn.schedule();
  }

  get seq(): number {
    return this.#reader.seq;
  }

  snapshot(): EngineSnapshot {
    if (this.#refusal?.code === 'STORE_CLOSED') throw this.#refusal;
    return this.#reader.snapshot();
  }

  async commit(batch: EngineBatch): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    if (!this.others || this.others.isLocked) return this.#commit(batch);
    await this.others.lock();
    try {
      await this.#commit(batch);
    } finally {
      this.others.unlock();
    }
  }

  /** The engine behind takes in first what it does not hold yet; what comes then may be in the copy. */
  async copyTo(file: string): Promise<number> {
    if (this.#refusal) throw this.#refusal;
    if (!this.#behind.copyTo) throw new TypeError('copyTo: expected an engine on disk');
    await this.#takingIn.finish();
    return this.#behind.copyTo(file);
  }

  /** Nobody comes in, writes or takes in meanwhile; followers in other threads are told after. */
  async compact(): Promise<CompactResult> {
    if (this.#refusal) throw this.#refusal;
    if (!this.#sharing) return this.#exchange();
    return this.#sharing.behindDoor(async () => {
      await this.others?.lock();
      try {
        return await this.#exchange();
      } finally {
        this.others?.unlock();
      }
    });
  }

  sizeBytes(): number {
    return this.#behind.sizeBytes() + this.#reader.journal.sizeBytes();
  }

  sizeAfter(batch: EngineBatch): number {
    const packed = new PackedRecord(batch, this.bodies);
    const coming = packed.bytes.length;
    return this.#behind.sizeAfter({ ...batch, packed }) + this.#reader.journal.sizeBytes(coming);
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === 'STORE_CLOSED') return;
    try {
      // With others there, what is left is theirs to take in as well as ours.
      await this.#takingIn.close(this.#isAlone);
      await this.#cutJournal();
    } catch (error) {
      // What a full disk cannot take in is safe in the journal, and is taken in later.
      if (!isJdbxError(error, 'STORE_FULL')) throw error;
    } finally {
      this.#refusal = new JdbxError('STORE_CLOSED', 'expected the store to be open');
      this.#reader.close();
      await this.#behind.close();
      // Last: who leaves the shared page must not be in LMDB's reader table any more.
      this.others?.close();
    }
  }

  async #exchange(): Promise<CompactResult> {
    return this.#takingIn.pauseFor(async () => {
      if (!this.#behind.compact) throw new TypeError('compact: expected an engine on disk');
      const { before, after } = await this.#behind.compact().catch((error) => {
        if (error instanceof LostFile) this.#refusal = error;
        throw error;
      });
      this.#sharing?.page.announceExchange();
      this.#reader.renew();
      const journal = this.#reader.journal.sizeBytes();
      return { before: before + journal, after: after + journal };
    });
  }

  get #isAlone(): boolean {
    return this.others === undefined || this.others.count === 0;
  }

  /** The last one out. Who comes in meanwhile waits for the write lock before it looks. */
  async #cutJournal(): Promise<void> {
    if (this.#refusal || !this.#isAlone) return;
    try {
      await this.others?.lock();
    } catch {
      // Whoever keeps the lock goes on with the journal as it is.
      return;
    }
    if (this.#isAlone && this.#behind.seq === this.seq) this.#reader.journal.cut();
    this.others?.unlock();
  }

  async #commit(batch: EngineBatch): Promise<void> {
    checkBatch(batch, this.seq);
    const last = batch.commits.at(-1);
    if (!last) return;
    if (this.#reader.layers.bytes > BACKLOG_BYTES_MAX) await this.#takingIn.finish();
    const packed = new PackedRecord(batch, this.bodies);
    const bytes = await this.#write({ ...batch, packed }, packed);
    this.bodies.shapes.settle();
    this.#reader.add({ batch: packed.kept(), bytes });
    this.others?.publish();
    this.#takingIn.schedule();
  }

  async #write(batch: EngineBatch, packed: PackedRecord): Promise<number> {
    try {
      if (addsDocuments(batch)) await this.#checkRoom(batch, packed);
      return await this.#append(batch, packed);
    } catch (error) {
      this.bodies.shapes.dropFresh();
      throw error;
    }
  }

  async #append(batch: EngineBatch, packed: PackedRecord): Promise<number> {
    const { journal } = this.#reader;
    try {
      return await journal.append(batch, packed, this.#mayTurn());
    } catch (thrown) {
      const failure = thrown instanceof FlushFailure ? thrown.cause : thrown;
      const error = storeFailure(failure, journal.path);
      if (thrown instanceof FlushFailure) {
        this.#refusal = error;
        this.others?.break();
      }
      throw error;
    }
  }

  /**
   * A file may be written over when the engine behind holds all that it stood for. That is
   * done when the other one is long, or has nothing in it that is still needed: then the
   * start of this one, whose blocks exist, is the cheapest place on the disk.
   */
  #mayTurn(): boolean {
    const { journal, baseSeq, seq } = this.#reader;
    if (journal.end === 0 || baseSeq < journal.firstSeq - 1) return false;
    return journal.end >= this.#options.layerMaxBytes || baseSeq >= seq;
  }

  /** Near the limit the engine behind takes everything in first: then it can tell, not guess. */
  async #checkRoom(batch: EngineBatch, packed: PackedRecord): Promise<void> {
    const { sizeMaxBytes } = this.#options;
    if (sizeMaxBytes === Number.POSITIVE_INFINITY) return;
    const { journal, layers } = this.#reader;
    const coming = packed.bytes.length;
    const guess = this.#behind.sizeBytes() + GROWTH * (layers.bytes + coming);
    if (guess + journal.sizeBytes(coming) <= sizeMaxBytes) return;
    await this.#takingIn.finish();
    const size = this.#behind.sizeAfter(batch) + journal.sizeBytes(coming);
    if (size <= sizeMaxBytes) return;
    throw new JdbxError(
      'STORE_FULL',
      `expected at most ${sizeMaxBytes} bytes, this commit may need ${size}`,
    );
  }
}
