import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { JdbxError } from '../../base/errors.js';

/**
 * Looks at an LMDB file before it is mapped, because mapping a file that is no
 * LMDB file, or one that was cut short, ends the process instead of failing.
 *
 * The first two pages are meta pages. In the LMDB that `lmdb` builds a page
 * header takes 24 bytes; then come magic (4), data version (4), address (8), map
 * size (8), two tree records of 48 bytes each, which begin with the page size (4)
 * and end with the root page (8), the last used page (8) and the transaction id (8).
 *
 * A sound file may end before its last used page: a page at the end that one
 * transaction took and gave back is never written. Such a file is made as long as
 * it says. If it was cut instead, the pages that are missing read as zeros, which
 * LMDB refuses as no page of its own.
 *
 * @throws {JdbxError} STORE_FOREIGN, STORE_CORRUPT
 */
export function checkFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const first = readMeta(file, 0);
    if (!first) throw new JdbxError('STORE_FOREIGN', `expected a JDBX store in ${path}`);
    const second = readMeta(file, first.pageSize);
    const newest = second && second.txn > first.txn ? second : first;
    const { pageSize, roots, lastPage } = newest;
    if (!second || roots.some((root) => (root + 1) * pageSize > size)) {
      throw new JdbxError('STORE_CORRUPT', `expected the whole of ${path}: it was cut short`);
    }
    const wanted = (lastPage + 1) * pageSize;
    if (size < wanted) ftruncateSync(file, wanted);
  } finally {
    closeSync(file);
  }
}

interface Meta {
  readonly pageSize: number;
  /** The root pages of the two trees; a tree that is empty has none. */
  readonly roots: readonly number[];
  readonly lastPage: number;
  readonly txn: bigint;
}

const MAGIC = 0xbeefc0de;
const AT = {
  magic: 24,
  pageSize: 48,
  freeRoot: 88,
  mainRoot: 136,
  lastPage: 144,
  txn: 152,
  end: 160,
} as const;
const NO_PAGE = 2n ** 64n - 1n;

function readMeta(file: number, position: number): Meta | undefined {
  const bytes = Buffer.alloc(AT.end);
  if (readSync(file, bytes, 0, AT.end, position) < AT.end) return undefined;
  if (bytes.readUInt32LE(AT.magic) !== MAGIC) return undefined;
  const pageSize = bytes.readUInt32LE(AT.pageSize);
  if (pageSize < 256 || pageSize > 65536) return undefined;
  const roots = [AT.freeRoot, AT.mainRoot].map((at) => bytes.readBigUInt64LE(at));
  return {
    pageSize,
    roots: roots.filter((root) => root !== NO_PAGE).map(Number),
    lastPage: Number(bytes.readBigUInt64LE(AT.lastPage)),
    txn: bytes.readBigUInt64LE(AT.txn),
  };
}
