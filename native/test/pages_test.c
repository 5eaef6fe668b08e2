/*
 * Trees of LMDB's layout, written here page by page: every key is found with its value, no other
 * is; a file that has grown is read to its end; one that was damaged anywhere is answered or
 * refused, and never read past its end (which would end the process).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../pages.h"
#include "harness.h"

#define PAGE 512u
#define HEADER 24u
#define PAGES_MAX 4096u
#define KEYS_MAX 3000u

static uint8_t image[PAGES_MAX][PAGE];
static uint64_t pages_count;
static uint64_t seed;

typedef struct {
  char key[40];
  uint32_t length;
} entry;

static entry entries[KEYS_MAX];
static uint32_t entries_count;

static void put16(uint8_t *at, uint64_t value) {
  uint16_t part = (uint16_t)value;
  memcpy(at, &part, sizeof part);
}

static void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof value); }
static void put64(uint8_t *at, uint64_t value) { memcpy(at, &value, sizeof value); }

static uint8_t value_byte(uint32_t number, uint32_t at) { return (uint8_t)(number * 31 + at); }

static void begin_page(uint64_t page, uint16_t flags) {
  memset(image[page], 0, PAGE);
  put16(image[page] + 18, flags);
  put16(image[page] + 22, PAGE - HEADER);
}

/* False when the page is full. `low` is 32 bits, `high` 16: as the two kinds of pages take them. */
static bool add_node(uint64_t page, uint64_t low, uint16_t high, const char *key, const uint8_t *data, uint32_t length) {
  uint8_t *bytes = image[page];
  uint16_t lower, upper;
  memcpy(&lower, bytes + 20, 2);
  memcpy(&upper, bytes + 22, 2);
  uint32_t key_length = (uint32_t)strlen(key), size = (8 + key_length + length + 1) & ~1u;
  if (lower + 2u + size > upper) return false;
  upper = (uint16_t)(upper - size);
  put16(bytes + HEADER + lower, upper);
  put16(bytes + 20, lower + 2u);
  put16(bytes + 22, upper);
  uint8_t *node = bytes + HEADER + upper;
  put16(node, low);
  put16(node + 2, low >> 16);
  put16(node + 4, high);
  put16(node + 6, key_length);
  memcpy(node + 8, key, key_length);
  if (length > 0) memcpy(node + 8 + key_length, data, length);
  return true;
}

static void add_leaf_entry(uint64_t *leaf, uint32_t number) {
  uint8_t data[PAGE];
  uint32_t length = entries[number].length, stored = length;
  uint16_t flags = 0;
  if (length > 100) {
    uint64_t first = pages_count;
    pages_count += (HEADER + length + PAGE - 1) / PAGE;
    CHECK(pages_count < PAGES_MAX);
    uint8_t *bytes = image[first] + HEADER;
    for (uint32_t at = 0; at < length; at++) bytes[at] = value_byte(number, at);
    memset(data, 0, 24);
    put64(data, first);
    stored = 24;
    flags = 1;
  } else {
    for (uint32_t at = 0; at < length; at++) data[at] = value_byte(number, at);
  }
  if (add_node(*leaf, length, flags, entries[number].key, data, stored)) return;
  *leaf = pages_count++;
  begin_page(*leaf, 2);
  CHECK(add_node(*leaf, length, flags, entries[number].key, data, stored));
}

/* The tree over what stands in `entries`; its root. */
static uint64_t build_tree(void) {
  static uint64_t level[PAGES_MAX];
  static char first[PAGES_MAX][40];
  uint32_t count = 0;
  uint64_t leaf = pages_count++;
  begin_page(leaf, 2);
  for (uint32_t n = 0; n < entries_count; n++) {
    add_leaf_entry(&leaf, n);
    if (count > 0 && level[count - 1] == leaf) continue;
    level[count] = leaf;
    memcpy(first[count++], entries[n].key, 40);
  }
  while (count > 1) {
    uint32_t parents = 0;
    uint64_t branch = 0;
    for (uint32_t n = 0; n < count; n++) {
      /* The first child of a branch has no key. */
      if (parents > 0 && add_node(branch, level[n], 0, first[n], NULL, 0)) continue;
      branch = pages_count++;
      CHECK(pages_count < PAGES_MAX);
      begin_page(branch, 1);
      CHECK(add_node(branch, level[n], 0, "", NULL, 0));
      level[parents] = branch;
      if (parents != n) memcpy(first[parents], first[n], 40);
      parents++;
    }
    count = parents;
  }
  return level[0];
}

static int by_key(const void *left, const void *right) {
  return strcmp(((const entry *)left)->key, ((const entry *)right)->key);
}

/* Even numbers, so that odd ones are not there. */
static void make_entries(uint32_t count) {
  entries_count = count;
  for (uint32_t n = 0; n < count; n++) {
    bool is_long = random_below(&seed, 4) == 0;
    snprintf(entries[n].key, 40, is_long ? "%u-with-some-more-text" : "%u", 2 * n);
    entries[n].length = random_below(&seed, 50) == 0 ? 101 + random_below(&seed, 2000) : random_below(&seed, 60);
  }
  qsort(entries, count, sizeof *entries, by_key);
}

/* A file with one table, `table`, in a tree of tables; its root. */
static uint64_t build_file(uint32_t count) {
  pages_count = 2;
  make_entries(count);
  uint8_t table[48] = {0};
  put64(table + 40, count > 0 ? build_tree() : PAGES_NONE);
  uint64_t root = pages_count++;
  begin_page(root, 2);
  CHECK(add_node(root, 48, 2, "table", table, 48));
  for (uint32_t n = 0; n < 2; n++) {
    memset(image[n], 0, PAGE);
    put32(image[n] + 24, 0xbeefc0de);
    put32(image[n] + 28, 2);
    put32(image[n] + 48, PAGE);
    put64(image[n] + 136, root);
    put64(image[n] + 152, n + 7);
  }
  return root;
}

static int new_file(void) {
  char path[] = "/tmp/jdbx-pages-XXXXXX";
  int file = mkstemp(path);
  CHECK(file >= 0);
  unlink(path);
  return file;
}

static void write_file(int file, uint64_t count) {
  CHECK(pwrite(file, image, count * PAGE, 0) == (ssize_t)(count * PAGE));
}

/* Asks for all that is there and as many that are not; what was answered must be true. */
static void find_all(pages *self, uint64_t root) {
  static pages_lookup lookups[2 * KEYS_MAX];
  static char absent[KEYS_MAX][40];
  for (uint32_t n = 0; n < entries_count; n++) {
    snprintf(absent[n], 40, "%u", 2 * n + 1);
    lookups[2 * n] = (pages_lookup){.key = (const uint8_t *)entries[n].key, .key_length = (uint32_t)strlen(entries[n].key)};
    lookups[2 * n + 1] = (pages_lookup){.key = (const uint8_t *)absent[n], .key_length = (uint32_t)strlen(absent[n])};
  }
  CHECK(pages_find(self, root, lookups, 2 * entries_count));
  for (uint32_t n = 0; n < entries_count; n++) {
    CHECK(lookups[2 * n].value && lookups[2 * n].length == entries[n].length);
    for (uint32_t at = 0; at < entries[n].length; at++) CHECK(lookups[2 * n].value[at] == value_byte(n, at));
    CHECK(!lookups[2 * n + 1].value);
  }
}

static uint64_t table_of(pages *self, uint64_t root) { return pages_table(self, root, (const uint8_t *)"table", 5); }

static void every_key_is_found_and_no_other(void) {
  const uint32_t counts[] = {0, 1, 2, 16, 17, 300, KEYS_MAX};
  for (uint32_t n = 0; n < sizeof counts / sizeof *counts; n++) {
    uint64_t root = build_file(counts[n]);
    int file = new_file();
    write_file(file, pages_count);
    pages *self = pages_open(file);
    CHECK(self);
    pages_meta metas[2];
    pages_metas(self, metas);
    CHECK(metas[0].root == root && metas[1].root == root);
    CHECK(metas[0].transaction == 7 && metas[1].transaction == 8);
    CHECK(pages_table(self, root, (const uint8_t *)"tablet", 6) == PAGES_NONE);
    find_all(self, table_of(self, root));
    pages_close(self);
    close(file);
  }
}

static void a_file_that_grows_is_read_on(void) {
  uint64_t root = build_file(1000);
  int file = new_file();
  write_file(file, 2);
  pages *self = pages_open(file);
  CHECK(self);
  CHECK(table_of(self, root) == PAGES_NONE);
  write_file(file, pages_count);
  find_all(self, table_of(self, root));
  pages_close(self);
  close(file);
}

static void no_file_of_ours_is_refused(void) {
  build_file(10);
  for (uint32_t kind = 0; kind < 4; kind++) {
    int file = new_file();
    uint8_t first[PAGE];
    write_file(file, kind == 0 ? 0 : kind == 1 ? 1 : pages_count);
    memcpy(first, image[0], PAGE);
    if (kind == 2) put32(first + 28, 1);
    if (kind == 3) put32(first + 48, 1000);
    if (kind > 1) CHECK(pwrite(file, first, PAGE, 0) == PAGE);
    CHECK(!pages_open(file));
    close(file);
  }
}

static void what_was_damaged_never_ends_the_process(void) {
  uint64_t root = build_file(400);
  static uint8_t sound[PAGES_MAX][PAGE];
  memcpy(sound, image, pages_count * PAGE);
  static pages_lookup lookups[KEYS_MAX];
  uint32_t refused = 0;
  for (uint32_t round = 0; round < 3000; round++) {
    memcpy(image, sound, pages_count * PAGE);
    for (uint32_t n = 0; n <= random_below(&seed, 20); n++) {
      uint64_t page = 2 + random_below(&seed, (uint32_t)pages_count - 2);
      /* Mostly in the header and the places of nodes, where it tells. */
      uint32_t at = random_below(&seed, random_below(&seed, 2) ? 64 : PAGE);
      image[page][at] = (uint8_t)random_next(&seed);
    }
    int file = new_file();
    write_file(file, pages_count);
    pages *self = pages_open(file);
    CHECK(self);
    for (uint32_t n = 0; n < entries_count; n++)
      lookups[n] = (pages_lookup){.key = (const uint8_t *)entries[n].key, .key_length = (uint32_t)strlen(entries[n].key)};
    if (pages_find(self, table_of(self, root), lookups, entries_count)) {
      uint64_t sum = 0;
      for (uint32_t n = 0; n < entries_count; n++)
        for (uint32_t at = 0; lookups[n].value && at < lookups[n].length; at++) sum += lookups[n].value[at];
      CHECK(sum != UINT64_MAX);
    } else {
      refused++;
    }
    pages_close(self);
    close(file);
  }
  CHECK(refused > 0);
}

static void a_walk_in_circles_ends(void) {
  uint64_t root = build_file(1000);
  int file = new_file();
  write_file(file, pages_count);
  pages *self = pages_open(file);
  uint64_t top = table_of(self, root);
  for (uint32_t n = 0; n < PAGE; n += 1) {
    /* Every child of the top is the top itself. */
    uint16_t lower;
    memcpy(&lower, image[top] + 20, 2);
    if (n >= lower / 2u) break;
    uint16_t place;
    memcpy(&place, image[top] + HEADER + 2 * n, 2);
    put16(image[top] + HEADER + place, top);
    put16(image[top] + HEADER + place + 2, top >> 16);
  }
  write_file(file, pages_count);
  pages_lookup lookup = {.key = (const uint8_t *)"5", .key_length = 1};
  CHECK(!pages_find(self, top, &lookup, 1));
  pages_close(self);
  close(file);
}

int main(void) {
  seed = 0x9e3779b97f4a7c15u;
  RUN(every_key_is_found_and_no_other);
  RUN(a_file_that_grows_is_read_on);
  RUN(no_file_of_ours_is_refused);
  RUN(what_was_damaged_never_ends_the_process);
  RUN(a_walk_in_circles_ends);
  return 0;
}
