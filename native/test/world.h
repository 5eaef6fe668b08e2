/* A list and its model that live through the same random commits, reverts and releases. */
#ifndef JDBX_WORLD_H
#define JDBX_WORLD_H

#include "model.h"

#define CHANGES_MAX 400

typedef struct {
  model *truth;
  skiplist *list;
  epoch_reader *reader;
  uint64_t random;
  uint64_t seq;
  uint64_t released;
  model_change changes[CHANGES_MAX];
  skiplist_change packed[CHANGES_MAX];
  size_t count;
} world;

/* Allocations still granted; below zero without end. */
static long granted = -1;

static inline bool allow(void *context) {
  (void)context;
  if (granted < 0) return true;
  return granted-- > 0;
}

static inline skiplist_options small_options(uint32_t seed) {
  return (skiplist_options){.seed = seed,
                            .memory = {.reserve_bytes = 1u << 28, .allow = allow}};
}

static inline void world_create(world *self, model *truth, uint32_t seed) {
  skiplist_options options = small_options(seed);
  *self = (world){.truth = truth, .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .seq = 1};
  self->released = 1;
  model_create(truth);
  self->list = skiplist_create(&options);
  CHECK(self->list);
  self->reader = skiplist_reader_open(self->list);
}

static inline void world_destroy(world *self) {
  skiplist_reader_close(self->reader);
  skiplist_destroy(self->list);
  model_destroy(self->truth);
}

static inline bool lives_after(const world *self, uint32_t key, uint32_t ref) {
  for (size_t at = self->count; at > 0; at--) {
    const model_change *change = &self->changes[at - 1];
    if (change->key == key && change->ref == ref) return !change->remove;
  }
  return model_living(self->truth, key, ref) != NULL;
}

static inline void add_change(world *self, uint32_t key, uint32_t ref, bool remove) {
  self->changes[self->count] = (model_change){key, ref, remove};
  self->packed[self->count++] =
      (skiplist_change){.entry = model_target(self->truth, key, ref), .remove = remove};
}

/* Inserts what does not live and removes what does; one entry may come several times. */
static inline void choose_changes(world *self) {
  uint32_t keys = self->truth->keys_count;
  bool bulk = random_below(&self->random, 3) == 0;
  uint32_t count = bulk ? random_below(&self->random, CHANGES_MAX) : random_below(&self->random, 6);
  uint32_t key = random_below(&self->random, keys), ref = 1 + random_below(&self->random, 3);
  uint32_t few = random_below(&self->random, 2) ? keys : 12;
  self->count = 0;
  for (uint32_t at = 0; at <= count && self->count < CHANGES_MAX; at++) {
    key = bulk ? (key + 1) % keys : random_below(&self->random, few);
    if (!bulk) ref = 1 + random_below(&self->random, 3);
    add_change(self, key, ref, lives_after(self, key, ref));
  }
}

static inline void commit(world *self) {
  size_t failed;
  choose_changes(self);
  self->seq++;
  CHECK(skiplist_apply(self->list, self->packed, self->count, self->seq, &failed) == SKIPLIST_OK);
  model_apply(self->truth, self->changes, self->count, self->seq);
}

static inline void revert(world *self) {
  size_t failed;
  CHECK(skiplist_revert(self->list, self->packed, self->count, self->seq, &failed) == SKIPLIST_OK);
  model_revert(self->truth, self->seq--);
  self->count = 0;
}

/* A commit, or a revert, with one wrong change: refused, and nothing of it stays. */
static inline void misuse(world *self) {
  size_t failed = 0;
  choose_changes(self);
  size_t wrong = random_below(&self->random, (uint32_t)self->count);
  self->packed[wrong].remove = !self->packed[wrong].remove;
  skiplist_status status =
      skiplist_apply(self->list, self->packed, self->count, self->seq + 1, &failed);
  CHECK(status == SKIPLIST_LIVES || status == SKIPLIST_LIVES_NOT);
  CHECK(failed == wrong);
  self->count = 0;
}

static inline void refused_revert(world *self) {
  size_t failed = 0;
  if (self->count < 2 || self->seq <= self->released) return;
  skiplist_change first = self->packed[0];
  self->packed[0].entry.ref = 99;
  skiplist_status status =
      skiplist_revert(self->list, self->packed, self->count, self->seq, &failed);
  CHECK(status == SKIPLIST_NOT_LAST && failed == 0);
  self->packed[0] = first;
}

static inline void release(world *self) {
  self->released += random_below(&self->random, (uint32_t)(self->seq - self->released) + 1);
  CHECK(skiplist_release(self->list, self->released) == SKIPLIST_OK);
  model_keep(self->truth, UINT64_MAX, self->released);
}

static inline uint64_t some_snapshot(world *self) {
  return self->released + random_below(&self->random, (uint32_t)(self->seq - self->released) + 1);
}

static inline void scan(world *self) {
  uint32_t keys = self->truth->keys_count;
  uint32_t low = random_below(&self->random, keys), high = random_below(&self->random, keys + 1);
  uint32_t sizes[] = {1, 2, 7, 100, BATCH_MAX};
  model_compare_range(self->truth, self->list, self->reader, low, high, some_snapshot(self),
                      random_below(&self->random, 2), sizes[random_below(&self->random, 5)],
                      random_below(&self->random, 2));
}

static inline void random_step(world *self) {
  switch (random_below(&self->random, 12)) {
    case 0: misuse(self); break;
    case 1: refused_revert(self); break;
    case 2: if (self->count && self->seq > self->released) revert(self); break;
    case 3: case 4: release(self); break;
    case 5: case 6: case 7: scan(self); break;
    default: commit(self);
  }
}

#endif
