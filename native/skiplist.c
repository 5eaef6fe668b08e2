#include "skiplist.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

/* Two leaf blocks together at or below these become one. */
#define MERGE_ENTRIES_MAX (BLOCK_ENTRIES_MAX / 2)
#define MERGE_HEAP_MAX (BLOCK_HEAP_MAX / 2)
/* A further level has a chance of 1 in 2 to the power of this. */
#ifndef LEVEL_BITS
#define LEVEL_BITS 6u
#endif
#define SEED 0x9e3779b9u

/* Entries on their way from one or two blocks into others. */
typedef struct {
  uint32_t count;
  block_item items[BLOCK_ENTRIES_MAX + 1];
} run;

/* ---- frames and their links ---- */

static bool is_head(const skiplist *self, arena_ref at) {
  return atomic_load(&frame_at(self, at)->previous) == 0;
}

/* Publishes a frame's new block and next; the old block goes once no reader can hold it. */
static void swing(skiplist *self, arena_ref at, arena_ref block_at, arena_ref next) {
  arena_ref old = frame_block(self, at);
  frame_set_word(self, at, block_at, next);
  if (old != block_at) epoch_retire(&self->epochs, old);
}

/* ---- frames with dead entries ---- */

static void mark_dirty(skiplist *self, arena_ref at, uint64_t died) {
  frame *own = frame_at(self, at);
  if (own->died_min == DIED_NEVER) {
    arena_ref first = self->root->dirty;
    own->dirty_next = first;
    own->dirty_previous = 0;
    if (first) frame_at(self, first)->dirty_previous = at;
    self->root->dirty = at;
  }
  if (died < own->died_min) own->died_min = died;
}

static void mark_clean(skiplist *self, arena_ref at) {
  frame *own = frame_at(self, at);
  skiplist_root *root = self->root;
  if (own->died_min == DIED_NEVER) return;
  own->died_min = DIED_NEVER;
  if (root->dirty_cursor == at) root->dirty_cursor = own->dirty_next;
  if (own->dirty_next) frame_at(self, own->dirty_next)->dirty_previous = own->dirty_previous;
  if (own->dirty_previous) frame_at(self, own->dirty_previous)->dirty_next = own->dirty_next;
  else root->dirty = own->dirty_next;
}

static uint64_t oldest_death(const block *self) {
  uint64_t oldest = DIED_NEVER;
  for (uint32_t at = 0; at < self->count; at++) {
    uint64_t died = block_died_at(self, at);
    if (died < oldest) oldest = died;
  }
  return oldest;
}

static void update_dirty(skiplist *self, arena_ref at) {
  const block *own = frame_read(self, at).block;
  uint64_t died = oldest_death(own);
  if (died == DIED_NEVER) {
    mark_clean(self, at);
  } else {
    mark_dirty(self, at, died);
    frame_at(self, at)->died_min = died;
  }
}

/* ---- blocks out of runs ---- */

static void run_add(run *self, const block *from, uint32_t low, uint32_t high) {
  for (uint32_t at = low; at < high; at++) {
    block_item item = block_item_at(from, at);
    if (from->level == 0 && item.died == DIED_VOID) continue;
    assert(self->count < BLOCK_ENTRIES_MAX + 1);
    self->items[self->count++] = item;
  }
}

static bool piece_fits(const run *self, uint32_t from, uint32_t to) {
  return block_fits(self->items + from, to - from, BLOCK_ENTRIES_MAX, BLOCK_HEAP_MAX);
}

/* Where pieces begin and end: piece p holds the items [at[p], at[p + 1]). */
typedef struct {
  uint32_t pieces;
  uint32_t at[4];
} cuts;

static void cut_at(cuts *self, uint32_t at) {
  if (at > self->at[self->pieces]) self->at[++self->pieces] = at;
}

/* Around the item at `fresh`: what stood on either side fitted before, so it does now. */
static cuts cut_around(const run *self, uint32_t fresh) {
  cuts made = {0};
  cut_at(&made, fresh);
  cut_at(&made, fresh + 1);
  cut_at(&made, self->count);
  return made;
}

static cuts cut_once(const run *self, uint32_t middle) {
  cuts made = {0};
  cut_at(&made, middle);
  cut_at(&made, self->count);
  return made;
}

/* Ascending keys (dates, counters) leave full blocks behind, not halves. */
static cuts choose_cuts(const run *self, uint32_t fresh, bool last_block) {
  if (piece_fits(self, 0, self->count)) return cut_once(self, self->count);
  bool appends = last_block && fresh == self->count - 1;
  uint32_t middle = appends ? fresh : self->count / 2;
  bool fits = piece_fits(self, 0, middle) && piece_fits(self, middle, self->count);
  return fits ? cut_once(self, middle) : cut_around(self, fresh);
}

static void adopt(skiplist *self, arena_ref parent) {
  const block *own = frame_read(self, parent).block;
  for (uint32_t at = 0; at < own->count; at++) {
    frame_at(self, block_children(own)[at])->parent = parent;
  }
}

/* What a frame's writer-side facts must follow when its block has changed. */
static void settle(skiplist *self, arena_ref at) {
  if (frame_read(self, at).block->level) adopt(self, at);
  else update_dirty(self, at);
}

/*
 * Puts a run in the place of the block at `at`: its first piece in the same
 * frame, each further one in a frame of its own, told in `frames`. Changes
 * nothing and returns false when there is no memory.
 */
static bool replace(skiplist *self, skiplist_place at, const run *items, const cuts *cut,
                    arena_ref frames[3]) {
  arena_ref blocks[3] = {0};
  frames[0] = at.frame;
  frames[1] = frames[2] = 0;
  uint32_t level = at.block->level, pieces = cut->pieces ? cut->pieces : 1;
  for (uint32_t p = 0; p < pieces; p++) {
    blocks[p] = block_build(&self->memory, level, items->items + cut->at[p],
                            cut->at[p + 1] - cut->at[p]);
    if (!blocks[p]) goto no_memory;
    if (p > 0 && !(frames[p] = arena_allocate(&self->memory, sizeof(frame)))) goto no_memory;
  }
  arena_ref next = at.next;
  for (uint32_t p = pieces - 1; p > 0; p--) {
    frame_init(self, frames[p], blocks[p], next, frames[p - 1]);
    next = frames[p];
  }
  swing(self, at.frame, blocks[0], next);
  if (at.next && pieces > 1) atomic_store(&frame_at(self, at.next)->previous, frames[pieces - 1]);
  for (uint32_t p = 0; p < pieces; p++) settle(self, frames[p]);
  return true;

no_memory:
  for (uint32_t p = 0; p < pieces; p++) {
    if (blocks[p]) arena_free(&self->memory, blocks[p]);
    if (p > 0 && frames[p]) arena_free(&self->memory, frames[p]);
  }
  return false;
}

/* ---- towers ---- */

/* xorshift32 (Marsaglia 2003, https://doi.org/10.18637/jss.v008.i14). */
static uint32_t draw_height(skiplist_root *root) {
  uint32_t state = root->random;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  root->random = state;
  uint32_t height = 1;
  for (uint32_t bits = state; height < SKIPLIST_LEVELS - 1; bits >>= LEVEL_BITS, height++) {
    if (bits & ((1u << LEVEL_BITS) - 1)) break;
  }
  return height;
}

static uint32_t child_rank(const block *parent, arena_ref child) {
  const uint32_t *children = block_children(parent);
  uint32_t at = 0;
  while (children[at] != child) {
    at++;
    assert(at < parent->count);
  }
  return at;
}

/*
 * Enters `child` into the level above it, after the entry of what stands left
 * of it. With `begins`, a new block begins there. Returns the frame that holds
 * the entry, 0 when there is no memory.
 */
static arena_ref enter_above(skiplist *self, arena_ref child, bool begins) {
  arena_ref left = atomic_load(&frame_at(self, child)->previous);
  while (!frame_at(self, left)->parent) left = atomic_load(&frame_at(self, left)->previous);
  skiplist_place host = frame_read(self, frame_at(self, left)->parent);
  uint32_t fresh = child_rank(host.block, left) + 1;
  run items = {.count = 0};
  run_add(&items, host.block, 0, fresh);
  items.items[items.count] = block_item_at(frame_read(self, child).block, 0);
  items.items[items.count++].child = child;
  run_add(&items, host.block, fresh, host.block->count);
  cuts cut = choose_cuts(&items, fresh, !host.next);
  if (begins) {
    bool fits = piece_fits(&items, fresh, items.count);
    cut = fits ? cut_once(&items, fresh) : cut_around(&items, fresh);
  }
  arena_ref frames[3];
  return replace(self, host, &items, &cut, frames) ? frame_at(self, child)->parent : 0;
}

/* Without memory for all of it a tower stays lower, or its frame without an entry. */
static void raise_tower(skiplist *self, arena_ref child) {
  uint32_t height = draw_height(self->root);
  for (uint32_t level = 1; level <= height; level++) {
    child = enter_above(self, child, level < height);
    if (!child) return;
    if (level > atomic_load(&self->root->height)) atomic_store(&self->root->height, level);
  }
}

/* ---- taking frames out ---- */

static void retire_frame(skiplist *self, arena_ref at) {
  mark_clean(self, at);
  epoch_retire(&self->epochs, frame_block(self, at));
  epoch_retire(&self->epochs, at);
}

/* Gives `left` a block, and what stood right of `right` as its next; `right` is gone then. */
static void absorb(skiplist *self, arena_ref left, arena_ref right, arena_ref block_at) {
  arena_ref next = frame_read(self, right).next;
  assert(!frame_at(self, right)->parent && frame_read(self, left).next == right);
  swing(self, left, block_at, next);
  if (next) atomic_store(&frame_at(self, next)->previous, left);
  retire_frame(self, right);
}

static void unlink_frame(skiplist *self, arena_ref at) {
  arena_ref left = atomic_load(&frame_at(self, at)->previous);
  absorb(self, left, at, frame_block(self, left));
}

static bool leave_above(skiplist *self, arena_ref child);

/* Makes one block of two neighbours, if they are small and there is memory. */
static void merge(skiplist *self, arena_ref left, uint32_t entries_max, uint32_t heap_max) {
  skiplist_place low = frame_read(self, left);
  if (!low.next) return;
  skiplist_place high = frame_read(self, low.next);
  if ((uint32_t)low.block->count + high.block->count > entries_max) return;
  run items = {.count = 0};
  run_add(&items, low.block, 0, low.block->count);
  run_add(&items, high.block, 0, high.block->count);
  if (!block_fits(items.items, items.count, entries_max, heap_max)) return;
  arena_ref made = block_build(&self->memory, low.block->level, items.items, items.count);
  if (!made) return;
  if (!leave_above(self, high.frame)) {
    arena_free(&self->memory, made);
    return;
  }
  absorb(self, left, high.frame, made);
  settle(self, left);
}

/* Takes the entry of `child` out of the level above it; false when there is no memory. */
static bool leave_above(skiplist *self, arena_ref child) {
  arena_ref parent = frame_at(self, child)->parent;
  if (!parent) return true;
  skiplist_place host = frame_read(self, parent);
  uint32_t at = child_rank(host.block, child);
  /* A block that loses its first entry no longer begins where the level above says. */
  if (at == 0 && !leave_above(self, parent)) return false;
  if (host.block->count == 1) {
    unlink_frame(self, parent);
  } else {
    run items = {.count = 0};
    run_add(&items, host.block, 0, at);
    run_add(&items, host.block, at + 1, host.block->count);
    cuts cut = cut_once(&items, items.count);
    arena_ref frames[3];
    if (!replace(self, host, &items, &cut, frames)) return false;
    if (!frame_at(self, parent)->parent && !is_head(self, parent)) {
      arena_ref left = atomic_load(&frame_at(self, parent)->previous);
      merge(self, left, BLOCK_ENTRIES_MAX, BLOCK_HEAP_MAX);
    }
  }
  frame_at(self, child)->parent = 0;
  return true;
}

/* ---- lives ---- */

static void set_died(skiplist_place at, uint64_t died) {
  block *own = (block *)(uintptr_t)at.block;
  bool was_dead = block_died_at(own, at.rank) != DIED_NEVER, is_dead = died != DIED_NEVER;
  uint32_t dead = atomic_load_explicit(&own->dead, memory_order_relaxed);
  atomic_store_explicit(&own->dead, dead + is_dead - was_dead, memory_order_relaxed);
  atomic_store_explicit(&block_died(own)[at.rank], died, memory_order_relaxed);
}

static void count(skiplist *self, int entries, int live) {
  skiplist_root *root = self->root;
  uint64_t held = atomic_load_explicit(&root->entries, memory_order_relaxed);
  uint64_t living = atomic_load_explicit(&root->live, memory_order_relaxed);
  atomic_store_explicit(&root->entries, held + (uint64_t)(int64_t)entries, memory_order_relaxed);
  atomic_store_explicit(&root->live, living + (uint64_t)(int64_t)live, memory_order_relaxed);
}

/* Steps to the entry before the place; its rank is then that entry's. False when there is none. */
static bool step_back(const skiplist *self, skiplist_place *at) {
  while (at->rank == 0) {
    arena_ref previous = atomic_load(&frame_at(self, at->frame)->previous);
    if (!previous) return false;
    *at = frame_read(self, previous);
    at->rank = at->block->count;
  }
  at->rank--;
  return true;
}

/* The newest life of the entry, voids passed over; false when it has none. */
static bool newest_life(const skiplist *self, skiplist_place after, const block_target *entry,
                        skiplist_place *life) {
  while (step_back(self, &after)) {
    if (!block_holds(after.block, after.rank, entry)) return false;
    if (block_died_at(after.block, after.rank) == DIED_VOID) continue;
    *life = after;
    return true;
  }
  return false;
}

static bool find_life(const skiplist *self, const block_target *entry, skiplist_place *life) {
  return newest_life(self, skiplist_seek(self, entry), entry, life);
}

/* Through a run: a block with voids, a full one, or a key that the block's prefix does not fit. */
static bool insert_slowly(skiplist *self, skiplist_place at, const block_target *entry,
                          uint64_t seq) {
  run items = {.count = 0};
  run_add(&items, at.block, 0, at.rank);
  uint32_t fresh = items.count;
  items.items[items.count++] = (block_item){
      .key = {.prefix = entry->key, .suffix = entry->key, .suffix_length = entry->length},
      .ref = entry->ref,
      .born = seq,
      .died = DIED_NEVER,
  };
  run_add(&items, at.block, at.rank, at.block->count);
  cuts cut = choose_cuts(&items, fresh, !at.next);
  arena_ref frames[3];
  if (!replace(self, at, &items, &cut, frames)) return false;
  for (uint32_t p = 1; p < 3 && frames[p]; p++) raise_tower(self, frames[p]);
  return true;
}

static bool insert(skiplist *self, skiplist_place at, const block_arrivals *arrivals,
                   const block_target *entry, uint64_t seq) {
  const frame *own = frame_at(self, at.frame);
  if (arrivals->count > 0) {
    arena_ref made = block_build_with(&self->memory, at.block, arrivals, seq);
    if (!made) return false;
    swing(self, at.frame, made, at.next);
  } else if (!insert_slowly(self, at, entry, seq)) {
    return false;
  }
  /* An earlier lack of memory may have left the frame without an entry. */
  if (!own->parent && !is_head(self, at.frame)) raise_tower(self, at.frame);
  return true;
}

static bool is_same(const block_target *a, const block_target *b) {
  return a->ref == b->ref && a->length == b->length && memcmp(a->key, b->key, a->length) == 0;
}

/*
 * Whether an entry after those that arrive already, and not one of theirs, belongs into the
 * block. Behind its last one that is not sure: the level above may say that the next block
 * begins before its first entry, since one that was dropped stood there.
 */
static bool joins(skiplist_place at, const block_target *before, const block_target *entry,
                  uint32_t *rank) {
  if (is_same(before, entry)) return false;
  *rank = block_rank(at.block, entry);
  if (*rank > 0 && block_holds(at.block, *rank - 1, entry)) return false;
  return *rank < at.block->count || !at.next;
}

/* The first change, whose place is known, and those after it that the same block has room for. */
static void gather(const skiplist *self, skiplist_place at, const skiplist_change *const *next,
                   size_t left, block_arrivals *arrivals) {
  arrivals->count = arrivals->heap_length = 0;
  if (frame_at(self, at.frame)->died_min == DIED_VOID) return;
  if (!block_takes(at.block, arrivals, &next[0]->entry, at.rank)) return;
  for (uint32_t n = 1, rank; n < left && !next[n]->remove; n++) {
    const block_target *entry = &next[n]->entry;
    if (!joins(at, &next[n - 1]->entry, entry, &rank)) return;
    if (!block_takes(at.block, arrivals, entry, rank)) return;
  }
}

/* Begins a life, and those of the changes behind it that fit its block; `*done` says of how many. */
static skiplist_status begin(skiplist *self, const skiplist_change *const *next, size_t left,
                             uint64_t seq, size_t *done) {
  const block_target *entry = &next[0]->entry;
  skiplist_place at = skiplist_seek(self, entry), life;
  if (newest_life(self, at, entry, &life)) {
    uint64_t died = block_died_at(life.block, life.rank);
    if (died == DIED_NEVER) return SKIPLIST_LIVES;
    if (died > seq) return SKIPLIST_OLD_SEQ;
  }
  block_arrivals arrivals;
  gather(self, at, next, left, &arrivals);
  if (!insert(self, at, &arrivals, entry, seq)) return SKIPLIST_NO_MEMORY;
  *done = arrivals.count > 0 ? arrivals.count : 1;
  count(self, (int)*done, (int)*done);
  return SKIPLIST_OK;
}

/* In place, so that it cannot lack memory; the void goes with the next copy of its block. */
static skiplist_status undo_begin(skiplist *self, const block_target *entry, uint64_t seq) {
  skiplist_place life;
  bool found = find_life(self, entry, &life);
  if (!found || block_born(life.block)[life.rank] != seq) return SKIPLIST_NOT_LAST;
  if (block_died_at(life.block, life.rank) != DIED_NEVER) return SKIPLIST_NOT_LAST;
  set_died(life, DIED_VOID);
  mark_dirty(self, life.frame, DIED_VOID);
  count(self, -1, -1);
  return SKIPLIST_OK;
}

/* The oldest void after the newest life is the one that was taken back last. */
static void redo_begin(skiplist *self, const block_target *entry, uint64_t seq) {
  skiplist_place at = skiplist_seek(self, entry), last = {0};
  while (step_back(self, &at) && block_holds(at.block, at.rank, entry)) {
    if (block_died_at(at.block, at.rank) != DIED_VOID) break;
    if (block_born(at.block)[at.rank] == seq) last = at;
  }
  assert(last.block);
  set_died(last, DIED_NEVER);
  count(self, 1, 1);
}

static skiplist_status end(skiplist *self, const block_target *entry, uint64_t seq) {
  skiplist_place life;
  if (!find_life(self, entry, &life)) return SKIPLIST_LIVES_NOT;
  if (block_died_at(life.block, life.rank) != DIED_NEVER) return SKIPLIST_LIVES_NOT;
  if (block_born(life.block)[life.rank] > seq) return SKIPLIST_OLD_SEQ;
  set_died(life, seq);
  mark_dirty(self, life.frame, seq);
  count(self, 0, -1);
  return SKIPLIST_OK;
}

static skiplist_status undo_end(skiplist *self, const block_target *entry, uint64_t seq) {
  skiplist_place life;
  if (!find_life(self, entry, &life)) return SKIPLIST_NOT_LAST;
  if (block_died_at(life.block, life.rank) != seq) return SKIPLIST_NOT_LAST;
  set_died(life, DIED_NEVER);
  count(self, 0, 1);
  return SKIPLIST_OK;
}

/* ---- dropping the dead ---- */

/* Which entries a sweep drops: the dead of a released snapshot, or some documents' own. */
typedef struct {
  uint64_t seq;
  const uint8_t *refs; /* a bit each, below refs_max */
  uint64_t refs_max;
} dropping;

static bool is_dropped(const dropping *what, const block *from, uint32_t at) {
  if (block_died_at(from, at) <= what->seq) return true;
  uint32_t ref = block_refs(from)[at];
  return ref < what->refs_max && (what->refs[ref / 8] >> (ref % 8) & 1);
}

/* The entries to drop become voids, which the next release finds again. */
static void make_voids(skiplist *self, arena_ref at, const dropping *what) {
  skiplist_place place = frame_read(self, at);
  for (place.rank = 0; place.rank < place.block->count; place.rank++) {
    if (is_dropped(what, place.block, place.rank)) set_died(place, DIED_VOID);
  }
  mark_dirty(self, at, DIED_VOID);
}

static bool drop_block(skiplist *self, arena_ref at) {
  if (!leave_above(self, at)) return false;
  unlink_frame(self, at);
  return true;
}

static void merge_around(skiplist *self, arena_ref at, uint64_t seq) {
  arena_ref next = frame_read(self, at).next;
  arena_ref previous = atomic_load(&frame_at(self, at)->previous);
  /* A frame still to be swept merges then, or its dead would be passed over. */
  if (next && frame_at(self, next)->died_min > seq) {
    merge(self, at, MERGE_ENTRIES_MAX, MERGE_HEAP_MAX);
  }
  if (previous && frame_at(self, previous)->died_min > seq) {
    merge(self, previous, MERGE_ENTRIES_MAX, MERGE_HEAP_MAX);
  }
}

static void sweep(skiplist *self, arena_ref at, const dropping *what) {
  skiplist_place place = frame_read(self, at);
  run kept = {.count = 0};
  int freed = 0, living = 0;
  bool dropped = false;
  for (uint32_t rank = 0; rank < place.block->count; rank++) {
    if (!is_dropped(what, place.block, rank)) {
      run_add(&kept, place.block, rank, rank + 1);
      continue;
    }
    uint64_t died = block_died_at(place.block, rank);
    dropped = true;
    freed += died != DIED_VOID;
    living += died == DIED_NEVER;
  }
  count(self, -freed, -living);
  if (!dropped) {
    update_dirty(self, at);
  } else if (kept.count == 0 && !is_head(self, at)) {
    if (!drop_block(self, at)) make_voids(self, at, what);
  } else {
    cuts cut = cut_once(&kept, kept.count);
    arena_ref frames[3];
    if (replace(self, place, &kept, &cut, frames)) merge_around(self, at, what->seq);
    else make_voids(self, at, what);
  }
}

static void sweep_all(skiplist *self, const dropping *what) {
  skiplist_root *root = self->root;
  root->dirty_cursor = root->dirty;
  while (root->dirty_cursor) {
    arena_ref at = root->dirty_cursor;
    root->dirty_cursor = frame_at(self, at)->dirty_next;
    if (frame_at(self, at)->died_min > what->seq) continue;
    sweep(self, at, what);
    epoch_collect(&self->epochs);
  }
}

/* ---- the writer's verbs ---- */

static bool start_writing(skiplist *self) { return !atomic_exchange(&self->writing, true); }

static void stop_writing(skiplist *self) {
  epoch_collect(&self->epochs);
  skiplist_note_size(self);
  atomic_store(&self->writing, false);
}

static void note_length(skiplist_root *root, uint32_t length) {
  if (length > atomic_load_explicit(&root->key_length_max, memory_order_relaxed)) {
    atomic_store_explicit(&root->key_length_max, length, memory_order_relaxed);
  }
}

/* Makes the next change, and those behind it that go with it; `*done` says how many. */
static skiplist_status step(skiplist *self, const skiplist_change *const *next, size_t left,
                            uint64_t seq, size_t *done) {
  *done = 1;
  if (next[0]->remove) return end(self, &next[0]->entry, seq);
  skiplist_status status = begin(self, next, left, seq, done);
  for (size_t n = 0; status == SKIPLIST_OK && n < *done; n++) {
    note_length(self->root, next[n]->entry.length);
  }
  epoch_collect(&self->epochs);
  return status;
}

/* By key, then ref; changes of one entry stay in the order in which they came. */
static int compare_changes(const void *a, const void *b) {
  const skiplist_change *left = *(const skiplist_change *const *)a;
  const skiplist_change *right = *(const skiplist_change *const *)b;
  const block_target *one = &left->entry, *other = &right->entry;
  uint32_t shorter = one->length < other->length ? one->length : other->length;
  int order = shorter ? memcmp(one->key, other->key, shorter) : 0;
  if (order) return order;
  if (one->length != other->length) return one->length < other->length ? -1 : 1;
  if (one->ref != other->ref) return one->ref < other->ref ? -1 : 1;
  return left < right ? -1 : left > right;
}

/* What comes in the order of the list meets each block once. */
static void put_in_order(const skiplist_change **order, const skiplist_change *changes,
                         size_t count) {
  bool ordered = true;
  for (size_t at = 0; at < count; at++) {
    order[at] = &changes[at];
    if (at > 0 && ordered) ordered = compare_changes(&order[at - 1], &order[at]) < 0;
  }
  if (!ordered) qsort(order, count, sizeof *order, compare_changes);
}

static skiplist_status step_back_in_time(skiplist *self, const skiplist_change *change,
                                         uint64_t seq) {
  if (change->remove) return undo_end(self, &change->entry, seq);
  return undo_begin(self, &change->entry, seq);
}

static void redo(skiplist *self, const skiplist_change *change, uint64_t seq) {
  if (change->remove) (void)end(self, &change->entry, seq);
  else redo_begin(self, &change->entry, seq);
}

#define ORDER_ON_STACK 16

/* All of them in this order, or none. */
static skiplist_status apply_all(skiplist *self, const skiplist_change *const *order, size_t count,
                                 uint64_t seq, const skiplist_change **failed) {
  for (size_t at = 0, done; at < count; at += done) {
    skiplist_status status = step(self, order + at, count - at, seq, &done);
    if (status == SKIPLIST_OK) continue;
    *failed = order[at];
    while (at > 0) {
      skiplist_status undone = step_back_in_time(self, order[--at], seq);
      assert(undone == SKIPLIST_OK);
      (void)undone;
    }
    return status;
  }
  return SKIPLIST_OK;
}

skiplist_status skiplist_apply(skiplist *self, const skiplist_change *changes, size_t count,
                               uint64_t seq, size_t *failed) {
  assert(seq > DIED_VOID && seq < DIED_NEVER);
  const skiplist_change *few[ORDER_ON_STACK], **order = few, *refused = changes;
  *failed = 0;
  if (count > ORDER_ON_STACK && !(order = malloc(count * sizeof *order))) return SKIPLIST_NO_MEMORY;
  skiplist_status status = SKIPLIST_BUSY;
  if (start_writing(self)) {
    put_in_order(order, changes, count);
    status = apply_all(self, order, count, seq, &refused);
    stop_writing(self);
  }
  if (status != SKIPLIST_OK) *failed = (size_t)(refused - changes);
  if (order != few) free(order);
  return status;
}

skiplist_status skiplist_revert(skiplist *self, const skiplist_change *changes, size_t count,
                                uint64_t seq, size_t *failed) {
  if (!start_writing(self)) return SKIPLIST_BUSY;
  skiplist_status status = SKIPLIST_OK;
  size_t left = count;
  for (; left > 0; left--) {
    status = step_back_in_time(self, &changes[left - 1], seq);
    if (status != SKIPLIST_OK) break;
  }
  if (status != SKIPLIST_OK) {
    *failed = left - 1;
    for (; left < count; left++) redo(self, &changes[left], seq);
  }
  stop_writing(self);
  return status;
}

skiplist_status skiplist_release(skiplist *self, uint64_t seq) {
  if (!start_writing(self)) return SKIPLIST_BUSY;
  const dropping dead = {.seq = seq};
  sweep_all(self, &dead);
  epoch_collect(&self->epochs);
  /* Half of what was ever touched lies free: worth the walk. */
  if (arena_footprint(&self->memory) / 2 > arena_used(&self->memory)) arena_trim(&self->memory);
  stop_writing(self);
  return SKIPLIST_OK;
}

/* ---- forgetting documents ---- */

static bool holds_some(const dropping *what, const block *from) {
  for (uint32_t at = 0; at < from->count; at++) {
    if (is_dropped(what, from, at)) return true;
  }
  return false;
}

/* First every frame that will lose entries is marked: sweeping them merges and drops frames. */
skiplist_status skiplist_purge(skiplist *self, const uint8_t *refs, uint64_t refs_max) {
  if (!start_writing(self)) return SKIPLIST_BUSY;
  const dropping theirs = {.seq = DIED_VOID, .refs = refs, .refs_max = refs_max};
  for (skiplist_place at = {.next = self->root->heads[0]}; at.next;) {
    at = frame_read(self, at.next);
    if (holds_some(&theirs, at.block)) mark_dirty(self, at.frame, DIED_VOID);
  }
  sweep_all(self, &theirs);
  stop_writing(self);
  return SKIPLIST_OK;
}

/* ---- making and measuring ---- */

static bool make_head(skiplist *self, uint32_t level) {
  static const uint8_t nothing[1] = {0};
  skiplist_root *root = self->root;
  block_item first = {.key = {.prefix = nothing, .suffix = nothing}};
  if (level > 0) first.child = root->heads[level - 1];
  arena_ref block_at = block_build(&self->memory, level, &first, level > 0);
  arena_ref head = block_at ? arena_allocate(&self->memory, sizeof(frame)) : 0;
  if (!head) return false;
  frame_init(self, head, block_at, 0, 0);
  root->heads[level] = head;
  if (level > 0) frame_at(self, root->heads[level - 1])->parent = head;
  return true;
}

/* The root is the arena's first chunk, where an image is found by. */
static bool make_root(skiplist *self, uint32_t seed) {
  arena_ref at = arena_allocate(&self->memory, sizeof(skiplist_root));
  if (!at) return false;
  assert(at == arena_first());
  self->root = arena_at(&self->memory, at);
  memset(self->root, 0, sizeof(skiplist_root));
  self->root->random = seed ? seed : SEED;
  for (uint32_t level = 0; level < SKIPLIST_LEVELS; level++) {
    if (!make_head(self, level)) return false;
  }
  return true;
}

skiplist *skiplist_around(const arena *memory) {
  skiplist *self = calloc(1, sizeof(skiplist));
  if (!self) return NULL;
  self->memory = *memory;
  epoch_create(&self->epochs, &self->memory);
  self->root = arena_at(&self->memory, arena_first());
  skiplist_note_size(self);
  return self;
}

skiplist *skiplist_create(const skiplist_options *options) {
  arena memory;
  if (!arena_create(&memory, options ? &options->memory : NULL)) return NULL;
  skiplist *self = skiplist_around(&memory);
  if (!self) {
    arena_destroy(&memory);
    return NULL;
  }
  if (!make_root(self, options ? options->seed : 0)) {
    skiplist_destroy(self);
    return NULL;
  }
  stop_writing(self);
  return self;
}

void skiplist_destroy(skiplist *self) {
  if (!self) return;
  epoch_destroy(&self->epochs);
  arena_destroy(&self->memory);
  free(self);
}

skiplist_stats skiplist_measure(const skiplist *self) {
  const skiplist_root *root = self->root;
  return (skiplist_stats){
      .entries = atomic_load_explicit(&root->entries, memory_order_relaxed),
      .live = atomic_load_explicit(&root->live, memory_order_relaxed),
      .bytes = atomic_load_explicit(&self->bytes, memory_order_relaxed),
      .footprint = atomic_load_explicit(&self->footprint, memory_order_relaxed),
      .key_length_max = atomic_load_explicit(&root->key_length_max, memory_order_relaxed),
  };
}

epoch_reader *skiplist_reader_open(skiplist *self) { return epoch_reader_open(&self->epochs); }

void skiplist_reader_close(epoch_reader *reader) { epoch_reader_close(reader); }
