#include "pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bytes.h"

#define MAGIC 0xbeefc0deu
#define VERSION 2
#define META_END 160
#define HEADER 24
#define NODE_HEADER 8
#define PAGE_BRANCH 1
#define PAGE_LEAF 2
#define NODE_BIG 1
#define TABLE_BYTES 48
/* A tree of 64 levels would not fit any file: a walk that is longer goes in circles. */
#define DEPTH_MAX 64
/* Walks side by side: enough to wait for memory together, few enough to stay in the cache. */
#define TOGETHER 16
/* Address space for a file that grows, so that it need not be mapped anew. */
#define SPARE ((size_t)1 << 30)

struct pages {
  const uint8_t *memory;
  size_t reserved;
  size_t size; /* of the file, as last seen */
  size_t page_size;
  int file;
};

typedef enum { AT_PAGE, AT_NODE, FOUND, ABSENT, SHORT, DAMAGED } state;

typedef struct {
  const uint8_t *page;
  uint32_t low, high, middle;
  uint8_t depth;
  bool branch;
  state at;
} walk;

static uint16_t read16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint32_t read32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint64_t read64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static size_t size_of(int file) {
  struct stat facts;
  return fstat(file, &facts) == 0 && facts.st_size > 0 ? (size_t)facts.st_size : 0;
}

static bool map_file(pages *self) {
  size_t reserved = self->size * 2 + SPARE;
  void *memory = mmap(NULL, reserved, PROT_READ, MAP_SHARED, self->file, 0);
  if (memory == MAP_FAILED) return false;
  if (self->memory) munmap((void *)(uintptr_t)self->memory, self->reserved);
  self->memory = memory;
  self->reserved = reserved;
  return true;
}

static bool is_known(const uint8_t *meta) {
  return read32(meta + 24) == MAGIC && (read32(meta + 28) & 0xffff) == VERSION;
}

pages *pages_open(int file) {
  pages *self = calloc(1, sizeof(pages));
  if (!self) return NULL;
  self->file = file;
  self->size = size_of(file);
  if (self->size < META_END || !map_file(self)) goto refused;
  if (!is_known(self->memory)) goto refused;
  self->page_size = read32(self->memory + 48);
  if (self->page_size < 256 || self->page_size > 65536) goto refused;
  if (self->page_size & (self->page_size - 1)) goto refused;
  if (self->size < 2 * self->page_size || !is_known(self->memory + self->page_size)) goto refused;
  return self;

refused:
  pages_close(self);
  return NULL;
}

void pages_close(pages *self) {
  if (!self) return;
  if (self->memory) munmap((void *)(uintptr_t)self->memory, self->reserved);
  free(self);
}

void pages_metas(const pages *self, pages_meta metas[2]) {
  for (size_t n = 0; n < 2; n++) {
    const uint8_t *meta = self->memory + n * self->page_size;
    metas[n] = (pages_meta){.transaction = read64(meta + 152), .root = read64(meta + 136)};
  }
}

/* The bytes of `length` from the start of a page on; NULL when the file has not so many. */
static const uint8_t *bytes_at(const pages *self, uint64_t page, size_t length) {
  if (page > self->size / self->page_size) return NULL;
  size_t start = (size_t)page * self->page_size;
  return length <= self->size - start ? self->memory + start : NULL;
}

/* Looks how long the file is by now; false when it has not grown. */
static bool grow(pages *self) {
  size_t size = size_of(self->file);
  if (size <= self->size) return false;
  self->size = size;
  return size <= self->reserved || map_file(self);
}

static void turn_to(const pages *self, walk *walking, uint64_t page) {
  const uint8_t *bytes = bytes_at(self, page, self->page_size);
  if (++walking->depth > DEPTH_MAX) {
    walking->at = DAMAGED;
  } else if (!bytes) {
    walking->at = SHORT;
  } else {
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + 64);
    walking->page = bytes;
    walking->at = AT_PAGE;
  }
}

/* The node in the middle, if it lies within its page. */
static const uint8_t *node_at(const pages *self, const walk *walking, uint32_t number) {
  size_t place = HEADER + (size_t)read16(walking->page + HEADER + 2 * number);
  return place + NODE_HEADER <= self->page_size ? walking->page + place : NULL;
}

/* Its key and data must lie within the page too. */
static bool is_whole(const pages *self, const walk *walking, const uint8_t *node, size_t length) {
  return (size_t)(node - walking->page) + NODE_HEADER + length <= self->page_size;
}

static uint64_t child_of(const uint8_t *node) {
  return read16(node) | (uint64_t)read16(node + 2) << 16 | (uint64_t)read16(node + 4) << 32;
}

static void finish_leaf(const pages *self, walk *walking, pages_lookup *lookup, const uint8_t *node) {
  size_t key_length = read16(node + 6);
  size_t length = read16(node) | (size_t)read16(node + 2) << 16;
  const uint8_t *data = node + NODE_HEADER + key_length;
  bool is_big = read16(node + 4) & NODE_BIG;
  walking->at = DAMAGED;
  if (!is_whole(self, walking, node, key_length + (is_big ? 8 : length))) return;
  if (is_big) {
    const uint8_t *bytes = bytes_at(self, read64(data), HEADER + length);
    if (!bytes) {
      walking->at = SHORT;
      return;
    }
    data = bytes + HEADER;
  }
  for (size_t at = 0; at < length && at < 256; at += 64) __builtin_prefetch(data + at);
  lookup->value = data;
  lookup->length = (uint32_t)length;
  walking->at = FOUND;
}

/* Chooses what to compare with next, or goes on from what was found. */
static void choose(const pages *self, walk *walking) {
  if (walking->low < walking->high) {
    walking->middle = (walking->low + walking->high) / 2;
    const uint8_t *node = node_at(self, walking, walking->middle);
    if (node) __builtin_prefetch(node);
    walking->at = node ? AT_NODE : DAMAGED;
  } else if (walking->branch) {
    const uint8_t *node = node_at(self, walking, walking->low - 1);
    if (node) turn_to(self, walking, child_of(node));
    else walking->at = DAMAGED;
  } else {
    walking->at = ABSENT;
  }
}

static void enter(const pages *self, walk *walking) {
  uint16_t flags = read16(walking->page + 18);
  uint32_t nodes = read16(walking->page + 20) / 2;
  walking->branch = flags & PAGE_BRANCH;
  /* All before the second child's key is the first one's. */
  walking->low = walking->branch ? 1 : 0;
  walking->high = nodes;
  bool is_sound = (flags & (PAGE_BRANCH | PAGE_LEAF)) && nodes > 0 && HEADER + 2 * nodes <= self->page_size;
  if (is_sound) choose(self, walking);
  else walking->at = DAMAGED;
}

static void probe(const pages *self, walk *walking, pages_lookup *lookup) {
  const uint8_t *node = node_at(self, walking, walking->middle);
  uint32_t length = read16(node + 6);
  if (!is_whole(self, walking, node, length)) {
    walking->at = DAMAGED;
    return;
  }
  int order = bytes_compare(lookup->key, lookup->key_length, node + NODE_HEADER, length);
  if (order == 0 && !walking->branch) {
    finish_leaf(self, walking, lookup, node);
    return;
  }
  if (order < 0) walking->high = walking->middle;
  else walking->low = walking->middle + 1;
  choose(self, walking);
}

/* One step of each walk in turn, until all have ended. */
static state find_together(const pages *self, uint64_t root, pages_lookup *lookups, size_t count) {
  walk walks[TOGETHER];
  size_t busy[TOGETHER];
  for (size_t n = 0; n < count; n++) {
    walks[n] = (walk){.depth = 0};
    lookups[n].value = NULL;
    lookups[n].length = 0;
    busy[n] = n;
    if (root == PAGES_NONE) walks[n].at = ABSENT;
    else turn_to(self, &walks[n], root);
  }
  state worst = FOUND;
  for (size_t left = count; left > 0;) {
    for (size_t at = 0; at < left;) {
      walk *walking = &walks[busy[at]];
      if (walking->at == AT_NODE) probe(self, walking, &lookups[busy[at]]);
      else if (walking->at == AT_PAGE) enter(self, walking);
      if (walking->at <= AT_NODE) at++;
      else {
        if (walking->at > worst) worst = walking->at;
        busy[at] = busy[--left];
      }
    }
  }
  return worst;
}

bool pages_find(pages *self, uint64_t root, pages_lookup *lookups, size_t count) {
  for (size_t at = 0; at < count; at += TOGETHER) {
    size_t part = count - at < TOGETHER ? count - at : TOGETHER;
    state worst = find_together(self, root, lookups + at, part);
    if (worst <= ABSENT) continue;
    if (worst == DAMAGED || !grow(self)) return false;
    /* The memory may be another: what was answered is asked again. */
    return pages_find(self, root, lookups, count);
  }
  return true;
}

uint64_t pages_table(pages *self, uint64_t root, const uint8_t *name, uint32_t length) {
  pages_lookup lookup = {.key = name, .key_length = length};
  if (!pages_find(self, root, &lookup, 1) || !lookup.value) return PAGES_NONE;
  return lookup.length == TABLE_BYTES ? read64(lookup.value + TABLE_BYTES - 8) : PAGES_NONE;
}
