import { join } from 'node:path';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import { addsDocuments, checkBatch } from '../check-batch.js';
import type { Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { storeFailure } from '../lmdb/failure.js';
import { FlushFailure, JournalFile } from './journal-file.js';
import { Layer } from './layer.js';
import { mergeBatches } from './merge-batches.js';
import { ownBatch } from './own-batch.js';
import { readJournal } from './read-journal.js';
import { encodeRecord } from './record.js';
import { JournalSnapshot } from './snapshot.js';

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

const FILES = ['journal.0', 'journal.1'] as const;

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
 */
export function openJournaled(
  behind: Engine,
  directory: string,
  options: JournalOptions = {},
): Engine {
  const paths = FILES.map((file) => join(directory, file)) as [string, string];
  try {
    return new JournaledEngine(behind, paths, options);
  } catch (thrown) {
    throw storeFailure(thrown, directory);
  }
}

class JournaledEngine implements Engine {
  readonly name: string;
  readonly #behind: Engine;
  readonly #files: readonly [JournalFile, JournalFile];
  readonly #paths: readonly [string, string];
  readonly #options: typeof DEFAULTS;
  #turn: 0 | 1;
  #generation: number;
  #active: Layer;
  /** The layer that the engine behind is taking in. */
  #leaving: Layer | undefined;
  #applying: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #seq: number;
  #refusal: JdbxError | undefined;

  constructor(behind: Engine, paths: readonly [string, string], options: JournalOptions) {
    this.name = behind.name;
    this.#behind = behind;
    this.#paths = paths;
    this.#options = {
      sizeMaxBytes: options.sizeMaxBytes ?? DEFAULTS.sizeMaxBytes,
      layerMaxBytes: options.layerMaxBytes ?? DEFAULTS.layerMaxBytes,
      idleMs: options.idleMs ?? DEFAULTS.idleMs,
    };
    const left = readJournal(paths, behind.seq);
    this.#files = [new JournalFile(paths[0]), new JournalFile(paths[1])];
    this.#turn = left.turn;
    this.#generation = left.generation;
    this.#active = left.active;
    this.#leaving = left.older.isEmpty ? undefined : left.older;
    this.#seq = left.seq;
    this.#files[this.#turn].seek(left.end);
    if (!this.#active.isEmpty || this.#leaving) this.#schedule();
  }

  get seq(): number {
    return this.#seq;
  }

  snapshot(): EngineSnapshot {
    if (this.#refusal?.code === 'STORE_CLOSED') throw this.#refusal;
    const layers = [this.#active, this.#leaving].filter((layer) => layer && !layer.isEmpty);
    return new JournalSnapshot(this.#behind.snapshot(), layers as Layer[], this.#seq);
  }

  async commit(batch: EngineBatch): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    checkBatch(batch, this.#seq);
    const last = batch.commits.at(-1);
    if (!last) return;
    if (this.#backlog > BACKLOG_BYTES_MAX) await this.#catchUp();
    if (addsDocuments(batch)) await this.#checkRoom(batch);
    this.#writing = this.#write(batch, last.seq);
    await this.#writing;
    this.#schedule();
  }

  /** The engine behind takes in first what it does not hold yet; what comes then may be in the copy. */
  async copyTo(file: string): Promise<number> {
    if (this.#refusal) throw this.#refusal;
    if (!this.#behind.copyTo) throw new TypeError('copyTo: expected an engine on disk');
    const { seq } = this;
    while (this.#behind.seq < seq) {
      await this.#writing;
      this.#apply();
      await this.#applying;
    }
    return this.#behind.copyTo(file);
  }

  sizeBytes(): number {
    return this.#behind.sizeBytes() + this.#journalWith(0);
  }

  sizeAfter(batch: EngineBatch): number {
    const coming = encodeRecord(this.#generation, batch).length;
    return this.#behind.sizeAfter(batch) + this.#journalWith(coming);
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === 'STORE_CLOSED') return;
    clearTimeout(this.#idle);
    try {
      await this.#catchUp();
    } catch (error) {
      // What a full disk cannot take in is safe in the journal, and is taken in later.
      if (!isJdbxError(error, 'STORE_FULL')) throw error;
    } finally {
      this.#refusal = new JdbxError('STORE_CLOSED', 'expected the store to be open');
      for (const file of this.#files) file.close();
      await this.#behind.close();
    }
  }

  /**
   * On disk and in the active layer: between the two the files must not change turns, or
   * the layer that the record belongs to is gone before it comes.
   */
  async #write(batch: EngineBatch, seq: number): Promise<void> {
    const record = encodeRecord(this.#generation, batch);
    try {
      await this.#append(record);
      this.#active.add(ownBatch(batch), record.length);
      this.#seq = seq;
    } finally {
      this.#writing = undefined;
    }
  }

  async #append(record: Buffer): Promise<void> {
    try {
      await this.#files[this.#turn].append(record);
    } catch (thrown) {
      const failure = thrown instanceof FlushFailure ? thrown.cause : thrown;
      const error = storeFailure(failure, this.#paths[this.#turn]);
      if (thrown instanceof FlushFailure) this.#refusal = error;
      throw error;
    }
  }

  #schedule(): void {
    clearTimeout(this.#idle);
    if (this.#active.bytes >= this.#options.layerMaxBytes) {
      this.#apply();
      return;
    }
    this.#idle = setTimeout(() => this.#apply(), this.#options.idleMs);
    this.#idle.unref();
  }

  /** Hands the active layer to the engine behind, and goes on in the other file. */
  #apply(): void {
    if (this.#applying || (!this.#leaving && (this.#active.isEmpty || this.#writing))) return;
    // A layer that could not be taken in stays, with its file, until it can.
    if (!this.#leaving) {
      this.#leaving = this.#active;
      this.#active = new Layer();
      this.#turn = this.#turn === 0 ? 1 : 0;
      this.#generation++;
      this.#files[this.#turn].seek(0);
    }
    this.#applying = this.#takeIn(this.#leaving)
      .then(() => {
        this.#leaving = undefined;
      })
      .finally(() => {
        this.#applying = undefined;
      });
    this.#applying.then(
      () => this.#active.bytes >= this.#options.layerMaxBytes && this.#apply(),
      // It is tried again with the next commit, or at close, which reports it.
      () => {},
    );
  }

  async #takeIn(layer: Layer): Promise<void> {
    for (const batch of mergeBatches(layer.batches)) {
      const commits = batch.commits.filter(({ seq }) => seq > this.#behind.seq);
      if (commits.length > 0) await this.#behind.commit({ ...batch, commits });
    }
  }

  /** Until the engine behind holds everything. */
  async #catchUp(): Promise<void> {
    while (this.#leaving || !this.#active.isEmpty) {
      await this.#writing;
      this.#apply();
      await this.#applying;
    }
  }

  get #backlog(): number {
    return this.#active.bytes + (this.#leaving?.bytes ?? 0);
  }

  /** Near the limit the engine behind takes everything in first: then it can tell, not guess. */
  async #checkRoom(batch: EngineBatch): Promise<void> {
    const { sizeMaxBytes } = this.#options;
    if (sizeMaxBytes === Number.POSITIVE_INFINITY) return;
    const coming = encodeRecord(this.#generation, batch).length;
    const guess = this.#behind.sizeBytes() + GROWTH * (this.#backlog + coming);
    if (guess + this.#journalWith(coming) <= sizeMaxBytes) return;
    await this.#catchUp();
    const size = this.#behind.sizeAfter(batch) + this.#journalWith(coming);
    if (size <= sizeMaxBytes) return;
    throw new JdbxError(
      'STORE_FULL',
      `expected at most ${sizeMaxBytes} bytes, this commit may need ${size}`,
    );
  }

  #journalWith(coming: number): number {
    const [one, other] = this.#files;
    const active = this.#turn === 0 ? one : other;
    return active.sizeWith(coming) + (active === one ? other : one).sizeBytes;
  }
}
