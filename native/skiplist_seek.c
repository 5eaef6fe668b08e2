#include <assert.h>

#include "frames.h"

/* Moves right while the next block begins at or before the target; a null target is after all. */
static skiplist_place walk_right(const skiplist *self, skiplist_place at,
                                 const block_target *target) {
  for (;;) {
    at.rank = target ? block_rank(at.block, target) : at.block->count;
    if (at.rank < at.block->count || !at.next) return at;
    skiplist_place next = frame_read(self, at.next);
    if (target && !block_at_or_before(next.block, 0, target)) return at;
    at = next;
  }
}

/* False when an index block lost its front while we came: its entry above is gone by now. */
static bool descend(const skiplist *self, const block_target *target, uint32_t to,
                    skiplist_place *found) {
  const skiplist_root *root = self->root;
  uint32_t level = atomic_load_explicit(&root->height, memory_order_relaxed);
  skiplist_place at = frame_read(self, root->heads[level]);
  for (;; level--) {
    at = walk_right(self, at, target);
    assert(at.block->level == level);
    if (level <= to) break;
    if (at.rank == 0) return false;
    at = frame_read(self, block_children(at.block)[at.rank - 1]);
    /* The heads, where the search goes next, and the refs come while the header does. */
    const uint8_t *bytes = (const uint8_t *)at.block;
    for (uint32_t line = 1; line < 12; line++) __builtin_prefetch(bytes + line * 64);
    if (level == 1 && at.next) __builtin_prefetch(frame_at(self, at.next));
  }
  *found = at;
  return true;
}

skiplist_place skiplist_seek(const skiplist *self, const block_target *target) {
  skiplist_place found;
  while (!descend(self, target, 0, &found)) {
  }
  return found;
}

skiplist_place skiplist_seek_above(const skiplist *self, const block_target *target) {
  skiplist_place found;
  while (!descend(self, target, 1, &found)) {
  }
  return found;
}

skiplist_place skiplist_seek_end(const skiplist *self) { return skiplist_seek(self, NULL); }
