import { readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory, syncFile } from './durable-files.js';
import { storeFailure } from './lmdb/failure.js';
import { lockFileOf, STORE_FILE } from './lmdb/store-file.js';
import { openEmbedded } from './open-embedded.js';

export interface CompactResult {
  /** Bytes on disk. */
  readonly before: number;
  readonly after: number;
}

/**
 * Gives the space that a store no longer uses back to the file system: its pages in use are
 * copied, and the copy takes the place of the store's file in one step. A kill leaves the one
 * or the other, whole.
 *
 * The store must not be open. Everyone who has it open maps the file itself, not its name,
 * and would go on in the old one: what they write after the exchange would be lost.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_FULL, and what `open` throws
 */
export async function compactStore(path: string): Promise<CompactResult> {
  const engine = await openEmbedded(path, { create: false });
  const directory = realpathSync(path);
  const file = join(directory, STORE_FILE);
  const compact = `${file}.compact`;
  try {
    rmSync(compact, { force: true });
    const before = sizeOf(directory);
    await engine.copyTo?.(compact);
    syncFile(compact);
    renameSync(compact, file);
    syncDirectory(directory);
    // Who opened the old lock file meanwhile finds another one there, and begins again.
    rmSync(lockFileOf(file), { force: true });
    return { before, after: sizeOf(directory) };
  } catch (thrown) {
    rmSync(compact, { force: true });
    throw storeFailure(thrown, file);
  } finally {
    await engine.close();
  }
}

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { name }) => sum + statSync(join(directory, name)).size, 0);
}
