/*
 * The skip list against its model: random commits, refused ones, reverts,
 * releases and scans; then the same with memory that fails at every single
 * allocation; then soaks that must stay small.
 */
#include "world.h"

static void random_histories_equal_the_model(void) {
  static model truth;
  for (uint32_t seed = 1; seed <= 12; seed++) {
    world one;
    world_create(&one, &truth, seed);
    for (int step = 0; step < 250; step++) {
      random_step(&one);
      if (step % 10 == 0) model_compare(&truth, one.list, one.reader, some_snapshot(&one));
    }
    for (uint64_t seq = one.released; seq <= one.seq; seq++) {
      model_compare_range(&truth, one.list, one.reader, 0, truth.keys_count, seq, seq % 2, 64, true);
    }
    world_destroy(&one);
  }
}

/* Refuses the first, then the second ... allocation of a commit, until it goes through. */
static void commit_through_failures(world *self) {
  size_t failed;
  choose_changes(self);
  for (long allowed = 0;; allowed++) {
    granted = allowed;
    skiplist_status status =
        skiplist_apply(self->list, self->packed, self->count, self->seq + 1, &failed);
    granted = -1;
    if (status == SKIPLIST_OK) break;
    CHECK(status == SKIPLIST_NO_MEMORY);
    if (allowed % 16 == 0) model_compare(self->truth, self->list, self->reader, self->seq);
    CHECK(!skiplist_check(self->list));
  }
  self->seq++;
  model_apply(self->truth, self->changes, self->count, self->seq);
  model_compare(self->truth, self->list, self->reader, self->seq);
}

static void release_through_failures(world *self) {
  uint64_t to = some_snapshot(self);
  granted = (long)random_below(&self->random, 20);
  CHECK(skiplist_release(self->list, to) == SKIPLIST_OK);
  granted = -1;
  self->released = to;
  model_keep(self->truth, UINT64_MAX, to);
  model_compare(self->truth, self->list, self->reader, some_snapshot(self));
}

static void a_failed_allocation_anywhere_leaves_the_list_whole(void) {
  static model truth;
  for (uint32_t seed = 101; seed <= 104; seed++) {
    world one;
    world_create(&one, &truth, seed);
    for (int step = 0; step < 40; step++) {
      commit_through_failures(&one);
      if (step % 4 == 3) release_through_failures(&one);
      if (step % 5 == 4 && one.seq > one.released) {
        granted = 0;
        revert(&one);
        granted = -1;
        model_compare(&truth, one.list, one.reader, one.seq);
      }
    }
    world_destroy(&one);
  }
}

static void creation_without_memory_gives_nothing(void) {
  skiplist_options options = small_options(1);
  skiplist *list = NULL;
  for (granted = 0; !list; granted++) {
    long allowed = granted;
    list = skiplist_create(&options);
    granted = allowed;
    CHECK(allowed < 100);
  }
  granted = -1;
  skiplist_destroy(list);
}

static void one_key_updated_without_end_stays_small(void) {
  skiplist_options options = small_options(5);
  skiplist *list = skiplist_create(&options);
  block_target entry = {(const uint8_t *)"complete", 8, 1};
  skiplist_change update[2] = {{entry, true}, {entry, false}};
  size_t failed;
  uint64_t footprint_max = 0;
  CHECK(skiplist_apply(list, update + 1, 1, 1, &failed) == SKIPLIST_OK);
  for (uint64_t seq = 2; seq <= 300000; seq++) {
    CHECK(skiplist_apply(list, update, 2, seq, &failed) == SKIPLIST_OK);
    if (seq % 1000) continue;
    CHECK(skiplist_release(list, seq) == SKIPLIST_OK);
    CHECK(skiplist_measure(list).entries == 1);
    uint64_t footprint = skiplist_measure(list).footprint;
    if (footprint > footprint_max) footprint_max = footprint;
  }
  CHECK(footprint_max < 256 * 1024);
  CHECK(!skiplist_check(list));
  skiplist_destroy(list);
}

/* Ten thousand entries that move at random, and then all but a hundred that go. */
static void moving_and_vanishing_entries_give_memory_back(void) {
  enum { ENTRIES = 10000 };
  static uint64_t place[ENTRIES + 1];
  skiplist_options options = small_options(9);
  skiplist *list = skiplist_create(&options);
  uint64_t random = 77, full = 0, bytes_max = 0, seq = 0;
  size_t failed;
  for (uint32_t round = 0; round < 200000; round++) {
    uint32_t ref = 1 + (round < ENTRIES ? round : random_below(&random, ENTRIES));
    uint64_t from = place[ref], to = random_next(&random);
    skiplist_change move[2] = {{{(uint8_t *)&from, 8, ref}, true}, {{(uint8_t *)&to, 8, ref}, false}};
    bool held = round >= ENTRIES;
    CHECK(!skiplist_apply(list, held ? move : move + 1, held ? 2 : 1, ++seq, &failed));
    place[ref] = to;
    if (round % 500 == 499) skiplist_release(list, seq);
    if (round == 2 * ENTRIES) full = skiplist_measure(list).bytes;
    if (skiplist_measure(list).bytes > bytes_max) bytes_max = skiplist_measure(list).bytes;
  }
  CHECK(skiplist_measure(list).entries >= ENTRIES && bytes_max < full * 3 / 2);
  CHECK(!skiplist_check(list));
  for (uint32_t ref = 1; ref <= ENTRIES - 100; ref++) {
    skiplist_change gone = {{(uint8_t *)&place[ref], 8, ref}, true};
    CHECK(!skiplist_apply(list, &gone, 1, ++seq, &failed));
  }
  skiplist_release(list, seq);
  CHECK(skiplist_measure(list).entries == 100);
  CHECK(skiplist_measure(list).bytes < full / 25);
  CHECK(!skiplist_check(list));
  skiplist_destroy(list);
}

/* A key of a megabyte, held by several refs, between short ones. */
static void keys_of_any_length_fit(void) {
  enum { LONG = 1 << 20 };
  uint8_t *key = calloc(LONG, 1);
  skiplist_options options = small_options(3);
  skiplist *list = skiplist_create(&options);
  size_t failed;
  for (uint32_t ref = 1; ref <= 300; ref++) {
    uint32_t length = ref % 3 == 0 ? LONG - ref % 2 : ref;
    skiplist_change change = {{key, length, ref}, false};
    CHECK(!skiplist_apply(list, &change, 1, ref, &failed));
  }
  CHECK(!skiplist_check(list));
  epoch_reader *reader = skiplist_reader_open(list);
  uint32_t refs[400];
  uint8_t small[64];
  skiplist_range range = {.low = {key, 0, 0}, .seq = 300};
  skiplist_batch batch = {.refs = refs, .refs_max = 400, .last = small, .last_max = sizeof small};
  CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_OK && batch.count == 300);
  /* 200 lengths of one key each, and two of fifty each: all but the first of these tie. */
  batch.distinct = true;
  CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_TIED);
  batch.last = NULL, batch.refs_max = 201;
  CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_OK && batch.count == 201);
  batch.refs_max = 202;
  CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_TIED);
  batch.distinct = false, batch.last = small;
  batch.refs_max = 250;
  CHECK(skiplist_read(list, reader, &range, &batch) == SKIPLIST_NO_ROOM);
  CHECK(batch.room_needed >= LONG - 1 && skiplist_measure(list).key_length_max == LONG);
  skiplist_reader_close(reader);
  skiplist_destroy(list);
  free(key);
}

int main(void) {
  RUN(random_histories_equal_the_model);
  RUN(a_failed_allocation_anywhere_leaves_the_list_whole);
  RUN(creation_without_memory_gives_nothing);
  RUN(one_key_updated_without_end_stays_small);
  RUN(moving_and_vanishing_entries_give_memory_back);
  RUN(keys_of_any_length_fit);
  return 0;
}
