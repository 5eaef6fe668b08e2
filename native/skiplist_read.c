#include "skiplist_read.h"

#include <string.h>

#include "frames.h"

/* How far a reverse reader looks for its left neighbour before it searches from the top. */
#define STEPS_MAX 8u
/* How many frames a count asks for ahead, and then as many blocks. */
#define SCOUT_FRAMES 8u

/* A batch under way. */
typedef struct {
  const skiplist *list;
  const skiplist_range *range;
  skiplist_batch *batch;
  /* The entry read last; NULL before the first. */
  const block *last_block;
  uint32_t last_at;
  uint64_t keys_used;
  bool full;
} reading;

static void took(reading *self, const block *from, uint32_t at) {
  self->last_block = from;
  self->last_at = at;
}

/* False when the key has no room, which ends the batch. */
static bool take_key(reading *self, const block *from, uint32_t at) {
  skiplist_batch *batch = self->batch;
  block_key key = block_key_at(from, at);
  uint32_t length = block_key_length(key);
  if (self->keys_used + length > batch->keys_max) {
    if (batch->count == 0) batch->room_needed = length;
    return false;
  }
  block_key_copy(key, batch->keys + self->keys_used);
  batch->key_lengths[batch->count] = length;
  self->keys_used += length;
  return true;
}

/* False, and the batch is tied, when an entry has the key of the one that was read last. */
static bool differs(reading *self, const block *from, uint32_t at) {
  if (!self->last_block || !block_same_key(self->last_block, self->last_at, from, at)) return true;
  self->batch->tied = true;
  return false;
}

/* False when the batch takes no more. */
static bool take(reading *self, const block *from, uint32_t at) {
  skiplist_batch *batch = self->batch;
  if (!block_visible(from, at, self->range->seq)) return true;
  if (batch->count == batch->refs_max) return false;
  if (batch->keys && !take_key(self, from, at)) return false;
  if (batch->distinct && !differs(self, from, at)) return false;
  batch->refs[batch->count++] = block_refs(from)[at];
  took(self, from, at);
  return true;
}

/* The batch ends here: its last key, about this far into the heap, will be asked for. */
static void fetch_last(const block *from, uint32_t end) {
  __builtin_prefetch(block_offsets(from) + end);
  __builtin_prefetch(block_heap(from) + (uint64_t)from->heap_length * end / from->count);
}

/* Whether the entries from `low` to `high` have keys of their own, and another than the last one read. */
static bool all_differ(reading *self, const block *from, uint32_t low, uint32_t high) {
  if (!differs(self, from, self->range->reverse ? high - 1 : low)) return false;
  self->batch->tied = block_ties(from, low, high);
  return !self->batch->tied;
}

/* Without looking at each entry: all are seen, and no key is wanted. */
static void take_run(reading *self, const block *from, uint32_t low, uint32_t high) {
  skiplist_batch *batch = self->batch;
  uint32_t room = batch->refs_max - batch->count;
  uint32_t taken = high - low < room ? high - low : room;
  bool down = self->range->reverse;
  self->full = taken < high - low;
  if (taken == 0) return;
  if (self->full && batch->last && !down) fetch_last(from, low + taken);
  if (down) low = high - taken;
  else high = low + taken;
  if (batch->distinct && !all_differ(self, from, low, high)) {
    self->full = true;
    return;
  }
  const uint32_t *refs = block_refs(from);
  uint32_t *to = batch->refs + batch->count;
  if (!down) memcpy(to, refs + low, (uint64_t)taken * sizeof(uint32_t));
  else for (uint32_t n = 0; n < taken; n++) to[n] = refs[high - 1 - n];
  batch->count += taken;
  took(self, from, down ? low : high - 1);
}

static void take_between(reading *self, const block *from, uint32_t low, uint32_t high) {
  if (low >= high) return;
  if (!self->batch->keys && block_all_visible(from, self->range->seq)) {
    take_run(self, from, low, high);
  } else if (self->range->reverse) {
    for (uint32_t at = high; at > low && !self->full; at--) self->full = !take(self, from, at - 1);
  } else {
    for (uint32_t at = low; at < high && !self->full; at++) self->full = !take(self, from, at);
  }
}

/* Reads the next frame; its block's refs, and the frame after it, travel while this one is used. */
static skiplist_place read_ahead(const skiplist *list, arena_ref next) {
  skiplist_place ahead = frame_read(list, next);
  const uint8_t *bytes = (const uint8_t *)ahead.block;
  if (ahead.next) __builtin_prefetch(frame_at(list, ahead.next));
  for (uint32_t line = 0; line < 6; line++) __builtin_prefetch(bytes + line * 64);
  return ahead;
}

/* Where the range ends in a block, and whether it does. */
static uint32_t stop_of(const skiplist_range *range, const block *from, bool *last) {
  if (!range->has_high || from->count == 0) return from->count;
  if (block_at_or_before(from, from->count - 1u, &range->high)) return from->count;
  *last = true;
  return block_rank(from, &range->high);
}

static void read_up(reading *self) {
  skiplist_place at = skiplist_seek(self->list, &self->range->low);
  for (;;) {
    bool last = !at.next;
    uint32_t stop = stop_of(self->range, at.block, &last);
    skiplist_place ahead = last ? at : read_ahead(self->list, at.next);
    take_between(self, at.block, at.rank, stop);
    if (self->full || last) return;
    at = ahead;
  }
}

/* From the top, to before the first entry of a block whose left neighbour is lost. */
static bool seek_left(reading *self, skiplist_place *at) {
  skiplist_batch *batch = self->batch;
  block_key first = block_key_at(at->block, 0);
  block_target target = {batch->last, block_key_length(first), block_refs(at->block)[0]};
  if (target.length > batch->last_max) {
    batch->room_needed = target.length;
    return false;
  }
  block_key_copy(first, batch->last);
  /* Older lives of the first entry may stand left of it: only if none was taken are they due. */
  if (self->last_block && block_holds(self->last_block, self->last_at, &target)) target.ref--;
  *at = skiplist_seek(self->list, &target);
  return true;
}

/* To the end of the block that covers what stands left of this one. */
static bool step_left(reading *self, skiplist_place *at) {
  arena_ref right = at->frame;
  skiplist_place left =
      frame_read(self->list, atomic_load(&frame_at(self->list, right)->previous));
  for (uint32_t steps = 0; steps < STEPS_MAX && left.next && left.next != right; steps++) {
    left = frame_read(self->list, left.next);
  }
  if (left.next != right) return seek_left(self, at);
  *at = left;
  at->rank = at->block->count;
  return true;
}

static void read_down(reading *self) {
  const skiplist_range *range = self->range;
  skiplist_place at = range->has_high ? skiplist_seek(self->list, &range->high)
                                      : skiplist_seek_end(self->list);
  for (;;) {
    bool last = atomic_load(&frame_at(self->list, at.frame)->previous) == 0;
    uint32_t start = 0;
    if (at.block->count > 0 && block_at_or_before(at.block, 0, &range->low)) {
      start = block_rank(at.block, &range->low);
      last = true;
    }
    take_between(self, at.block, start, at.rank);
    if (self->full || last || !step_left(self, &at)) return;
  }
}

static bool keep_last(reading *self) {
  skiplist_batch *batch = self->batch;
  block_key key = block_key_at(self->last_block, self->last_at);
  batch->last_length = block_key_length(key);
  if (batch->last_length > batch->last_max) {
    batch->room_needed = batch->last_length;
    return false;
  }
  block_key_copy(key, batch->last);
  return true;
}

skiplist_status skiplist_read(skiplist *self, epoch_reader *reader, const skiplist_range *range,
                              skiplist_batch *batch) {
  reading under_way = {.list = self, .range = range, .batch = batch};
  batch->count = batch->last_length = 0;
  batch->room_needed = 0;
  batch->tied = false;
  epoch_enter(&self->epochs, reader);
  if (range->reverse) read_down(&under_way);
  else read_up(&under_way);
  batch->done = !under_way.full;
  bool goes_on = !batch->done && !batch->tied;
  if (goes_on && batch->count > 0 && batch->last) (void)keep_last(&under_way);
  epoch_leave(reader);
  if (batch->room_needed) return SKIPLIST_NO_ROOM;
  return batch->tied ? SKIPLIST_TIED : SKIPLIST_OK;
}

static uint64_t count_block(const block *from, uint32_t low, uint32_t high, uint64_t seq) {
  if (low >= high) return 0;
  if (block_all_visible(from, seq)) return high - low;
  uint64_t total = 0;
  for (uint32_t at = low; at < high; at++) total += block_visible(from, at, seq);
  return total;
}

/*
 * Runs ahead of a walk along the leaves, by the entries of the level above, so that frames and
 * blocks come from memory side by side and not one after the other. What it says is a hint:
 * that level may know a frame more or less than the walk meets.
 */
typedef struct {
  const skiplist *list;
  skiplist_place at; /* in level 1 */
  uint32_t steps;
  arena_ref told[SCOUT_FRAMES]; /* frames on their way */
} scout;

static void scout_step(scout *self) {
  const skiplist *list = self->list;
  if (self->at.rank == self->at.block->count) {
    if (!self->at.next) return;
    self->at = frame_read(list, self->at.next);
    self->at.rank = 0;
  }
  arena_ref *slot = &self->told[self->steps++ % SCOUT_FRAMES];
  /* Told so long ago, the frame is there by now, and says where its block is. */
  if (*slot) __builtin_prefetch(frame_read(list, *slot).block);
  *slot = block_children(self->at.block)[self->at.rank++];
  __builtin_prefetch(frame_at(list, *slot));
}

static scout send_scout(const skiplist *self, const block_target *low) {
  scout made = {.list = self, .at = skiplist_seek_above(self, low)};
  for (uint32_t n = 0; n < SCOUT_FRAMES; n++) scout_step(&made);
  return made;
}

/*
 * Blocks between the first and the frame `end` lie whole within the range and are not compared
 * with its end; from there on, or without one, they are. False when the list ended without
 * `end`: a writer has taken it out meanwhile.
 */
static bool count_from(const skiplist *self, const skiplist_range *range, arena_ref end,
                       uint64_t *total) {
  skiplist_place at = skiplist_seek(self, &range->low);
  bool met = !end, far = at.frame != end && at.next != end && at.next && self->root->height > 0;
  scout ahead;
  if (far) ahead = send_scout(self, &range->low);
  *total = 0;
  for (bool compares = true;; compares = met) {
    bool ends = false;
    uint32_t stop = at.block->count;
    if (at.frame == end) met = compares = true;
    if (compares) stop = stop_of(range, at.block, &ends);
    if (far) scout_step(&ahead);
    *total += count_block(at.block, at.rank, stop, range->seq);
    if (ends) return true;
    if (!at.next) return met;
    at = frame_read(self, at.next);
  }
}

uint64_t skiplist_count(skiplist *self, epoch_reader *reader, const skiplist_range *range) {
  uint64_t total = 0;
  epoch_enter(&self->epochs, reader);
  arena_ref end = range->has_high ? skiplist_seek(self, &range->high).frame : 0;
  if (!count_from(self, range, end, &total)) (void)count_from(self, range, 0, &total);
  epoch_leave(reader);
  return total;
}
