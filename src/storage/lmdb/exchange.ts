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
    removeCompact(file);
    const copied = await copyPages(root, compact);
    if (copied !== seq) refuseCopy(compact, seq, copied);
    syncFile(compact);
    renameSync(compact, file);
  } catch (thrown) {
    removeCompact(file);
    throw storeFailure(thrown, file);
  }
}

/** What a compaction leaves that was cut short. */
export function removeCompact(file: string): void {
  const compact = compactOf(file);
  rmSync(compact, { force: true });
  rmSync(lockFileOf(compact), { force: true });
}

/**
 * Makes the exchange last. The new file gets a lock file of its own: the old one belongs to
 * those who map the old file.
 */
export function settleExchange(file: string): void {
  syncDirectory(dirname(file));
  rmSync(lockFileOf(file), { force: true });
}

/**
 * The file that is open has no name any more, and the one that has it could not be opened. Both
 * hold the same, but whatever were written now could not be found again.
 */
export class LostFile extends JdbxError {
  constructor(cause: JdbxError, file: string) {
    const text = `expected to open ${file} again after it was compacted`;
    super(cause.code, `${text}; nothing is lost, open the store again`, { cause });
  }
}

function refuseCopy(compact: string, expected: number, got: number): never {
  throw new JdbxError('STORE_IO', `expected commit ${expected} in ${compact}, got ${got}`);
}
