import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';
import { syncDirectory, syncFile } from '../durable-files.js';
import { copyPages } from './copy.js';
import { storeFailure } from './failure.js';
import { compactOf, lockFileOf } from './store-file.js';

/**
 * Puts a compact copy, which holds commit `seq` too, in the place of the store's file. Nobody
 * writes or opens the store meanwhile. A kill leaves the one file or the other under the
 * store's name, whole; after an error it is the old one.
 *
 * @throws {JdbxError} STORE_FULL, STORE_IO
 */
export async function exchangeFile(root: RootDatabase, file: string, seq: number): Promise<void> {
  const compact = compactOf(file);
  try {
    rmSync(compact, { force: true });
    const copied = await copyPages(root, compact);
    if (copied !== seq) refuseCopy(compact, seq, copied);
    syncFile(compact);
    renameSync(compact, file);
  } catch (thrown) {
    rmSync(compact, { force: true });
    throw storeFailure(thrown, file);
  }
}

/**
 * Makes the exchange last. The new file gets a lock file of its own: the old one belongs to
 * those who map the old file.
 */
export function settleExchange(file: string): void {
  syncDirectory(dirname(file));
  rmSync(lockFileOf(file), { force: true });
}

function refuseCopy(compact: string, expected: number, got: number): never {
  throw new JdbxError('STORE_IO', `expected commit ${expected} in ${compact}, got ${got}`);
}
