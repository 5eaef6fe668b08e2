import { realpathSync } from 'node:fs';
import type { Engine } from './contract.js';
import { type JournalOptions, openJournaled } from './journal/engine.js';
import { openLmdb } from './lmdb/engine.js';

/**
 * The embedded engine: LMDB in the directory `path`, with a journal in front.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function openEmbedded(path: string, options: JournalOptions = {}): Promise<Engine> {
  const behind = await openLmdb(path);
  try {
    return await openJournaled(behind, realpathSync(path), options);
  } catch (error) {
    await behind.close();
    throw error;
  }
}
