import { readSync } from 'node:fs';
import { type FileMeta, readRoot } from './file-meta.js';

/** A run of pages. */
export interface PageRun {
  readonly page: number;
  readonly count: number;
}

/**
 * Layout of a tree page in data version 2 of LMDB, with 24 bytes of header:
 *
 *   18 flags (2)   20 end of the list of nodes, counted from the header's end (2)
 *   24 for each node its place (2), counted from the header's end
 *
 * and of a node:
 *
 *   0 low (2)   2 high (2)   4 flags (2)   6 length of the key (2)   8 key, then data
 *
 * In a branch, low, high and flags are the child's page number. In a leaf, the data is
 * the value, or for a big one the page number (8), transaction (8) and number (8) of its
 * pages, or for a table its tree (48, the root in the last 8).
 */
const HEADER = 24;
const PAGE = { branch: 1, leaf: 2 } as const;
const NODE = { big: 1, table: 2 } as const;
const KNOWN_VERSION = 2;

/** Every run of pages that the newest commit uses. Of another version of LMDB nothing is known. */
export function* pagesInUse(file: number, meta: FileMeta): Generator<PageRun, void> {
  if (meta.version !== KNOWN_VERSION) return;
  const waiting = meta.roots.filter((root) => root !== undefined);
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    yield { page, count: 1 };
    const bytes = Buffer.alloc(meta.pageSize);
    readSync(file, bytes, 0, bytes.length, page * meta.pageSize);
    const flags = bytes.readUInt16LE(18);
    for (const node of nodesOf(bytes)) {
      if (flags & PAGE.branch) waiting.push(childOf(bytes, node));
      else if (flags & PAGE.leaf) yield* pagesOfValue(bytes, node, waiting);
    }
  }
}

function* nodesOf(bytes: Buffer): Generator<number, void> {
  const end = HEADER + bytes.readUInt16LE(20);
  for (let at = HEADER; at < end; at += 2) yield HEADER + bytes.readUInt16LE(at);
}

function childOf(bytes: Buffer, node: number): number {
  const [low, high, top] = [0, 2, 4].map((at) => bytes.readUInt16LE(node + at)) as [
    number,
    number,
    number,
  ];
  return low + high * 2 ** 16 + top * 2 ** 32;
}

/** The pages of a big value; a table's root is left to be visited. */
function* pagesOfValue(bytes: Buffer, node: number, waiting: number[]): Generator<PageRun, void> {
  const flags = bytes.readUInt16LE(node + 4);
  const data = node + 8 + bytes.readUInt16LE(node + 6);
  if (flags & NODE.big) {
    const count = Number(bytes.readBigUInt64LE(data + 16));
    yield { page: Number(bytes.readBigUInt64LE(data)), count };
  }
  if (flags & NODE.table) {
    const root = readRoot(bytes, data + 40);
    if (root !== undefined) waiting.push(root);
  }
}
