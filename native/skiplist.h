/*
 * skiplist: an ordered map of (key bytes, ref) that remembers how long each
 * entry was true, as a skip list of blocks.
 *
 *   level 2   head ─────────────────────────────► [ G ]
 *               │                                   │
 *   level 1   head [ · A C E ] ─────────────────► [ G I ]
 *               │    │ │ └──────────────┐           │ └─────────┐
 *   level 0   head ► A ◄──► C ◄───────► E ◄──────► G ◄───────► I
 *             each a frame over a block of up to 128 entries (block.h)
 *
 * A block of level 0 holds entries. A block above holds, in the same order, the
 * first entry and the frame of each block below it. When a block of level 0 is
 * split, its new half draws the height of its tower, each further level with a
 * chance of 1/64 from a seeded generator: it is entered in that many levels, and
 * begins a new block in each but the highest. So there is nothing to balance,
 * and the same operations always build the same list.
 *
 * A frame is where a block stands, and stays; a block is what it holds, and is
 * never changed: a writer builds its successor and swings the frame to it.
 *
 *   frame | block, next : one 64-bit word | previous | parent | ... |
 *
 * Why copies and not sequence counters: a reader of a copied-on-write block
 * never retries and reads plain memory, where one under a sequence counter reads
 * what is being overwritten, needs every byte to be atomic, and starves beside a
 * busy writer. The price is a copy of about 4 KiB an insert, or one for all that an
 * apply brings into a block; removals change one word in place. Block and next stand in one word because a split changes both:
 * apart, a reader between the two stores would meet the upper half twice or not
 * at all.
 *
 * Why a reader is right: what it finds at its start is current; every block it
 * meets later was current at some moment after its start, because a frame taken
 * out keeps its last word. Such a block holds every entry of the reader's
 * snapshot in its range, since only entries of later snapshots come and only
 * released ones go. Index entries are added after, and taken out before, the
 * frames they lead to; a reader that finds none for its way walks right, or
 * begins again when an index block lost its front under it.
 *
 * Invariants (skiplist_check): entries stand by key, ref, age. The lives of one
 * (key, ref) are neighbours, oldest first, and at one seq at most one is
 * visible. No block but those of heads is empty. A frame with a parent has its
 * entry there. Frames with dead entries are in the dirty list.
 *
 * Memory: entries that died at or before a released seq are dropped, their
 * blocks merge with a neighbour at half a block or less together, and what
 * readers may still see waits in limbo (epoch.h). So memory follows the number
 * of entries, whatever came and went. When there is no memory, an insert is
 * refused and the apply it belongs to taken back whole, in place, with no need
 * to allocate; an index entry that finds none is left out (seeks walk one block
 * more until the next insert there adds it); a release leaves voids, which the
 * next one drops.
 *
 * Threads: one writer at a time (another gets SKIPLIST_BUSY): apply, revert,
 * release, purge. Any number of readers, each with its own epoch_reader: read, count.
 * They neither wait nor make the writer wait. skiplist_stats is for any thread.
 * A seq is published by the caller: a reader may ask for one once it knows, in
 * the sense of happens-before, that its apply has returned.
 *
 * Who frees what: skiplist_destroy frees everything; readers must be closed.
 */
#ifndef JDBX_SKIPLIST_H
#define JDBX_SKIPLIST_H

#include <stddef.h>

#include "block.h"

#define SKIPLIST_LEVELS 7u

typedef enum {
  SKIPLIST_OK = 0,
  SKIPLIST_NO_MEMORY = 1,
  /* Two threads wrote at once; nothing was done for the second. */
  SKIPLIST_BUSY = 2,
  /* An insert of what lives already. */
  SKIPLIST_LIVES = 3,
  /* A removal of what does not live. */
  SKIPLIST_LIVES_NOT = 4,
  /* A change under an older seq than its entry has seen. */
  SKIPLIST_OLD_SEQ = 5,
  /* A revert of what was not done last to its entry, at that seq. */
  SKIPLIST_NOT_LAST = 6,
  /* A key that a result has no room for. */
  SKIPLIST_NO_ROOM = 7,
  /* Two keys that are the same, where none should be. */
  SKIPLIST_TIED = 8,
} skiplist_status;

typedef struct {
  block_target entry;
  bool remove;
} skiplist_change;

typedef struct {
  uint64_t entries; /* dead ones included */
  uint64_t live;
  uint64_t bytes;     /* in use */
  uint64_t footprint; /* most that was ever in use at once; what trimming gave back included */
  uint32_t key_length_max;
} skiplist_stats;

typedef struct {
  uint32_t seed; /* of the tower heights; 0 is a default */
  arena_options memory;
} skiplist_options;

typedef struct skiplist skiplist;

/* NULL when there is no memory. */
skiplist *skiplist_create(const skiplist_options *options);
void skiplist_destroy(skiplist *self);

/*
 * Applies one commit's changes under `seq`, or none of them; `*failed` then says
 * which one was refused. Keys need to live during the call only. Changes are made in
 * the order of the list, those of one entry as they come, and what comes into one
 * block together costs one copy of it.
 */
skiplist_status skiplist_apply(skiplist *self, const skiplist_change *changes, size_t count,
                               uint64_t seq, size_t *failed);
/* Takes skiplist_apply(changes, seq) back, newest seq first. Never lacks memory. */
skiplist_status skiplist_revert(skiplist *self, const skiplist_change *changes, size_t count,
                                uint64_t seq, size_t *failed);
/* Frees what died at or before `seq`. The caller knows that no reader uses an older snapshot. */
skiplist_status skiplist_release(skiplist *self, uint64_t seq);
/*
 * Forgets every life of the entries whose ref has its bit set (bit ref % 8 of byte
 * ref / 8, refs below `refs_max`): for a list that catches up with changes whose old
 * keys nobody knows. The caller knows that nobody reads. Looks at every entry once.
 */
skiplist_status skiplist_purge(skiplist *self, const uint8_t *refs, uint64_t refs_max);

skiplist_stats skiplist_measure(const skiplist *self);
/* For tests, with no writer at work: NULL, or the invariant that is broken. */
const char *skiplist_check(const skiplist *self);

/* NULL when there is no memory. One for each thread that reads. */
epoch_reader *skiplist_reader_open(skiplist *self);
void skiplist_reader_close(epoch_reader *reader);

#endif
