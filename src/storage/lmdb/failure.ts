import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeThrown, JdbxError } from '../../base/errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'MDB_MAP_FULL']);
const READ_ONLY = new Set(['EACCES', 'EROFS', 'EPERM']);

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
  [-30796]: 'MDB_CORRUPTED',
};

const FREE_BYTES_MIN = 2 ** 20;

/** Turns what LMDB or the file system threw into an error with our code. */
export function storeFailure(thrown: unknown, path: string): JdbxError {
  if (thrown instanceof JdbxError) return thrown;
  const name = nameOf(thrown);
  const text = `${path}: ${describeThrown(thrown)}`;
  if (FULL.has(name) || (name === 'EIO' && isFull(path))) {
    return new JdbxError('STORE_FULL', `expected room to write in ${text}`, { cause: thrown });
  }
  if (READ_ONLY.has(name)) {
    return new JdbxError('STORE_READ_ONLY', `expected write access to ${text}`, { cause: thrown });
  }
  if (name === 'MDB_INVALID' || name === 'MDB_VERSION_MISMATCH') {
    return new JdbxError('STORE_FOREIGN', `expected a JDBX store in ${text}`, { cause: thrown });
  }
  if (name === 'MDB_CORRUPTED') {
    return new JdbxError('STORE_CORRUPT', `expected sound pages in ${text}`, { cause: thrown });
  }
  return new JdbxError('STORE_IO', text, { cause: thrown });
}

function nameOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? (NAMES[code] ?? String(code)) : String(code);
}

/** LMDB reports a short write, which is what a full disk first gives, as EIO. */
function isFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < FREE_BYTES_MIN;
  } catch {
    return false;
  }
}
