import { readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { JdbxError } from '../base/errors.js';
import type { Engine } from './contract.js';
import { makeDirectories, syncDirectory, syncFile } from './durable-files.js';
import { storeFailure } from './lmdb/failure.js';
import { STORE_FILE } from './lmdb/store-file.js';

export interface BackupOptions {
  /** Ends the backup and leaves nothing of it. It is heeded when the copy of pages is through. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

export interface BackupProgress {
  readonly bytes: number;
  /** The size of the store; its copy has no unused pages and may end sooner. */
  readonly totalBytes: number;
}

export interface BackupResult {
  /** The commit that the backup equals. */
  readonly seq: number;
  readonly bytes: number;
}

const PROGRESS_MS = 100;
/** What a backup that was killed leaves: no name under which a store is looked for. */
const PARTIAL = `${STORE_FILE}.partial`;

/**
 * Copies the store, as it is after some commit from now on, into the directory `path`, while
 * reads and writes go on. The file gets its name when it is whole and on disk.
 *
 * @throws {JdbxError} BACKUP_TARGET, STORE_FULL, STORE_IO; and what the signal was aborted with
 */
export async function backUp(
  engine: Engine,
  path: string,
  options: BackupOptions = {},
): Promise<BackupResult> {
  if (!engine.copyTo)
    throw new TypeError('backup: expected a store on disk, this one is in memory');
  options.signal?.throwIfAborted();
  const target = resolve(path);
  const isNew = prepareTarget(target);
  const partial = join(target, PARTIAL);
  const stop = tellProgress(partial, engine.sizeBytes(), options);
  try {
    const seq = await engine.copyTo(partial);
    options.signal?.throwIfAborted();
    syncFile(partial);
    renameSync(partial, join(target, STORE_FILE));
    syncDirectory(target);
    syncDirectory(dirname(target));
    return { seq, bytes: statSync(join(target, STORE_FILE)).size };
  } catch (thrown) {
    rmSync(partial, { force: true });
    if (isNew) rmdirSync(target);
    options.signal?.throwIfAborted();
    throw storeFailure(thrown, partial);
  } finally {
    stop();
  }
}

/** @returns true when the directory was made for it */
function prepareTarget(target: string): boolean {
  try {
    const made = makeDirectories(target);
    const others = readdirSync(target).filter((name) => !name.startsWith(PARTIAL));
    if (others.length > 0) refuse(target, `it holds ${others[0]}`);
    for (const left of readdirSync(target)) rmSync(join(target, left));
    return made !== undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') refuse(target, 'it is a file', cause);
    throw storeFailure(cause, target);
  }
}

function refuse(target: string, reason: string, cause?: unknown): never {
  throw new JdbxError('BACKUP_TARGET', `expected an empty directory at ${target}: ${reason}`, {
    cause,
  });
}

function tellProgress(file: string, totalBytes: number, { onProgress }: BackupOptions): () => void {
  if (!onProgress) return () => {};
  const tell = () => {
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    onProgress({ bytes, totalBytes: Math.max(totalBytes, bytes) });
  };
  const timer = setInterval(tell, PROGRESS_MS);
  return () => clearInterval(timer);
}
