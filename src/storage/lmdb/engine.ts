import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';
import type { Bodies } from '../bodies/bodies.js';
import { addsDocuments, checkBatch } from '../check-batch.js';
import type { CompactResult, Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { makeDirectories } from '../durable-files.js';
import { copyPages } from './copy.js';
import { exchangeFile, LostFile, removeCompact, settleExchange } from './exchange.js';
import { takeExclusively } from './exclusive.js';
import { storeFailure } from './failure.js';
import { checkFile } from './file-check.js';
import { checkFormat, checkTables } from './format.js';
import { beginFreeList } from './free-list.js';
import { OpenedFile } from './opened-file.js';
import { type Operation, packBatch, toOperations } from './operations.js';
import { PageReader } from './page-reader.js';
import { sizeAfter } from './room.js';
import { LmdbSnapshot } from './snapshot.js';
import { inodeOf, lockFileOf, STORE_FILE } from './store-file.js';
import { openTables, type Tables } from './tables.js';

export interface LmdbOptions {
  /**
   * Refuse commits that would take the file past this size, in bytes; where free space is in
   * pieces, by less than one commit more. Commits that only remove documents are let through:
   * they make room. Default: no limit.
   */
  readonly sizeMaxBytes?: number | undefined;
  /** Make a store where there is none. Default true. */
  readonly create?: boolean | undefined;
}

/** Places in LMDB's reader table. An open snapshot takes one; some are kept for the engine itself. */
const PLACES = 4_096;
const SNAPSHOTS_MAX = PLACES - 96;

/**
 * Opens or creates the store in the directory `path`, for this opener alone.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_MISSING, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function openLmdb(path: string, options: LmdbOptions = {}): Promise<Engine> {
  const directory = prepareDirectory(path, options.create ?? true);
  return openLmdbWith(directory, options, takeExclusively);
}

/**
 * Opens it as one of several. `takePart` looks at who else is there, and throws to refuse;
 * what it returns is called when the engine has its line in the reader table.
 */
export async function openLmdbWith(
  directory: string,
  options: LmdbOptions,
  takePart: TakePart,
): Promise<Engine> {
  const opening = await openFile(directory, takePart);
  // Nobody compacts the store while it is opened: this is what a kill left.
  removeCompact(opening.file);
  const reopen = () => openFile(directory, takePart, opening.tables.bodies);
  const sizeMaxBytes = options.sizeMaxBytes ?? Number.POSITIVE_INFINITY;
  const engine = new LmdbEngine(opening, reopen, sizeMaxBytes);
  opening.release();
  return engine;
}

type TakePart = (root: RootDatabase, file: string) => () => void;

interface Opening {
  readonly tables: Tables;
  readonly file: string;
  /** Gives the line in the reader table back that was held meanwhile. */
  readonly release: () => void;
}

/** The file again, after it was exchanged by one that is known to be ours. */
export function reopenTables(file: string, bodies: Bodies): Tables {
  const tables = openTables(openRoot(file), bodies);
  tables.root.resetReadTxn();
  return tables;
}

/** The tables of the file, made where they are not there. */
export async function openFile(
  directory: string,
  takePart: TakePart,
  bodies?: Bodies,
): Promise<Opening> {
  const file = join(directory, STORE_FILE);
  const lock = inodeOf(lockFileOf(file));
  if (existsSync(file)) checkFile(file);
  let root: RootDatabase | undefined;
  try {
    root = openRoot(file);
    const release = takePart(root, file);
    checkExchanged(file, lock);
    checkTables(root, directory);
    const tables = openTables(root, bodies);
    // A read transaction from before a table was made does not know the table.
    root.resetReadTxn();
    await checkFormat(tables, directory);
    return { tables, file, release };
  } catch (thrown) {
    await root?.close();
    throw storeFailure(thrown, file);
  }
}

/** The store's file was exchanged by a compaction while it was being opened: ours is the old one. */
function checkExchanged(file: string, lock: number | undefined): void {
  if (lock === undefined || inodeOf(lockFileOf(file)) === lock) return;
  throw new JdbxError('STORE_IN_USE', `expected no compaction of ${file} meanwhile, open it again`);
}

/**
 * The directory by its real name, made if wanted. A file in it that is no store is refused.
 *
 * @throws {JdbxError} STORE_MISSING, STORE_FOREIGN, STORE_READ_ONLY, STORE_IO
 */
export function prepareDirectory(path: string, create: boolean): string {
  if (!create && !existsSync(join(path, STORE_FILE))) {
    throw new JdbxError('STORE_MISSING', `expected a store in ${path}`);
  }
  try {
    makeDirectories(resolve(path));
  } catch (cause) {
    if (existsSync(path)) {
      throw new JdbxError('STORE_FOREIGN', `expected a directory at ${path}`, { cause });
    }
    throw storeFailure(cause, path);
  }
  return realpathSync(path);
}

function openRoot(path: string): RootDatabase {
  return open({
    path,
    maxDbs: 8,
    maxReaders: PLACES,
    encoding: 'binary',
    keyEncoding: 'binary',
    // Only an explicit batch is a transaction. With batching by event turn a failed
    // commit also rejects a promise that nobody holds (seen with lmdb 3.5.6).
    eventTurnBatching: false,
    // The flush is part of the commit: what cannot be flushed is not there either. The
    // other way, readers see a commit before it is durable; it is no faster for one writer.
    overlappingSync: false,
  });
}

class LmdbEngine implements Engine {
  readonly name = 'lmdb';
  readonly #file: string;
  readonly #reopen: () => Promise<Opening>;
  readonly #sizeMaxBytes: number;
  /** The newest commit. It keeps our line in the reader table, and holds no page longer than the next commit. */
  #newest: LmdbSnapshot;
  #opened: OpenedFile;
  #snapshots = 0;
  #closed = false;
  /** A copy or a compaction that is under way. */
  #copying: Promise<unknown> | undefined;
  /** Why the file is not the one that has the store's name. */
  #lost: LostFile | undefined;
  /** True since a commit failed: it may have been for good. */
  #isDoubtful = false;

  constructor({ tables, file }: Opening, reopen: () => Promise<Opening>, sizeMaxBytes: number) {
    this.#opened = new OpenedFile(tables, PageReader.open(file));
    this.#file = file;
    this.#reopen = reopen;
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#newest = new LmdbSnapshot(tables);
  }

  get bodies(): Bodies {
    return this.#tables.bodies;
  }

  get seq(): number {
    return this.#newest.seq;
  }

  snapshot(): EngineSnapshot {
    this.#checkOpen();
    const opened = this.#opened.take();
    this.#snapshots++;
    const onClose = () => {
      this.#snapshots--;
      opened.release();
    };
    return new LmdbSnapshot(opened.tables, onClose, { pages: opened.pages });
  }

  async commit(batch: EngineBatch): Promise<void> {
    this.#checkOpen();
    if (this.#lost) throw this.#lost;
    if (this.#isDoubtful) this.#checkWritable();
    checkBatch(batch, this.seq);
    const last = batch.commits.at(-1);
    if (!last) return;
    this.#checkPlaces();
    const packed = packBatch(batch, this.bodies);
    const operations = toOperations(batch, packed, this.#newest);
    try {
      if (addsDocuments(batch)) this.#checkRoom(operations);
      await this.#write(operations);
    } catch (thrown) {
      if (!batch.packed) this.bodies.shapes.dropFresh();
      this.#isDoubtful = true;
      throw storeFailure(await realCause(thrown), this.#file, bytesOf(operations));
    }
    if (!batch.packed) this.bodies.shapes.settle();
    this.#renew();
  }

  refresh(): void {
    this.#checkOpen();
    this.#renew();
  }

  async copyTo(file: string): Promise<number> {
    this.#checkOpen();
    return this.#alone(() => copyPages(this.#tables.root, file));
  }

  /** @throws {JdbxError} STORE_FULL, STORE_IO: it goes on in the file that it had */
  compact(): Promise<CompactResult> {
    return this.#alone(async () => {
      this.#checkOpen();
      if (this.#lost) throw this.#lost;
      const before = this.sizeBytes();
      await exchangeFile(this.#tables.root, this.#file, this.seq);
      await this.#moveOver();
      return { before, after: this.sizeBytes() };
    });
  }

  sizeBytes(): number {
    return statSync(this.#file).size;
  }

  sizeAfter(batch: EngineBatch): number {
    const packed = packBatch(batch, this.bodies);
    return sizeAfter(this.#tables, toOperations(batch, packed, this.#newest));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A copy reads the mapped file.
    await this.#copying?.catch(() => {});
    this.#newest.close();
    await this.#opened.close();
  }

  /** The file that was is read until its last snapshot is closed, and written no more. */
  async #moveOver(): Promise<void> {
    const before = { newest: this.#newest, opened: this.#opened };
    try {
      settleExchange(this.#file);
      const { tables, file, release } = await this.#reopen();
      this.#newest = new LmdbSnapshot(tables);
      this.#opened = new OpenedFile(tables, PageReader.open(file));
      release();
    } catch (thrown) {
      // Whatever would be written now would be lost with the file that has no name any more.
      this.#lost = new LostFile(storeFailure(thrown, this.#file), this.#file);
      throw this.#lost;
    }
    before.newest.close();
    before.opened.release();
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#copying;
    const running = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    this.#copying = running;
    return running;
  }

  get #tables(): Tables {
    return this.#opened.tables;
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    const tables = this.#tables;
    const { root } = tables;
    await beginFreeList(tables);
    await root.batch(() => {
      for (const { table, key, value } of operations) {
        if (value) tables[table].put(key as Uint8Array, value);
        else tables[table].remove(key as Uint8Array);
      }
    });
    await root.flushed;
  }

  #renew(): void {
    this.#tables.root.resetReadTxn();
    const before = this.#newest;
    this.#newest = new LmdbSnapshot(this.#tables);
    before.close();
  }

  /** Before the commit, since after it a snapshot must be had: readers move on with it. */
  #checkPlaces(): void {
    if (this.#snapshots <= SNAPSHOTS_MAX) return;
    throw new JdbxError(
      'STORE_IO',
      `expected at most ${SNAPSHOTS_MAX} open snapshots of ${this.#file}, close some`,
    );
  }

  #checkRoom(operations: readonly Operation[]): void {
    if (this.#sizeMaxBytes === Number.POSITIVE_INFINITY) return;
    const size = sizeAfter(this.#tables, operations);
    if (size <= this.#sizeMaxBytes) return;
    throw new JdbxError(
      'STORE_FULL',
      `expected at most ${this.#sizeMaxBytes} bytes in ${this.#file}, this commit may need ${size}`,
    );
  }

  /**
   * After the failed write of a meta page LMDB refuses to write until it is opened again, and
   * the binding's asynchronous commits never settle then (seen with lmdb 3.5.6).
   */
  #checkWritable(): void {
    try {
      this.#tables.root.transactionSync(() => {});
      this.#isDoubtful = false;
    } catch (thrown) {
      throw storeFailure(thrown, this.#file);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', `expected ${this.#file} to be open`);
  }
}

function bytesOf(operations: readonly Operation[]): number {
  return operations.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

/** lmdb rejects with a general error whose `commitError` promise carries the reason. */
async function realCause(thrown: unknown): Promise<unknown> {
  const reason = (thrown as { commitError?: Promise<unknown> } | null)?.commitError;
  if (!reason) return thrown;
  return reason.then(
    () => thrown,
    (cause: unknown) => cause,
  );
}
