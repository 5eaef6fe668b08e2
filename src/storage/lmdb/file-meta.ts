import { readSync } from 'node:fs';

/** What a meta page of an LMDB file says. */
export interface FileMeta {
  readonly version: number;
  readonly pageSize: number;
  /** Roots of the tree of free pages and of the tree of tables; undefined where a tree is empty. */
  readonly roots: readonly (number | undefined)[];
  /** The last page that was ever given out. */
  readonly lastPage: number;
  readonly txn: bigint;
}

/**
 * The first two pages are meta pages, written in turn. In the LMDB that `lmdb` builds
 * (`struct MDB_meta` in its mdb.c) a page header takes 24 bytes; then come
 *
 *   24 magic (4)   28 version (4)   32 address (8)   40 map size (8)
 *   48 tree of free pages (48)   96 tree of tables (48)
 *   144 last page (8)   152 transaction (8)
 *
 * A tree begins with 4 bytes, in the first one the page size, and ends with its root (8).
 */
const MAGIC = 0xbeefc0de;
const AT = { magic: 24, version: 28, pageSize: 48, roots: [88, 136], last: 144, txn: 152 } as const;
const END = 160;

/** The meta page of the newest commit; undefined when this is no LMDB file. */
export function newestMeta(file: number): FileMeta | undefined {
  const first = readMeta(file, 0);
  if (!first) return undefined;
  const second = readMeta(file, first.pageSize);
  return second && second.txn > first.txn ? second : first;
}

function readMeta(file: number, position: number): FileMeta | undefined {
  const bytes = Buffer.alloc(END);
  if (readSync(file, bytes, 0, END, position) < END) return undefined;
  if (bytes.readUInt32LE(AT.magic) !== MAGIC) return undefined;
  const pageSize = bytes.readUInt32LE(AT.pageSize);
  if (pageSize < 256 || pageSize > 65_536) return undefined;
  return {
    version: bytes.readUInt32LE(AT.version) & 0xffff,
    pageSize,
    roots: AT.roots.map((at) => readRoot(bytes, at)),
    lastPage: Number(bytes.readBigUInt64LE(AT.last)),
    txn: bytes.readBigUInt64LE(AT.txn),
  };
}

/** A page number, or undefined for the number that stands for an empty tree. */
export function readRoot(bytes: Buffer, at: number): number | undefined {
  const page = bytes.readBigUInt64LE(at);
  return page === 0xffff_ffff_ffff_ffffn ? undefined : Number(page);
}
