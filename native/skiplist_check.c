/* The invariants of a skip list, walked from end to end. For tests. */
#include <string.h>

#include "frames.h"

static uint8_t byte_of(block_key key, uint32_t at) {
  return at < key.prefix_length ? key.prefix[at] : key.suffix[at - key.prefix_length];
}

static int compare_keys(block_key a, block_key b) {
  uint32_t a_length = block_key_length(a), b_length = block_key_length(b);
  for (uint32_t at = 0; at < a_length && at < b_length; at++) {
    int order = (int)byte_of(a, at) - (int)byte_of(b, at);
    if (order) return order;
  }
  return (a_length > b_length) - (a_length < b_length);
}

static int compare_items(const block_item *a, const block_item *b) {
  int order = compare_keys(a->key, b->key);
  return order ? order : (a->ref > b->ref) - (a->ref < b->ref);
}

static const char *check_pair(const block_item *a, const block_item *b, uint32_t level) {
  int order = compare_items(a, b);
  if (order > 0) return "entries are out of order";
  if (level || order < 0 || a->died == DIED_VOID || b->died == DIED_VOID) return NULL;
  return a->died <= b->born ? NULL : "two lives of an entry overlap";
}

static bool block_is_whole(const block *own) {
  const uint16_t *offsets = block_offsets(own);
  if (own->count > BLOCK_ENTRIES_MAX || own->heap_length > BLOCK_HEAP_MAX) return false;
  if (offsets[0] != 0 || offsets[own->count] != own->heap_length) return false;
  uint32_t dead = 0;
  for (uint32_t at = 0; at < own->count; at++) {
    if (offsets[at] > offsets[at + 1]) return false;
    if (own->level) continue;
    dead += block_died_at(own, at) != DIED_NEVER;
    if (block_born(own)[at] > own->born_max) return false;
  }
  return own->level || dead == atomic_load(&((block *)(uintptr_t)own)->dead);
}

static bool parent_is_right(const skiplist *self, arena_ref at) {
  arena_ref parent = frame_at(self, at)->parent;
  if (!parent) return true;
  const block *own = frame_read(self, parent).block;
  for (uint32_t child = 0; child < own->count; child++) {
    if (block_children(own)[child] == at) return true;
  }
  return false;
}

static bool children_are_right(const skiplist *self, const block *own, arena_ref at) {
  for (uint32_t child = 0; own->level && child < own->count; child++) {
    if (frame_at(self, block_children(own)[child])->parent != at) return false;
  }
  return true;
}

static bool dirt_is_right(const skiplist *self, arena_ref at, const block *own) {
  const frame *place = frame_at(self, at);
  if (own->level) return true;
  for (uint32_t rank = 0; rank < own->count; rank++) {
    if (block_died_at(own, rank) < place->died_min) return false;
  }
  return true;
}

typedef struct {
  uint64_t entries;
  uint64_t live;
  uint64_t dirty;
} totals;

static void add_totals(totals *sum, const frame *place, const block *own) {
  if (own->level) return;
  sum->dirty += place->died_min != DIED_NEVER;
  for (uint32_t at = 0; at < own->count; at++) {
    sum->entries += block_died_at(own, at) != DIED_VOID;
    sum->live += block_died_at(own, at) == DIED_NEVER;
  }
}

static const char *check_level(const skiplist *self, uint32_t level, totals *sum) {
  block_item before = {0};
  bool first = true;
  arena_ref previous = 0;
  for (arena_ref at = self->root->heads[level]; at;) {
    skiplist_place place = frame_read(self, at);
    const block *own = place.block;
    if (own->level != level) return "a block stands in the wrong level";
    if (!block_is_whole(own)) return "a block's columns disagree";
    if (atomic_load(&frame_at(self, at)->previous) != previous) return "a link back is wrong";
    if (previous && own->count == 0) return "a block is empty";
    if (!parent_is_right(self, at)) return "a frame is not where its parent says";
    if (!children_are_right(self, own, at)) return "a child names another parent";
    if (!dirt_is_right(self, at, own)) return "a frame's oldest death is wrong";
    for (uint32_t rank = 0; rank < own->count; rank++, first = false) {
      block_item item = block_item_at(own, rank);
      const char *wrong = first ? NULL : check_pair(&before, &item, level);
      if (wrong) return wrong;
      before = item;
    }
    add_totals(sum, frame_at(self, at), own);
    previous = at;
    at = place.next;
  }
  return NULL;
}

const char *skiplist_check(const skiplist *self) {
  totals sum = {0};
  for (uint32_t level = 0; level < SKIPLIST_LEVELS; level++) {
    const char *wrong = check_level(self, level, &sum);
    if (wrong) return wrong;
  }
  uint64_t dirty = 0;
  for (arena_ref at = self->root->dirty; at; at = frame_at(self, at)->dirty_next) dirty++;
  if (dirty != sum.dirty) return "the dirty list misses a frame";
  if (sum.entries != atomic_load(&self->root->entries)) return "the entries are miscounted";
  if (sum.live != atomic_load(&self->root->live)) return "the living are miscounted";
  return arena_check(&self->memory) ? NULL : "the arena is broken";
}
