import { numberStore } from './format.js';
import { statsOf } from './stats.js';
import type { Tables } from './tables.js';

/**
 * Sees to it that LMDB's list of free pages has an entry, before a transaction that may be large.
 *
 * A compact copy has none. The first entry of a list is looked for beyond its page when it is too
 * long for a page itself, some 250 freed pages of 4 KiB: the process ends, or goes on with
 * whatever stands there (seen with lmdb 3.5.6, `mdb_page_alloc` inside of `mdb_freelist_save`;
 * https://github.com/kriszyp/lmdb-js/issues/317 shows the same). What changes one value frees a
 * few pages, and each transaction after it leaves an entry of its own.
 */
export async function beginFreeList(tables: Tables): Promise<void> {
  if (statsOf(tables.root).free.entryCount > 0) return;
  await numberStore(tables);
}
