import { rmSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { decodeNamed } from '../codec.js';
import { textKey } from './keys.js';
import { lockFileOf } from './store-file.js';

/**
 * Writes the pages in use to `file`, which is not there yet, as one commit of LMDB left them,
 * in a thread of its own while others read and write. Not flushed.
 *
 * @returns the newest commit in the copy
 */
export async function copyPages(root: RootDatabase, file: string): Promise<number> {
  await root.backup(file, true);
  return readSeq(file);
}

/** Which commit it was shows the copy alone: the writer went on. */
async function readSeq(file: string): Promise<number> {
  const copy = open({
    path: file,
    maxDbs: 8,
    readOnly: true,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  try {
    const names = copy.openDB({ name: 'names', encoding: 'binary', keyEncoding: 'binary' });
    const seq = names.get(textKey('seq')) as Uint8Array | undefined;
    return seq ? (decodeNamed(seq) as number) : 0;
  } finally {
    await copy.close();
    rmSync(lockFileOf(file), { force: true });
  }
}
