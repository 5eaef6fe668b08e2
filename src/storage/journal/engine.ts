import { join } from 'node:path';
import { JdbxError } from '../../base/errors.js';
import { addsDocuments, checkBatch } from '../check-batch.js';
import type { Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { storeFailure } from '../lmdb/failure.js';
import { FlushFailure, JournalFile } from './journal-file.js';
import { Layer } from './layer.js';
import { ownBatch } from './own-copy.js';
import { encodeRecord } from './record.js';
import { type JournalState, replay } from './replay.js';
import { JournalSnapshot } from './snapshot.js';

export interface JournalOptions {
  /**
   * Refuse commits that might take the engine behind past this size, in bytes. An estimate:
   * where its free space is in pieces it may take up to about half more. Commits that only
   * remove documents are let through: they make room. The journal itself, as a rule up to
   * twice `layerMaxBytes`, is not counted. Default: no limit.
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
/** Changes in one commit of the engine behind; LMDB's free list stays short. */
const APPLY_CHANGES = 5_000;
/** A copy-on-write tree needs room for new pages before the old ones are free. */
const GROWTH = 3;

/**
 * Puts a journal in front of an engine: one append and one flush make a batch durable,
 * and the engine behind takes it in later, many commits at a time. Reads see the newest
 * commit at once, out of memory. Opening replays what the engine has not taken in yet.
 */
export async function openJournaled(
  behind: Engine,
  directory: string,
  options: JournalOptions = {},
): Promise<Engine> {
  const paths = FILES.map((file) => join(directory, file)) as [string, string];
  try {
    return new JournaledEngine(behind, paths, await replay(behind, paths), options);
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
  /** While a record is written, the files must not change places: it belongs to the active layer. */
  #writing: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #seq: number;
  #refusal: JdbxError | undefined;

  constructor(
    behind: Engine,
    paths: readonly [string, string],
    state: JournalState,
    { sizeMaxBytes, layerMaxBytes, idleMs }: JournalOptions,
  ) {
    this.name = behind.name;
    this.#behind = behind;
    this.#paths = paths;
    this.#files = [
      new JournalFile(paths[0], state.ends[0]),
      new JournalFile(paths[1], state.ends[1]),
    ];
    this.#turn = state.turn;
    this.#generation = state.generation;
    this.#active = state.active;
    this.#leaving = state.leaving;
    this.#options = {
      sizeMaxBytes: sizeMaxBytes ?? DEFAULTS.sizeMaxBytes,
      layerMaxBytes: layerMaxBytes ?? DEFAULTS.layerMaxBytes,
      idleMs: idleMs ?? DEFAULTS.idleMs,
    };
    this.#seq = state.seq;
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
    if (this.#options.sizeMaxBytes !== Number.POSITIVE_INFINITY && addsDocuments(batch)) {
      await this.#makeRoom(encodeRecord(0, batch).length);
    }
    this.#writing = this.#write(batch, last.seq);
    await this.#writing;
    this.#schedule();
  }

  sizeBytes(): number {
    return this.#behind.sizeBytes() + this.#files[0].sizeBytes + this.#files[1].sizeBytes;
  }

  freeBytes(): number {
    return this.#behind.freeBytes();
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === 'STORE_CLOSED') return;
    clearTimeout(this.#idle);
    try {
      await this.#catchUp();
    } finally {
      this.#refusal = new JdbxError('STORE_CLOSED', 'expected the store to be open');
      for (const file of this.#files) file.close();
      await this.#behind.close();
    }
  }

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
    if (this.#applying || this.#writing) return;
    if (!this.#leaving && this.#active.isEmpty) return;
    // A layer that could not be taken in stays, with its file, until it can.
    if (!this.#leaving) {
      this.#leaving = this.#active;
      this.#active = new Layer();
      this.#turn = this.#turn === 0 ? 1 : 0;
      this.#generation++;
      this.#files[this.#turn].rewind();
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
    for (const batch of merged(layer.batches)) {
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

  /** What the engine behind has not taken in is reckoned with at its worst; so that goes first. */
  async #makeRoom(coming: number): Promise<void> {
    const { sizeMaxBytes } = this.#options;
    if (this.#sizeAfter(coming) <= sizeMaxBytes) return;
    await this.#catchUp();
    const size = this.#sizeAfter(coming);
    if (size <= sizeMaxBytes) return;
    throw new JdbxError(
      'STORE_FULL',
      `expected at most ${sizeMaxBytes} bytes, this commit may need ${size}`,
    );
  }

  /** Free space serves by half: it is in pieces, and what a snapshot still sees is not free yet. */
  #sizeAfter(coming: number): number {
    const needed = GROWTH * (this.#backlog + coming);
    const grows = Math.max(0, needed - this.#behind.freeBytes() / 2);
    return this.#behind.sizeBytes() + grows;
  }
}

/** Batches put together up to a number of changes; the last one's names and log bound count. */
function* merged(batches: readonly EngineBatch[]): Generator<EngineBatch> {
  let commits: EngineBatch['commits'][number][] = [];
  let changes = 0;
  let last: EngineBatch | undefined;
  for (const batch of batches) {
    commits.push(...batch.commits);
    changes += batch.commits.reduce((sum, commit) => sum + commit.changes.length, 0);
    last = { ...batch, names: { ...last?.names, ...batch.names } };
    if (changes < APPLY_CHANGES) continue;
    yield { ...last, commits };
    commits = [];
    changes = 0;
    last = undefined;
  }
  if (last) yield { ...last, commits };
}
