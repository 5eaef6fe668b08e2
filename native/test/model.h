/*
 * What a skip list means, said plainly: an array of lives, searched from end to
 * end. Together with a table of awkward keys, and a comparison of all that can
 * be seen of a list.
 */
#ifndef JDBX_MODEL_H
#define JDBX_MODEL_H

#include <string.h>

#include "../skiplist_read.h"
#include "harness.h"

#define KEYS_MAX 700
#define LIVES_MAX 60000

typedef struct {
  uint8_t *bytes;
  uint32_t length;
} test_key;

typedef struct {
  uint32_t key; /* its rank in the sorted table */
  uint32_t ref;
  uint64_t born;
  uint64_t died;
} life;

typedef struct {
  test_key keys[KEYS_MAX];
  uint32_t keys_count;
  life *lives;
  uint32_t lives_count;
} model;

static inline void model_add_key(model *self, const void *bytes, uint32_t length) {
  test_key *key = &self->keys[self->keys_count++];
  key->bytes = malloc(length + 1);
  key->length = length;
  if (length) memcpy(key->bytes, bytes, length);
}

static inline int compare_test_keys(const void *a, const void *b) {
  const test_key *left = a, *right = b;
  uint32_t shorter = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->bytes, right->bytes, shorter);
  return order ? order : (left->length > right->length) - (left->length < right->length);
}

/* Outermost bytes, shared prefixes, some of 5,000 bytes, and as many ordinary ones as fit. */
static inline void model_create(model *self) {
  static const char *odd[] = {"", "a", "b", "ab", "abc", "abcd", "abcde", "abcdf", "\xff", "\xff\xff"};
  static uint8_t long_key[5000];
  *self = (model){.lives = malloc(LIVES_MAX * sizeof(life))};
  for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
    model_add_key(self, odd[at], (uint32_t)strlen(odd[at]));
  }
  static const uint8_t zeros[8] = {0};
  for (uint32_t length = 1; length < 8; length++) model_add_key(self, zeros, length);
  memset(long_key, 7, sizeof long_key);
  for (uint8_t last = 1; last < 12; last++) {
    long_key[last < 6 ? sizeof long_key - 1 : 0] = last < 6 ? last : (uint8_t)(last + 20);
    model_add_key(self, long_key, sizeof long_key);
  }
  for (uint32_t n = 0; self->keys_count < KEYS_MAX; n++) {
    uint8_t key[9] = {0x20, 0xc0, (uint8_t)(n >> 3), (uint8_t)(n << 5)};
    model_add_key(self, key, sizeof key);
  }
  qsort(self->keys, self->keys_count, sizeof(test_key), compare_test_keys);
}

static inline void model_destroy(model *self) {
  for (uint32_t at = 0; at < self->keys_count; at++) free(self->keys[at].bytes);
  free(self->lives);
}

static inline life *model_living(model *self, uint32_t key, uint32_t ref) {
  for (uint32_t at = self->lives_count; at > 0; at--) {
    life *one = &self->lives[at - 1];
    if (one->key == key && one->ref == ref && one->died == DIED_NEVER) return one;
  }
  return NULL;
}

static inline block_target model_target(const model *self, uint32_t key, uint32_t ref) {
  return (block_target){self->keys[key].bytes, self->keys[key].length, ref};
}

typedef struct {
  uint32_t key;
  uint32_t ref;
  bool remove;
} model_change;

static inline void model_apply(model *self, const model_change *changes, size_t count,
                               uint64_t seq) {
  for (size_t at = 0; at < count; at++) {
    const model_change *change = &changes[at];
    if (change->remove) {
      model_living(self, change->key, change->ref)->died = seq;
    } else {
      CHECK(self->lives_count < LIVES_MAX);
      self->lives[self->lives_count++] = (life){change->key, change->ref, seq, DIED_NEVER};
    }
  }
}

static inline void model_keep(model *self, uint64_t born_below, uint64_t died_above) {
  uint32_t kept = 0;
  for (uint32_t at = 0; at < self->lives_count; at++) {
    life one = self->lives[at];
    if (one.born < born_below && one.died > died_above) self->lives[kept++] = one;
  }
  self->lives_count = kept;
}

static inline void model_revert(model *self, uint64_t seq) {
  model_keep(self, seq, 0);
  for (uint32_t at = 0; at < self->lives_count; at++) {
    if (self->lives[at].died == seq) self->lives[at].died = DIED_NEVER;
  }
}

static inline int compare_lives(const void *a, const void *b) {
  const life *left = a, *right = b;
  if (left->key != right->key) return left->key < right->key ? -1 : 1;
  return (left->ref > right->ref) - (left->ref < right->ref);
}

/* Ranks of keys bound a range: [low, high), or open above with high = keys_count. */
static inline uint32_t model_read(const model *self, uint32_t low, uint32_t high, uint64_t seq,
                                  life *found) {
  uint32_t count = 0;
  for (uint32_t at = 0; at < self->lives_count; at++) {
    life one = self->lives[at];
    if (one.key >= low && one.key < high && one.born <= seq && seq < one.died) found[count++] = one;
  }
  qsort(found, count, sizeof(life), compare_lives);
  return count;
}

#define BATCH_MAX 1000
#define ROOM 40000

/* Reads a range in batches and compares each entry; `with_keys` its bytes too. */
static inline void model_compare_range(const model *self, skiplist *list, epoch_reader *reader,
                                       uint32_t low, uint32_t high, uint64_t seq, bool reverse,
                                       uint32_t batch_size, bool with_keys) {
  static life expected[LIVES_MAX];
  static uint32_t refs[BATCH_MAX], lengths[BATCH_MAX];
  static uint8_t keys[ROOM], last[ROOM], position[ROOM];
  uint32_t due = model_read(self, low, high, seq, expected), seen = 0;
  skiplist_range range = {.low = model_target(self, low, 0), .reverse = reverse, .seq = seq};
  if (high < self->keys_count) {
    range.has_high = true;
    range.high = model_target(self, high, 0);
  }
  CHECK(skiplist_count(list, reader, &range) == due);
  skiplist_batch batch = {.refs = refs, .refs_max = batch_size, .last = last, .last_max = ROOM};
  if (with_keys) {
    batch.keys = keys;
    batch.keys_max = ROOM;
    batch.key_lengths = lengths;
  }
  do {
    CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_OK);
    uint64_t offset = 0;
    for (uint32_t at = 0; at < batch.count; at++, seen++) {
      CHECK(seen < due);
      const life *one = &expected[reverse ? due - 1 - seen : seen];
      const test_key *key = &self->keys[one->key];
      CHECK(refs[at] == one->ref);
      if (!with_keys) continue;
      CHECK(lengths[at] == key->length && !memcmp(keys + offset, key->bytes, key->length));
      offset += lengths[at];
    }
    if (batch.done) break;
    CHECK(batch.count > 0);
    memcpy(position, last, batch.last_length);
    uint32_t ref = refs[batch.count - 1];
    block_target place = {position, batch.last_length, reverse ? ref - 1 : ref};
    if (reverse) {
      range.has_high = true;
      range.high = place;
    } else {
      range.low = place;
    }
  } while (true);
  CHECK(seen == due);
}

static inline void model_compare(const model *self, skiplist *list, epoch_reader *reader,
                                 uint64_t seq) {
  const char *wrong = skiplist_check(list);
  if (wrong) fprintf(stderr, "%s\n", wrong);
  CHECK(!wrong);
  uint64_t live = 0;
  for (uint32_t at = 0; at < self->lives_count; at++) live += self->lives[at].died == DIED_NEVER;
  CHECK(skiplist_measure(list).live == live);
  CHECK(skiplist_measure(list).entries == self->lives_count);
  model_compare_range(self, list, reader, 0, self->keys_count, seq, false, BATCH_MAX, false);
  model_compare_range(self, list, reader, 0, self->keys_count, seq, true, 77, true);
}

#endif
