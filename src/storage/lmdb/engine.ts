import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';
import { decodeNamed, encodeNamed } from '../codec.js';
import type { Engine, EngineBatch, EngineSnapshot } from '../contract.js';
import { checkNotOpenHere, takeExclusively } from './exclusive.js';
import { storeFailure } from './failure.js';
import { checkFile } from './file-check.js';
import { textKey } from './keys.js';
import { type Operation, toOperations } from './operations.js';
import { LmdbSnapshot } from './snapshot.js';
import { openTables, type Tables } from './tables.js';

export interface LmdbOptions {
  /** Refuse commits that would take the file past this size, in bytes. Default: no limit. */
  readonly sizeMaxBytes?: number | undefined;
  /** Make a store where there is none. Default true. */
  readonly create?: boolean | undefined;
}

/** Written into every store; a store with a higher number is refused. */
const FORMAT = 1;
const FILE = 'jdbx.mdb';
/** Each open snapshot takes a place in LMDB's reader table. */
const SNAPSHOTS_MAX = 4_096;

/**
 * Opens or creates the store in the directory `path`.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_MISSING, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function openLmdb(path: string, options: LmdbOptions = {}): Promise<Engine> {
  const file = prepareFile(path, options.create ?? true);
  let root: RootDatabase | undefined;
  try {
    root = open({
      path: file,
      maxDbs: 8,
      maxReaders: SNAPSHOTS_MAX,
      encoding: 'binary',
      keyEncoding: 'binary',
      // Only an explicit batch is a transaction. With batching by event turn a failed
      // commit also rejects a promise that nobody holds (seen with lmdb 3.5.6).
      eventTurnBatching: false,
    });
    const release = takeExclusively(root, file);
    const tables = openTables(root);
    await checkFormat(tables, path);
    return new LmdbEngine(tables, file, release, options.sizeMaxBytes ?? Number.POSITIVE_INFINITY);
  } catch (thrown) {
    await root?.close();
    throw storeFailure(thrown, file);
  }
}

function prepareFile(path: string, create: boolean): string {
  if (!create && !existsSync(join(path, FILE))) {
    throw new JdbxError('STORE_MISSING', `expected a store in ${path}`);
  }
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    if (existsSync(path)) {
      throw new JdbxError('STORE_FOREIGN', `expected a directory at ${path}`, { cause });
    }
    throw storeFailure(cause, path);
  }
  const file = join(realpathSync(path), FILE);
  checkNotOpenHere(file);
  if (existsSync(file)) checkFile(file);
  return file;
}

async function checkFormat(tables: Tables, path: string): Promise<void> {
  const stored = tables.names.get(textKey('format'));
  if (stored === undefined) {
    await tables.names.put(textKey('format'), encodeNamed(FORMAT));
    return;
  }
  const format = decodeNamed(stored);
  if (typeof format !== 'number' || format > FORMAT) {
    throw new JdbxError(
      'STORE_TOO_NEW',
      `expected format ${FORMAT} or older in ${path}, got ${String(format)}`,
    );
  }
}

class LmdbEngine implements Engine {
  readonly name = 'lmdb';
  readonly #tables: Tables;
  readonly #file: string;
  readonly #release: () => void;
  readonly #sizeMaxBytes: number;
  #seq: number;
  #logStart: number;
  #closed = false;

  constructor(tables: Tables, file: string, release: () => void, sizeMaxBytes: number) {
    this.#tables = tables;
    this.#file = file;
    this.#release = release;
    this.#sizeMaxBytes = sizeMaxBytes;
    const snapshot = new LmdbSnapshot(tables);
    this.#seq = snapshot.seq;
    this.#logStart = snapshot.logStart();
    snapshot.close();
  }

  get seq(): number {
    return this.#seq;
  }

  snapshot(): EngineSnapshot {
    this.#checkOpen();
    return new LmdbSnapshot(this.#tables);
  }

  async commit(batch: EngineBatch): Promise<void> {
    this.#checkOpen();
    const last = batch.commits.at(-1);
    if (!last) return;
    const operations = toOperations(batch, this.#logStart);
    this.#checkSize(operations);
    try {
      await this.#write(operations);
    } catch (thrown) {
      throw storeFailure(await realCause(thrown), this.#file);
    }
    this.#seq = last.seq;
    this.#logStart = Math.max(this.#logStart, Math.min(batch.logFrom, last.seq + 1));
    this.#tables.root.resetReadTxn();
  }

  sizeBytes(): number {
    return statSync(this.#file).size;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
    await this.#tables.root.close();
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    const { root } = this.#tables;
    await root.batch(() => {
      for (const { table, key, value } of operations) {
        if (value) this.#tables[table].put(key, value);
        else this.#tables[table].remove(key);
      }
    });
    await root.flushed;
  }

  /** A copy-on-write tree needs room for the new pages before the old ones are free. */
  #checkSize(operations: readonly Operation[]): void {
    if (this.#sizeMaxBytes === Number.POSITIVE_INFINITY) return;
    const coming = operations.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    const size = this.sizeBytes() + coming;
    if (size > this.#sizeMaxBytes) {
      throw new JdbxError(
        'STORE_FULL',
        `expected at most ${this.#sizeMaxBytes} bytes in ${this.#file}, this commit needs ${size}`,
      );
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', `expected ${this.#file} to be open`);
  }
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
