import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { JdbxError } from '../../base/errors.js';

/**
 * Looks at an LMDB file before it is mapped, because mapping a file that is no
 * LMDB file, or one that was cut short, ends the process instead of failing.
 *
 * The first two pages are meta pages. In the LMDB that `lmdb` builds a page
 * header takes 24 bytes; then come magic (4), data version (4), address (8), map
 * size (8), two tree records whose first 4 bytes are the page size (48 to 143),
 * the last used page (8) and the transaction id (8).
 *
 * @throws {JdbxError} STORE_FOREIGN, STORE_CORRUPT
 */
export function checkFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const first = readMeta(file, 0);
    if (!first) throw new JdbxError('STORE_FOREIGN', `expected a JDBX store in ${path}`);
    const second = readMeta(file, first.pageSize);
    const newest = second && second.txn > first.txn ? second : first;
    const expected = (newest.lastPage + 1) * newest.pageSize;
    if (size < expected) {
      throw new JdbxError(
        'STORE_CORRUPT',
        `expected at least ${expected} bytes in ${path}, got ${size}: the file was cut short`,
      );
    }
  } finally {
    closeSync(file);
  }
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly txn: bigint;
}

const MAGIC = 0xbeefc0de;
const AT = { magic: 24, pageSize: 48, lastPage: 144, txn: 152, end: 160 } as const;

function readMeta(file: number, position: number): Meta | undefined {
  const bytes = Buffer.alloc(AT.end);
  if (readSync(file, bytes, 0, AT.end, position) < AT.end) return undefined;
  if (bytes.readUInt32LE(AT.magic) !== MAGIC) return undefined;
  const pageSize = bytes.readUInt32LE(AT.pageSize);
  if (pageSize < 256 || pageSize > 65536) return undefined;
  return {
    pageSize,
    lastPage: Number(bytes.readBigUInt64LE(AT.lastPage)),
    txn: bytes.readBigUInt64LE(AT.txn),
  };
}
