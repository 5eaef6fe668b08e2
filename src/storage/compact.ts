import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './contract.js';
import { openEmbedded } from './open-embedded.js';

export interface CompactResult {
  /** Bytes on disk. */
  readonly before: number;
  readonly after: number;
}

/**
 * Gives the space that a store no longer uses back to the file system: its pages in use are
 * copied, and the copy takes the place of the store's file in one step. A kill leaves the one
 * or the other, whole. `db.compact()` does the same to a store that is open here.
 *
 * @throws {JdbxError} STORE_IN_USE when anybody has the store open; STORE_FULL, and what `open` throws
 */
export async function compactStore(path: string): Promise<CompactResult> {
  const engine = await openEmbedded(path, { create: false });
  const directory = realpathSync(path);
  const before = sizeOf(directory);
  try {
    await engine.compact?.();
  } finally {
    await engine.close();
  }
  return { before, after: sizeOf(directory) };
}

/** @throws {JdbxError} what `compact` of an engine throws; the store goes on in the file that it had */
export async function compactOpen(engine: Engine): Promise<CompactResult> {
  if (!engine.compact)
    throw new TypeError('compact: expected a store on disk, this one is in memory');
  const before = engine.sizeBytes();
  await engine.compact();
  return { before, after: engine.sizeBytes() };
}

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { name }) => sum + statSync(join(directory, name)).size, 0);
}
