/*
 * Readers in threads while one writes and releases. Every commit moves one
 * document from one key to the next, so at each seq every document stands in
 * the list exactly once, under a key that its number and the seq tell. Readers
 * pin a snapshot, read all of it in batches of any size, in either direction,
 * and know each entry that must be there.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "../skiplist_read.h"
#include "harness.h"

#define DOCUMENTS 3000u
#define READERS 3
#define KEY_MAX 24u

#ifndef COMMITS
#define COMMITS 60000u
#endif

static skiplist *list;
static _Atomic uint64_t published;
/* The writer says what it is about to release before it looks at the pins. */
static _Atomic uint64_t horizon;
static _Atomic uint64_t pins[READERS];
static _Atomic bool finished;

static uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= UINT64_C(0xff51afd7ed558ccd);
  x ^= x >> 29;
  return x * UINT64_C(0xc4ceb9fe1a85ec53);
}

/* Commits 1 to DOCUMENTS insert; later ones move the documents in turn. */
static uint64_t version_of(uint32_t document, uint64_t seq) {
  return (seq - 1 - (document - 1)) / DOCUMENTS;
}

static uint32_t key_of(uint32_t document, uint64_t version, uint8_t *key) {
  uint64_t hash = mix(document * UINT64_C(1000003) + version);
  uint32_t length = 8 + (uint32_t)(hash % 16);
  memset(key, (int)(hash & 3), 4);
  for (uint32_t at = 4; at < length; at++) key[at] = (uint8_t)(hash >> (at % 8 * 8));
  memcpy(key + length - 4, &document, 4);
  return length;
}

static void write_commit(uint64_t seq) {
  uint8_t from[KEY_MAX], to[KEY_MAX];
  uint32_t document = (uint32_t)((seq - 1) % DOCUMENTS) + 1;
  uint64_t version = version_of(document, seq);
  skiplist_change move[2] = {{{from, 0, document}, true}, {{to, 0, document}, false}};
  size_t failed;
  if (version) move[0].entry.length = key_of(document, version - 1, from);
  move[1].entry.length = key_of(document, version, to);
  skiplist_change *changes = version ? move : move + 1;
  CHECK(!skiplist_apply(list, changes, version ? 2 : 1, seq, &failed));
  if (seq % 37 == 0) {
    CHECK(!skiplist_revert(list, changes, version ? 2 : 1, seq, &failed));
    CHECK(!skiplist_apply(list, changes, version ? 2 : 1, seq, &failed));
  }
}

static void release(uint64_t seq) {
  atomic_store(&horizon, seq);
  for (int at = 0; at < READERS; at++) {
    uint64_t pin = atomic_load(&pins[at]);
    if (pin && pin < seq) seq = pin;
  }
  CHECK(!skiplist_release(list, seq));
}

static uint64_t pin(int reader) {
  for (;;) {
    uint64_t seq = atomic_load(&published);
    atomic_store(&pins[reader], seq);
    if (seq >= atomic_load(&horizon) || seq == atomic_load(&published)) return seq;
  }
}

static void check_entry(const uint8_t *key, uint32_t length, uint32_t document, uint64_t seq) {
  uint8_t expected[KEY_MAX];
  CHECK(document >= 1 && document <= DOCUMENTS);
  CHECK(key_of(document, version_of(document, seq), expected) == length);
  CHECK(memcmp(expected, key, length) == 0);
}

static bool in_order(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length) {
  uint32_t shorter = a_length < b_length ? a_length : b_length;
  int order = memcmp(a, b, shorter);
  return order < 0 || (order == 0 && a_length < b_length);
}

static void read_all(epoch_reader *reader, uint64_t seq, bool reverse, uint32_t batch_size) {
  static _Thread_local uint32_t refs[1000], lengths[1000];
  static _Thread_local uint8_t keys[1000 * KEY_MAX], last[KEY_MAX], place[KEY_MAX];
  static _Thread_local uint8_t seen[DOCUMENTS + 1];
  uint8_t before[KEY_MAX];
  uint32_t before_length = 0, total = 0;
  memset(seen, 0, sizeof seen);
  skiplist_range range = {.low = {keys, 0, 0}, .reverse = reverse, .seq = seq};
  skiplist_batch batch = {.refs = refs, .refs_max = batch_size, .keys = keys,
                          .key_lengths = lengths, .keys_max = sizeof keys, .last = last,
                          .last_max = sizeof last};
  for (;;) {
    CHECK(!skiplist_read(list, reader, &range, &batch));
    const uint8_t *key = keys;
    for (uint32_t at = 0; at < batch.count; at++, total++) {
      check_entry(key, lengths[at], refs[at], seq);
      CHECK(!seen[refs[at]]);
      seen[refs[at]] = 1;
      if (total > 0) {
        CHECK(reverse ? in_order(key, lengths[at], before, before_length)
                      : in_order(before, before_length, key, lengths[at]));
      }
      memcpy(before, key, before_length = lengths[at]);
      key += lengths[at];
    }
    if (batch.done) break;
    memcpy(place, last, batch.last_length);
    uint32_t ref = refs[batch.count - 1];
    range.has_high = reverse;
    if (reverse) range.high = (block_target){place, batch.last_length, ref - 1};
    else range.low = (block_target){place, batch.last_length, ref};
  }
  CHECK(total == DOCUMENTS);
}

static void *read_on(void *argument) {
  int own = (int)(intptr_t)argument;
  uint64_t random = 1234567u + (uint64_t)own, rounds = 0;
  for (; !atomic_load(&finished) || rounds < 4; rounds++) {
    epoch_reader *reader = skiplist_reader_open(list);
    CHECK(reader);
    uint64_t seq = pin(own);
    skiplist_range all = {.low = {(const uint8_t *)"", 0, 0}, .seq = seq};
    CHECK(skiplist_count(list, reader, &all) == DOCUMENTS);
    read_all(reader, seq, rounds % 2, 1 + random_below(&random, 1000));
    atomic_store(&pins[own], 0);
    skiplist_reader_close(reader);
  }
  return NULL;
}

static void readers_see_whole_snapshots_while_one_writes(void) {
  skiplist_options options = {.memory = {.reserve_bytes = 1u << 28}};
  list = skiplist_create(&options);
  CHECK(list);
  for (uint64_t seq = 1; seq <= DOCUMENTS; seq++) write_commit(seq);
  atomic_store(&published, DOCUMENTS);
  pthread_t threads[READERS];
  for (int at = 0; at < READERS; at++) {
    CHECK(!pthread_create(&threads[at], NULL, read_on, (void *)(intptr_t)at));
  }
  for (uint64_t seq = DOCUMENTS + 1; seq <= COMMITS; seq++) {
    write_commit(seq);
    atomic_store(&published, seq);
    if (seq % 64 == 0) release(seq);
    /* Small machines: let the readers in. */
    if (seq % 128 == 0) sched_yield();
  }
  atomic_store(&finished, true);
  for (int at = 0; at < READERS; at++) pthread_join(threads[at], NULL);
  release(COMMITS);
  CHECK(skiplist_measure(list).entries == DOCUMENTS);
  CHECK(!skiplist_check(list));
  skiplist_destroy(list);
}

int main(void) {
  RUN(readers_see_whole_snapshots_while_one_writes);
  return 0;
}
