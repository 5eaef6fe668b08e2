/*
 * Reading a skip list at a snapshot, a batch at a time.
 *
 * A range lies between two places: after every entry at or before `low`, up to
 * and with every entry at or before `high`. Refs run from 1, so ref 0 stands
 * before a key and UINT32_MAX after it.
 *
 * A batch holds no memory and no place in the list: what was read last, its key
 * and ref, becomes the `low` of the next batch (its `high`, with the ref less
 * one, in reverse). At one seq a (key, ref) is visible at most once, so none
 * comes twice, whatever the writer does between two batches.
 *
 * Threads: any, each with its own reader record, while one other writes.
 */
#ifndef JDBX_SKIPLIST_READ_H
#define JDBX_SKIPLIST_READ_H

#include "skiplist.h"

typedef struct {
  block_target low;
  block_target high;
  bool has_high; /* without it, to the end */
  bool reverse;
  uint64_t seq;
} skiplist_range;

typedef struct {
  uint32_t *refs;
  uint32_t refs_max;
  /* One after the other, with their lengths beside them; NULL when not wanted. */
  uint8_t *keys;
  uint32_t *key_lengths;
  uint64_t keys_max;
  /* Whether two entries of one key end the batch, with SKIPLIST_TIED. */
  bool distinct;
  /* Receives the last key read when there may be more; NULL for an upward reader that stops there. */
  uint8_t *last;
  uint64_t last_max;

  /* The answer. */
  uint32_t count;
  uint32_t last_length;
  bool done;
  bool tied;
  uint64_t room_needed; /* with SKIPLIST_NO_ROOM: the bytes of the key that did not fit */
} skiplist_batch;

/* SKIPLIST_OK, SKIPLIST_TIED, or SKIPLIST_NO_ROOM, after which nothing was read. */
skiplist_status skiplist_read(skiplist *self, epoch_reader *reader, const skiplist_range *range,
                              skiplist_batch *batch);

/* How many entries of the range are visible. */
uint64_t skiplist_count(skiplist *self, epoch_reader *reader, const skiplist_range *range);

#endif
