import { join } from 'node:path';
import { JdbxError } from '../../base/errors.js';
import { addsDocuments, checkBatch } from '../check-batch.js';
import type { Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { storeFailure } from '../lmdb/failure.js';
import { FlushFailure, JournalFile } from './journal-file.js';
import { Layer } from './layer.js';
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
    const generation = await replay(behind, paths);
    return new JournaledEngine(behind, paths, generation + 1, options);
  } catch (thrown) {
    throw storeFailure(thrown, directory);
  }
}

/** Brings the engine up to the end of the journal. Returns the newest generation found. */
async function replay(behind: Engine, paths: readonly string[]): Promise<number> {
  const turns = paths.map((path) => JournalFile.read(path)).filter(({ length }) => length > 0);
  turns.sort(([left], [right]) => (left?.generation ?? 0) - (right?.generation ?? 0));
  for (const { batch } of turns.flat()) await replayBatch(behind, batch);
  return turns.at(-1)?.[0]?.generation ?? 0;
}

async function replayBatch(behind: Engine, batch: EngineBatch): Promise<void> {
  const commits = batch.commits.filter(({ seq }) => seq > behind.seq);
  const first = commits[0]?.seq;
  if (first === undefined) return;
  if (first !== behind.seq + 1) {
    throw new JdbxError(
      'STORE_CORRUPT',
      `expected commit ${behind.seq + 1} in the journal, it goes on with ${first}`,
    );
  }
  await behind.commit({ ...batch, commits });
}

class JournaledEngine implements Engine {
  readonly name: string;
  readonly #behind: Engine;
  readonly #files: readonly [JournalFile, JournalFile];
  readonly #paths: readonly [string, string];
  readonly #options: typeof DEFAULTS;
  #turn = 0;
  #generation: number;
  #active = new Layer();
  /** The layer that the engine behind is taking in. */
  #leaving: Layer | undefined;
  #applying: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #seq: number;
  #refusal: JdbxError | undefined;

  constructor(
    behind: Engine,
    paths: readonly [string, string],
    generation: number,
    { sizeMaxBytes, layerMaxBytes, idleMs }: JournalOptions,
  ) {
    this.name = behind.name;
    this.#behind = behind;
    this.#paths = paths;
    this.#files = [new JournalFile(paths[0]), new JournalFile(paths[1])];
    this.#generation = generation;
    this.#options = {
      sizeMaxBytes: sizeMaxBytes ?? DEFAULTS.sizeMaxBytes,
      layerMaxBytes: layerMaxBytes ?? DEFAULTS.layerMaxBytes,
      idleMs: idleMs ?? DEFAULTS.idleMs,
    };
    this.#seq = behind.seq;
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
    const record = encodeRecord(this.#generation, batch);
    if (addsDocuments(batch)) this.#checkSize(record.length);
    await this.#append(record);
    this.#active.add(batch, record.length);
    this.#seq = last.seq;
    this.#schedule();
  }

  sizeBytes(): number {
    return this.#behind.sizeBytes() + this.#files[0].sizeBytes + this.#files[1].sizeBytes;
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

  async #append(record: Buffer): Promise<void> {
    try {
      await this.#files[this.#turn as 0 | 1].append(record);
    } catch (thrown) {
      const failure = thrown instanceof FlushFailure ? thrown.cause : thrown;
      const error = storeFailure(failure, this.#paths[this.#turn as 0 | 1]);
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
    if (this.#applying || (!this.#leaving && this.#active.isEmpty)) return;
    // A layer that could not be taken in stays, with its file, until it can.
    if (!this.#leaving) {
      this.#leaving = this.#active;
      this.#active = new Layer();
      this.#turn = 1 - this.#turn;
      this.#generation++;
      this.#files[this.#turn as 0 | 1].rewind();
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
      this.#apply();
      await this.#applying;
    }
  }

  get #backlog(): number {
    return this.#active.bytes + (this.#leaving?.bytes ?? 0);
  }

  #checkSize(coming: number): void {
    const size = this.#behind.sizeBytes() + GROWTH * (this.#backlog + coming);
    if (size <= this.#options.sizeMaxBytes) return;
    throw new JdbxError(
      'STORE_FULL',
      `expected at most ${this.#options.sizeMaxBytes} bytes, this commit may need ${size}`,
    );
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
