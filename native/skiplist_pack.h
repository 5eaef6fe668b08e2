/*
 * Packing: a second list that holds what one snapshot of the first one sees, built
 * at a stroke from the bottom up.
 *
 *   level 1   [ · C F ]  waits until it is full  ──► block, frame, its first entry up
 *   level 0   [ g h ]    waits until it is full  ──► block, frame, its first entry up
 *               ▲
 *   reader of the first list, a batch at a time
 *
 * Blocks come out seven eighths full, in order, each behind its frame: an eighth is
 * room for the first inserts, and a scan of the packed list walks memory forward.
 * Every entry is born at the snapshot's seq; nothing in the list is dead.
 *
 * Why not a copy of the arena: this reads beside a writer without stopping it, and
 * leaves behind what is dead, free or in limbo.
 *
 * Threads: as skiplist_read, over the first list. Nobody else knows the second one
 * before it is returned. The caller keeps the snapshot from being released meanwhile.
 *
 * Who frees what: the caller destroys the list that it is given; there is none, and
 * nothing is left behind, when there is no memory.
 */
#ifndef JDBX_SKIPLIST_PACK_H
#define JDBX_SKIPLIST_PACK_H

#include "skiplist_read.h"

/* NULL when there is no memory. */
skiplist *skiplist_pack(skiplist *from, epoch_reader *reader, uint64_t seq,
                        const skiplist_options *options);

#endif
