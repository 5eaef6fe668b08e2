import type { Operation } from './operations.js';
import { statsOf, type TableStats } from './stats.js';
import { TABLE_NAMES, type TableName, type Tables } from './tables.js';

/** Pages that LMDB's own bookkeeping (meta, table records, free list) may take for one commit. */
const BOOKKEEPING_PAGES = 8;
const ENTRY_BYTES = 16;

/**
 * The size of the file after these operations, in bytes, at the worst. A commit
 * copies each page that it changes, and the copied ones are free for the next;
 * pages that are free now are used before the file grows.
 */
export function sizeAfter(tables: Tables, operations: readonly Operation[]): number {
  const { pages, free, pageSize, stats } = roomOf(tables);
  const needed = TABLE_NAMES.reduce(
    (sum, name, at) => sum + pagesNeeded(stats[at] as TableStats, name, operations),
    BOOKKEEPING_PAGES,
  );
  return (pages + Math.max(0, needed - free)) * pageSize;
}

function roomOf(tables: Tables) {
  const root = statsOf(tables.root);
  const stats = TABLE_NAMES.map((name) => tables[name].getStats() as TableStats);
  const used = [root.root, root.free, ...stats].reduce((sum, each) => sum + pagesOf(each), 2);
  const pages = root.lastPageNumber + 1;
  return { pages, free: pages - used, pageSize: root.pageSize, stats };
}

function pagesOf(stats: TableStats): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
}

function pagesNeeded(stats: TableStats, name: TableName, operations: readonly Operation[]): number {
  const own = operations.filter(({ table }) => table === name);
  const copied = Math.min(
    own.length * stats.treeDepth,
    stats.treeBranchPageCount + stats.treeLeafPageCount,
  );
  // Small entries fill the pages that they split at least by half.
  const bytes = own.reduce(
    (sum, { key, value }) =>
      sum + (value ? Buffer.byteLength(key) + value.length + ENTRY_BYTES : 0),
    0,
  );
  return copied + Math.ceil((bytes * 2) / stats.pageSize);
}
