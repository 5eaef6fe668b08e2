import { resolve } from 'node:path';
import { Jdbx } from './jdbx.js';
import type { OpenOptions } from './open-options.js';
import { openMemory } from './storage/memory/engine.js';
import { openEmbedded } from './storage/open-embedded.js';

/** The path of a store that is kept in memory and ends with the process. */
export const MEMORY = ':memory:';

/**
 * Opens or creates the store in the directory `path`.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_MISSING, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Jdbx> {
  if (typeof path !== 'string' || path === '') {
    throw new TypeError(`open: expected the path of a directory, got ${String(path)}`);
  }
  const { sizeMaxBytes, create } = options;
  const embedded = () => openEmbedded(path, { sizeMaxBytes, create });
  const engine = path === MEMORY ? openMemory() : await embedded();
  try {
    const jdbx = new Jdbx(engine, options, path === MEMORY ? undefined : resolve(path));
    await jdbx.begin(options);
    return jdbx;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
