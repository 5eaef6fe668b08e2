/*
 * The skip list beside the B+tree of btree.h, on the same keys, in rounds that
 * alternate; prints medians of the rounds and of their ratios (above 1, the list is
 * faster). Usage: compare [entries ...]; default 100000 1000000.
 *
 * Three kinds of keys, as an index holds them: a number (a tag and eight bytes),
 * a session name of 11 letters that ten entries share, an ISO date of 24.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../skiplist_pack.h"
#include "btree.h"

#define ROUNDS 15
#define SEEKS 100000
#define KEY_MAX 32

typedef struct {
  uint8_t bytes[KEY_MAX];
  uint32_t length;
} bench_key;

typedef struct {
  const char *name;
  bench_key (*make)(uint64_t random, uint32_t entries);
} key_kind;

static uint64_t random_next(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

static bench_key number_key(uint64_t random, uint32_t entries) {
  (void)entries;
  bench_key key = {.length = 9, .bytes = {0x20}};
  double value = (double)(random >> 11) / 9007199254740992.0;
  uint64_t bits;
  memcpy(&bits, &value, 8);
  bits = __builtin_bswap64(bits | UINT64_C(1) << 63);
  memcpy(key.bytes + 1, &bits, 8);
  return key;
}

static bench_key text_key(const char *text) {
  bench_key key = {.length = (uint32_t)strlen(text) + 2, .bytes = {0x30}};
  memcpy(key.bytes + 1, text, strlen(text));
  return key;
}

static bench_key session_key(uint64_t random, uint32_t entries) {
  char text[24];
  snprintf(text, sizeof text, "session%06u", (unsigned)(random % (entries / 10)) % 1000000u);
  return text_key(text);
}

static bench_key date_key(uint64_t random, uint32_t entries) {
  (void)entries;
  char text[40];
  snprintf(text, sizeof text, "2025-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(random % 12) + 1,
           (unsigned)(random >> 8) % 28 + 1, (unsigned)(random >> 16) % 24,
           (unsigned)(random >> 24) % 60, (unsigned)(random >> 32) % 60,
           (unsigned)(random >> 40) % 1000);
  return text_key(text);
}

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

typedef struct {
  bench_key *keys;
  uint32_t entries;
  skiplist *list;
  epoch_reader *reader;
  btree *tree;
  uint32_t *refs;
  uint64_t sum;
} bench;

/* Without a key to go on from, which the tree does not give either. */
static skiplist_batch batch_of(bench *self, uint32_t max) {
  return (skiplist_batch){.refs = self->refs, .refs_max = max};
}

/* Reads up to 10 entries of one key: what an equality query does. */
static double seek_list(bench *self, uint64_t random) {
  double start = now_ns();
  for (int n = 0; n < SEEKS; n++) {
    const bench_key *key = &self->keys[random_next(&random) % self->entries];
    skiplist_range range = {.low = {key->bytes, key->length, 0},
                            .high = {key->bytes, key->length, UINT32_MAX},
                            .has_high = true,
                            .seq = self->entries};
    skiplist_batch batch = batch_of(self, 10);
    skiplist_read(self->list, self->reader, &range, &batch);
    self->sum += batch.count + self->refs[0];
  }
  return (now_ns() - start) / SEEKS;
}

static double seek_tree(bench *self, uint64_t random) {
  double start = now_ns();
  for (int n = 0; n < SEEKS; n++) {
    const bench_key *key = &self->keys[random_next(&random) % self->entries];
    self->sum += btree_scan(self->tree, key->bytes, key->length, key->bytes, key->length,
                            self->refs, 10) + self->refs[0];
  }
  return (now_ns() - start) / SEEKS;
}

/* From random places, `length` entries each, a million in all. */
static double scan_list(bench *self, uint64_t random, uint32_t length) {
  double start = now_ns();
  uint64_t total = 0;
  for (uint32_t n = 0; n < 1000000 / length; n++) {
    const bench_key *key = &self->keys[random_next(&random) % self->entries];
    skiplist_range range = {.low = {key->bytes, key->length, 0}, .seq = self->entries};
    skiplist_batch batch = batch_of(self, length);
    skiplist_read(self->list, self->reader, &range, &batch);
    total += batch.count;
  }
  self->sum += total;
  return (now_ns() - start) / (double)total;
}

static double scan_tree(bench *self, uint64_t random, uint32_t length) {
  double start = now_ns();
  uint64_t total = 0;
  for (uint32_t n = 0; n < 1000000 / length; n++) {
    const bench_key *key = &self->keys[random_next(&random) % self->entries];
    total += btree_scan(self->tree, key->bytes, key->length, NULL, 0, self->refs, length);
  }
  self->sum += total;
  return (now_ns() - start) / (double)total;
}

/* As often as makes a million entries, at least once. */
static double whole_list(bench *self) {
  double start = now_ns();
  uint64_t total = 0;
  while (total < 1000000) {
    skiplist_range range = {.low = {(const uint8_t *)"", 0, 0}, .seq = self->entries};
    skiplist_batch batch = batch_of(self, self->entries);
    skiplist_read(self->list, self->reader, &range, &batch);
    total += batch.count;
  }
  return (now_ns() - start) / (double)total;
}

static double whole_tree(bench *self) {
  double start = now_ns();
  uint64_t total = 0;
  while (total < 1000000) {
    total += btree_scan(self->tree, (const uint8_t *)"", 0, NULL, 0, self->refs, self->entries);
  }
  return (now_ns() - start) / (double)total;
}

/* Counts all entries, a million in all. */
static double count_list(bench *self) {
  double start = now_ns();
  uint64_t total = 0;
  while (total < 1000000) {
    skiplist_range range = {.low = {(const uint8_t *)"", 0, 0}, .seq = self->entries};
    total += skiplist_count(self->list, self->reader, &range);
  }
  self->sum += total;
  return (now_ns() - start) / (double)total;
}

static int compare_doubles(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof(double), compare_doubles);
  return values[ROUNDS / 2];
}

/* The ratio is the median of each round's own: what disturbs a round disturbs both sides. */
static void print_row(const char *work, double *list, double *tree) {
  double ratios[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) ratios[round] = tree[round] / list[round];
  double own = median(list), other = median(tree);
  printf("  %-22s list %8.1f ns   tree %8.1f ns   ratio %.2f\n", work, own, other, median(ratios));
}

static void load(bench *self) {
  size_t failed;
  double start = now_ns();
  for (uint32_t at = 0; at < self->entries; at++) {
    skiplist_change insert = {{self->keys[at].bytes, self->keys[at].length, at + 1}, false};
    if (skiplist_apply(self->list, &insert, 1, at + 1, &failed)) abort();
  }
  double middle = now_ns();
  for (uint32_t at = 0; at < self->entries; at++) {
    btree_insert(self->tree, self->keys[at].bytes, self->keys[at].length, at + 1);
  }
  double list = (middle - start) / self->entries, tree = (now_ns() - middle) / self->entries;
  printf("  %-22s list %8.1f ns   tree %8.1f ns   ratio %.2f   (one run)\n", "insert", list, tree,
         tree / list);
  skiplist_stats stats = skiplist_measure(self->list);
  printf("  bytes an entry         list %8.1f      (in use %.1f)\n",
         (double)stats.footprint / self->entries, (double)stats.bytes / self->entries);
}

static void pack(bench *self) {
  double start = now_ns();
  skiplist *packed = skiplist_pack(self->list, self->reader, self->entries, NULL);
  if (!packed) abort();
  printf("  %-22s list %8.1f ns   %.1f bytes an entry\n", "pack, an entry",
         (now_ns() - start) / self->entries,
         (double)skiplist_measure(packed).footprint / self->entries);
  skiplist_reader_close(self->reader);
  skiplist_destroy(self->list);
  self->list = packed;
  self->reader = skiplist_reader_open(packed);
}

static void check_same(bench *self) {
  uint32_t *other = malloc((uint64_t)self->entries * sizeof(uint32_t));
  whole_list(self);
  memcpy(other, self->refs, (uint64_t)self->entries * sizeof(uint32_t));
  whole_tree(self);
  if (memcmp(other, self->refs, (uint64_t)self->entries * sizeof(uint32_t))) abort();
  free(other);
}

static void run(bench *self) {
  double times[10][ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t random = 77 + (uint64_t)round * 1000003;
    times[0][round] = seek_list(self, random);
    times[1][round] = seek_tree(self, random);
    times[2][round] = scan_list(self, random, 100);
    times[3][round] = scan_tree(self, random, 100);
    times[4][round] = scan_list(self, random, 1000);
    times[5][round] = scan_tree(self, random, 1000);
    times[6][round] = whole_list(self);
    times[7][round] = whole_tree(self);
    times[8][round] = count_list(self);
  }
  print_row("seek, one key", times[0], times[1]);
  print_row("scan 100, an entry", times[2], times[3]);
  print_row("scan 1,000, an entry", times[4], times[5]);
  print_row("scan all, an entry", times[6], times[7]);
  printf("  %-22s list %8.3f ns\n", "count all, an entry", median(times[8]));
}

static void compare(const key_kind *kind, uint32_t entries) {
  bench self = {.entries = entries, .tree = btree_create(), .list = skiplist_create(NULL)};
  uint64_t random = 20260131;
  self.keys = malloc((uint64_t)entries * sizeof(bench_key));
  self.refs = malloc((uint64_t)entries * sizeof(uint32_t));
  for (uint32_t at = 0; at < entries; at++) self.keys[at] = kind->make(random_next(&random), entries);
  self.reader = skiplist_reader_open(self.list);
  printf("%u entries, %s\n", entries, kind->name);
  load(&self);
  check_same(&self);
  run(&self);
  puts("  packed, as a saved list is opened:");
  pack(&self);
  check_same(&self);
  run(&self);
  skiplist_reader_close(self.reader);
  skiplist_destroy(self.list);
  btree_destroy(self.tree);
  free(self.keys);
  free(self.refs);
}

int main(int count, char **values) {
  static const key_kind kinds[] = {
      {"numbers", number_key}, {"session names, 10 entries each", session_key}, {"dates", date_key}};
  uint32_t sizes[16] = {100000, 1000000}, sizes_count = 2;
  if (count > 1) {
    sizes_count = 0;
    for (int at = 1; at < count && at < 16; at++) sizes[sizes_count++] = (uint32_t)atol(values[at]);
  }
  for (uint32_t size = 0; size < sizes_count; size++) {
    for (int kind = 0; kind < 3; kind++) compare(&kinds[kind], sizes[size]);
  }
  return 0;
}
