import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeThrown, JdbxError } from '../../base/errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'MDB_MAP_FULL']);
const READ_ONLY = new Set(['EACCES', 'EROFS', 'EPERM']);
const FOREIGN = new Set(['MDB_INVALID', 'MDB_VERSION_MISMATCH']);
const CORRUPT = new Set(['MDB_CORRUPTED', 'MDB_PAGE_NOTFOUND']);

/** LMDB numbers its own errors below zero; the operating system's are its errno. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  13: 'EACCES',
  27: 'EFBIG',
  28: 'ENOSPC',
  30: 'EROFS',
  122: 'EDQUOT',
  [-30792]: 'MDB_MAP_FULL',
  [-30793]: 'MDB_INVALID',
  [-30794]: 'MDB_VERSION_MISMATCH',
  [-30795]: 'MDB_PANIC',
  [-30796]: 'MDB_CORRUPTED',
  [-30797]: 'MDB_PAGE_NOTFOUND',
};

/**
 * Turns what LMDB or the file system threw into an error with our code.
 *
 * @param bytes how much the commit that failed was about to write
 */
export function storeFailure(thrown: unknown, path: string, bytes = 0): JdbxError {
  if (thrown instanceof JdbxError) return thrown;
  const name = nameOf(thrown);
  const text = `${path}: ${describeThrown(thrown)}`;
  const facts = { cause: thrown };
  if (FULL.has(name) || (name === 'EIO' && !hasRoom(path, bytes))) {
    return new JdbxError('STORE_FULL', `expected room to write in ${text}`, facts);
  }
  if (READ_ONLY.has(name)) {
    return new JdbxError('STORE_READ_ONLY', `expected write access to ${text}`, facts);
  }
  if (FOREIGN.has(name)) {
    return new JdbxError('STORE_FOREIGN', `expected a JDBX store in ${text}`, facts);
  }
  if (CORRUPT.has(name)) {
    return new JdbxError('STORE_CORRUPT', `expected sound pages in ${text}`, facts);
  }
  return new JdbxError('STORE_IO', text, facts);
}

/** A copy of pages that fails tells the system's text alone. */
const FULL_TEXT = /no space left on device|file too large|quota exceeded/i;

function nameOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (code === undefined && FULL_TEXT.test(String(thrown))) return 'ENOSPC';
  return typeof code === 'number' ? (NAMES[code] ?? String(code)) : String(code);
}

const FREE_BYTES_MIN = 2 ** 20;
const TRIAL = Buffer.alloc(4_096, 1);

/**
 * LMDB reports a short write, which is what a full disk, a quota or a limit on the
 * size of files gives first, as EIO, as it does a broken disk. So the free space is
 * looked at, and a page written to a file beside the store at the place where the
 * commit would have ended.
 */
function hasRoom(path: string, bytes: number): boolean {
  const trial = `${path}-trial`;
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    if (bavail * bsize < FREE_BYTES_MIN + bytes * 2) return false;
    const file = openSync(trial, 'w');
    try {
      return writeSync(file, TRIAL, 0, TRIAL.length, statSync(path).size + bytes) === TRIAL.length;
    } finally {
      closeSync(file);
      rmSync(trial, { force: true });
    }
  } catch (error) {
    return !FULL.has(String((error as NodeJS.ErrnoException).code));
  }
}
