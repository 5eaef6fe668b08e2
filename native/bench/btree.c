#include "btree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 128u
#define HEAP 4096u
#define DEPTH_MAX 12

typedef struct node node;

struct node {
  uint16_t count;
  bool leaf;
  uint32_t heap_used;
  uint32_t shared; /* bytes that all keys here share; heads begin after them */
  struct node *next;
  uint32_t heads[ENTRIES];
  uint16_t offsets[ENTRIES];
  uint16_t lengths[ENTRIES];
  uint32_t refs[ENTRIES];
  /* Leaves have no children, and are allocated without them. */
  struct node *children[ENTRIES];
};

struct btree {
  node *root;
};

/* Where the heap of a node stands: behind its columns. */
static uint8_t *heap_of(const node *self) {
  size_t columns = self->leaf ? offsetof(node, children) : sizeof(node);
  return (uint8_t *)(uintptr_t)self + columns;
}

static node *new_node(bool leaf) {
  node *made = malloc((leaf ? offsetof(node, children) : sizeof(node)) + HEAP);
  if (!made) abort();
  made->count = 0;
  made->leaf = leaf;
  made->heap_used = made->shared = 0;
  made->next = NULL;
  return made;
}

static uint32_t head_of(const uint8_t *bytes, uint32_t length) {
  if (length >= 4) {
    uint32_t word;
    memcpy(&word, bytes, 4);
    return __builtin_bswap32(word);
  }
  uint32_t head = 0;
  for (uint32_t at = 0; at < 4; at++) head = head << 8 | (at < length ? bytes[at] : 0);
  return head;
}

typedef struct {
  const uint8_t *key;
  uint32_t length;
  uint32_t ref;
} target;

static int compare_at(const node *self, uint32_t at, const target *to) {
  uint32_t length = self->lengths[at];
  uint32_t shorter = length < to->length ? length : to->length;
  int order = memcmp(heap_of(self) + self->offsets[at], to->key, shorter);
  if (order) return order;
  if (length != to->length) return length < to->length ? -1 : 1;
  return (self->refs[at] > to->ref) - (self->refs[at] < to->ref);
}

static uint32_t heads_below(const uint32_t *heads, uint32_t count, uint32_t head) {
  const uint32_t *from = heads;
  while (count > 1) {
    uint32_t half = count / 2;
    from += from[half - 1] < head ? half : 0;
    count -= half;
  }
  return (uint32_t)(from - heads) + (count == 1 && *from < head);
}

/* The first key of an inner node is never looked at: its child takes all before the second. */
static uint32_t first_key(const node *self) { return self->leaf ? 0 : 1; }

/* How many entries are at or before the target. */
static uint32_t rank(const node *self, const target *to) {
  uint32_t first = first_key(self), keys = self->count - first;
  if (self->count <= first) return self->count;
  if (self->shared) {
    uint32_t shorter = self->shared < to->length ? self->shared : to->length;
    int order = memcmp(to->key, heap_of(self) + self->offsets[first], shorter);
    if (order) return order < 0 ? first : self->count;
    if (to->length < self->shared) return first;
  }
  uint32_t head = head_of(to->key + self->shared, to->length - self->shared);
  uint32_t low = first + heads_below(self->heads + first, keys, head);
  uint32_t high = low;
  if (low < self->count && self->heads[low] == head) {
    high = low + 1;
    if (high < self->count && self->heads[high] == head) {
      high = head == UINT32_MAX
                 ? self->count
                 : low + heads_below(self->heads + low, self->count - low, head + 1);
    }
  }
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (compare_at(self, middle, to) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Heads again, after what the outermost keys share now. */
static void refresh(node *self) {
  uint32_t first = first_key(self), shared = 0;
  if (self->count <= first) return;
  uint32_t last = self->count - 1u;
  const uint8_t *a = heap_of(self) + self->offsets[first], *b = heap_of(self) + self->offsets[last];
  while (shared < self->lengths[first] && shared < self->lengths[last] && a[shared] == b[shared]) {
    shared++;
  }
  self->shared = shared;
  for (uint32_t at = first; at < self->count; at++) {
    self->heads[at] = head_of(heap_of(self) + self->offsets[at] + shared,
                              self->lengths[at] - shared);
  }
}

static void put(node *self, uint32_t at, const target *entry, node *child) {
  uint32_t after = self->count - at;
  memmove(self->heads + at + 1, self->heads + at, after * sizeof(uint32_t));
  memmove(self->offsets + at + 1, self->offsets + at, after * sizeof(uint16_t));
  memmove(self->lengths + at + 1, self->lengths + at, after * sizeof(uint16_t));
  memmove(self->refs + at + 1, self->refs + at, after * sizeof(uint32_t));
  if (!self->leaf) memmove(self->children + at + 1, self->children + at, after * sizeof(node *));
  memcpy(heap_of(self) + self->heap_used, entry->key, entry->length);
  self->offsets[at] = (uint16_t)self->heap_used;
  self->lengths[at] = (uint16_t)entry->length;
  self->refs[at] = entry->ref;
  if (!self->leaf) self->children[at] = child;
  self->heap_used += entry->length;
  self->count++;
  bool inside = at > first_key(self) && at + 1u < self->count;
  if (inside) self->heads[at] = head_of(entry->key + self->shared, entry->length - self->shared);
  else refresh(self);
}

static void copy_entries(node *to, const node *from, uint32_t low, uint32_t high) {
  for (uint32_t at = low; at < high; at++) {
    uint32_t own = to->count++;
    memcpy(heap_of(to) + to->heap_used, heap_of(from) + from->offsets[at], from->lengths[at]);
    to->offsets[own] = (uint16_t)to->heap_used;
    to->lengths[own] = from->lengths[at];
    to->refs[own] = from->refs[at];
    if (!to->leaf) to->children[own] = from->children[at];
    to->heap_used += from->lengths[at];
  }
  refresh(to);
}

static node *split(node *self) {
  static _Alignas(node) uint8_t buffer[sizeof(node) + HEAP];
  node *right = new_node(self->leaf), *copy = (node *)buffer;
  uint32_t middle = self->count / 2;
  memcpy(copy, self, (self->leaf ? offsetof(node, children) : sizeof(node)) + HEAP);
  copy_entries(right, copy, middle, copy->count);
  right->next = self->next;
  self->next = right;
  self->count = 0;
  self->heap_used = 0;
  copy_entries(self, copy, 0, middle);
  return right;
}

static bool is_full(const node *self, uint32_t length) {
  return self->count == ENTRIES || self->heap_used + length > HEAP;
}

static target first_of(const node *self) {
  return (target){heap_of(self) + self->offsets[0], self->lengths[0], self->refs[0]};
}

btree *btree_create(void) {
  btree *self = malloc(sizeof(btree));
  if (!self) abort();
  self->root = new_node(true);
  return self;
}

static void destroy_node(node *self) {
  for (uint32_t at = 0; !self->leaf && at < self->count; at++) destroy_node(self->children[at]);
  free(self);
}

void btree_destroy(btree *self) {
  destroy_node(self->root);
  free(self);
}

static uint32_t child_of(const node *self, const target *to) { return rank(self, to) - 1; }

void btree_insert(btree *self, const uint8_t *key, uint32_t length, uint32_t ref) {
  target entry = {key, length, ref};
  node *path[DEPTH_MAX];
  uint32_t places[DEPTH_MAX], depth = 0;
  node *at = self->root;
  while (!at->leaf) {
    path[depth] = at;
    places[depth] = child_of(at, &entry);
    at = at->children[places[depth++]];
  }
  node *right = NULL;
  if (is_full(at, length)) {
    right = split(at);
    bool before = compare_at(right, 0, &entry) > 0;
    node *home = before ? at : right;
    put(home, rank(home, &entry), &entry, NULL);
  } else {
    put(at, rank(at, &entry), &entry, NULL);
  }
  while (right) {
    target first = first_of(right);
    if (depth == 0) {
      node *root = new_node(false);
      target lowest = first_of(self->root);
      put(root, 0, &lowest, self->root);
      put(root, 1, &first, right);
      self->root = root;
      return;
    }
    node *parent = path[--depth];
    uint32_t place = places[depth] + 1;
    if (!is_full(parent, first.length)) {
      put(parent, place, &first, right);
      return;
    }
    node *second = split(parent);
    if (place <= parent->count) put(parent, place, &first, right);
    else put(second, place - parent->count, &first, right);
    right = second;
  }
}

size_t btree_scan(const btree *self, const uint8_t *key, uint32_t length, const uint8_t *high,
                  uint32_t high_length, uint32_t *refs, size_t max) {
  target low = {key, length, 0}, end = {high, high_length, UINT32_MAX};
  const node *at = self->root;
  while (!at->leaf) at = at->children[child_of(at, &low)];
  uint32_t from = rank(at, &low);
  size_t total = 0;
  for (; at; at = at->next, from = 0) {
    uint32_t to = at->count;
    bool last = high && at->count > 0 && compare_at(at, at->count - 1u, &end) > 0;
    if (last) to = rank(at, &end);
    if (at->next) {
      __builtin_prefetch(at->next);
      for (int line = 0; line < 6; line++) __builtin_prefetch(at->next->refs + line * 16);
    }
    size_t taken = to > from ? to - from : 0;
    if (taken > max - total) taken = max - total;
    memcpy(refs + total, at->refs + from, taken * sizeof(uint32_t));
    total += taken;
    if (last || total == max) break;
  }
  return total;
}
