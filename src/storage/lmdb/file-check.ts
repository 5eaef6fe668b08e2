import { closeSync, fstatSync, openSync } from 'node:fs';
import { JdbxError } from '../../base/errors.js';
import { type FileMeta, newestMeta } from './file-meta.js';
import { pagesInUse } from './file-pages.js';

/**
 * Looks at an LMDB file before it is mapped, because mapping a file that is no
 * LMDB file, or one that was cut short, ends the process instead of failing.
 *
 * A sound file may be shorter than its last page number says: pages at its end that
 * were given out and given back in one commit are never written. Then each page that
 * is in use is looked up.
 *
 * @throws {JdbxError} STORE_FOREIGN, STORE_CORRUPT
 */
export function checkFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const meta = newestMeta(file);
    if (!meta) throw new JdbxError('STORE_FOREIGN', `expected a JDBX store in ${path}`);
    if (size < 2 * meta.pageSize) refuse(path, size, 2 * meta.pageSize);
    if (size < (meta.lastPage + 1) * meta.pageSize) checkPages(file, path, size, meta);
  } finally {
    closeSync(file);
  }
}

function checkPages(file: number, path: string, size: number, meta: FileMeta): void {
  for (const { page, count } of pagesInUse(file, meta)) {
    const end = (page + count) * meta.pageSize;
    if (end > size) refuse(path, size, end);
  }
}

function refuse(path: string, size: number, expected: number): never {
  throw new JdbxError(
    'STORE_CORRUPT',
    `expected at least ${expected} bytes in ${path}, got ${size}: the file was cut short`,
  );
}
