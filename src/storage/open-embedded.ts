import type { Engine } from './contract.js';
import { type JournalOptions, openJournaled } from './journal/engine.js';
import { type LmdbOptions, openLmdb, openLmdbWith, prepareDirectory } from './lmdb/engine.js';
import { takePart } from './lmdb/exclusive.js';
import { refuseForeign } from './lmdb/refuse-foreign.js';
import { type NativeLocks, nativeLocks } from './sharing/native-locks.js';
import { Sharing } from './sharing/sharing.js';

export type EmbeddedOptions = JournalOptions & Pick<LmdbOptions, 'create'>;

/**
 * The embedded engine: LMDB in the directory `path`, with a journal in front. Where the
 * native part is built, several processes may have it open; else one has it alone.
 *
 * @throws {JdbxError} STORE_IN_USE, STORE_BUSY, STORE_FOREIGN, STORE_TOO_NEW, STORE_CORRUPT, STORE_READ_ONLY, STORE_IO
 */
export async function openEmbedded(path: string, options: EmbeddedOptions = {}): Promise<Engine> {
  const directory = prepareDirectory(path, options.create ?? true);
  return nativeLocks
    ? openTogether(directory, options, nativeLocks)
    : openAlone(directory, options);
}

async function openAlone(directory: string, options: EmbeddedOptions): Promise<Engine> {
  const behind = await openLmdb(directory);
  try {
    return openJournaled(behind, directory, options);
  } catch (error) {
    await behind.close();
    throw error;
  }
}

async function openTogether(
  directory: string,
  options: EmbeddedOptions,
  locks: NativeLocks,
): Promise<Engine> {
  refuseForeign(directory);
  const sharing = await Sharing.join(directory, 'opener', locks);
  try {
    const behind = await openBehind(directory, sharing);
    const engine = await openInFront(behind, directory, options, sharing);
    // Whoever was here before may have died with a commit that it told nobody of.
    await engine.others?.lock();
    engine.others?.unlock();
    return engine;
  } catch (error) {
    sharing.close();
    throw error;
  }
}

/** Under the write lock, so that the journal's files stay as they are while they are read. */
async function openInFront(
  behind: Engine,
  directory: string,
  options: EmbeddedOptions,
  sharing: Sharing,
): Promise<Engine> {
  try {
    await sharing.lockWrite();
    try {
      return openJournaled(behind, directory, options, sharing);
    } finally {
      sharing.unlockWrite();
    }
  } catch (error) {
    await behind.close();
    throw error;
  }
}

/** Under the take lock, since a file that is written meanwhile cannot be looked over. */
async function openBehind(directory: string, sharing: Sharing): Promise<Engine> {
  await sharing.lockTake();
  try {
    return await openLmdbWith(directory, {}, (root, file) =>
      takePart(root, file, () => sharing.pids()),
    );
  } finally {
    sharing.unlockTake();
  }
}
