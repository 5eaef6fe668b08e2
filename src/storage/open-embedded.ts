import { realpathSync } from 'node:fs';
import type { Engine } from './contract.js';
import { type JournalOptions, openJournaled } from './journal/engine.js';
import { type LmdbOptions, openLmdb } from './lmdb/engine.js';

export type EmbeddedOptions = JournalOptions & Pick<LmdbOptions, 'create'>;

/**
 * The embedded engine: LMDB in the directory `path`, with a journal in front.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function openEmbedded(path: string, options: EmbeddedOptions = {}): Promise<Engine> {
  const behind = await openLmdb(path, { create: options.create });
  try {
    return openJournaled(behind, realpathSync(path), options);
  } catch (error) {
    await behind.close();
    throw error;
  }
}
