import type { RootDatabase } from 'lmdb';

/** What lmdb tells of one table; its types leave it open. */
export interface TableStats {
  readonly pageSize: number;
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

export interface FileStats extends TableStats {
  readonly lastPageNumber: number;
  readonly root: TableStats;
  /** The list of free pages: an entry for each transaction that freed some. */
  readonly free: TableStats;
}

export function statsOf(root: RootDatabase): FileStats {
  return root.getStats() as FileStats;
}
