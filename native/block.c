#include "block.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

/* Heads that are compared at a stroke: a cache line of them. */
#define STEP 16u

/* The first four bytes as a big-endian number, zeros where there are fewer. */
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

block_key block_key_at(const block *self, uint32_t at) {
  const uint16_t *offsets = block_offsets(self);
  assert(at < self->count);
  return (block_key){
      .prefix = block_prefix(self),
      .prefix_length = self->prefix_length,
      .suffix = block_heap(self) + offsets[at],
      .suffix_length = (uint32_t)(offsets[at + 1] - offsets[at]),
  };
}

void block_key_copy(block_key key, uint8_t *to) {
  memcpy(to, key.prefix, key.prefix_length);
  memcpy(to + key.prefix_length, key.suffix, key.suffix_length);
}

/* Below 0 when the target's key comes before every key with this prefix, above when after. */
static inline int compare_prefix(const block *self, const block_target *target) {
  uint32_t length = self->prefix_length;
  if (!length) return 0;
  if (target->length >= length) return bytes_compare_same(target->key, block_prefix(self), length);
  int order = bytes_compare_same(target->key, block_prefix(self), target->length);
  return order ? order : -1;
}

/* Entry against target, both beyond the prefix. */
static inline int compare_entry(const block *self, uint32_t at, const block_target *target) {
  const uint16_t *offsets = block_offsets(self);
  const uint8_t *suffix = target->key + self->prefix_length;
  int order = bytes_compare(block_heap(self) + offsets[at], (uint32_t)(offsets[at + 1] - offsets[at]),
                            suffix, target->length - self->prefix_length);
  if (order) return order;
  uint32_t ref = block_refs(self)[at];
  return (ref > target->ref) - (ref < target->ref);
}

/* How many of the heads are below `head`, a few of them. */
static inline uint32_t few_below(const uint32_t *heads, uint32_t count, uint32_t head) {
  uint32_t below = 0;
  for (uint32_t at = 0; at < count; at++) below += heads[at] < head;
  return below;
}

/*
 * How many of the heads are below `head`: the last of each sixteen, then those of one sixteen.
 * Halving would wait seven times for what it compares; here all that is compared comes at once.
 */
static inline uint32_t heads_below(const uint32_t *heads, uint32_t count, uint32_t head) {
  if (count < STEP) return few_below(heads, count, head);
  uint32_t last = count - 1, steps = 0;
  if (heads[last] < head) return count;
#pragma GCC unroll 8
  for (uint32_t end = STEP - 1; end < BLOCK_ENTRIES_MAX; end += STEP) {
    steps += heads[end < last ? end : last] < head;
  }
  uint32_t from = steps * STEP;
  if (from > count - STEP) from = count - STEP;
  uint32_t below = 0;
#pragma GCC unroll 16
  for (uint32_t at = 0; at < STEP; at++) below += heads[from + at] < head;
  return from + below;
}

uint32_t block_rank(const block *self, const block_target *target) {
  int order = compare_prefix(self, target);
  if (order) return order < 0 ? block_opens(self) : self->count;
  const uint32_t *heads = block_heads(self);
  uint32_t suffix = self->prefix_length;
  uint32_t head = head_of(target->key + suffix, target->length - suffix);
  uint32_t low = heads_below(heads, self->count, head);
  if (low == self->count || heads[low] != head) return low;
  uint32_t high = low + 1;
  if (high < self->count && heads[high] == head) {
    high = head == UINT32_MAX ? self->count
                              : low + heads_below(heads + low, self->count - low, head + 1);
  }
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (compare_entry(self, middle, target) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

bool block_at_or_before(const block *self, uint32_t at, const block_target *target) {
  if (at < block_opens(self)) return true;
  int order = compare_prefix(self, target);
  if (order) return order > 0;
  uint32_t suffix = self->prefix_length;
  uint32_t head = head_of(target->key + suffix, target->length - suffix);
  uint32_t own = block_heads(self)[at];
  if (own != head) return own < head;
  return compare_entry(self, at, target) <= 0;
}

bool block_holds(const block *self, uint32_t at, const block_target *target) {
  return block_refs(self)[at] == target->ref && compare_prefix(self, target) == 0 &&
         compare_entry(self, at, target) == 0;
}

block_item block_item_at(const block *self, uint32_t at) {
  block_item item = {.key = block_key_at(self, at), .ref = block_refs(self)[at]};
  if (self->level) {
    item.child = block_children(self)[at];
  } else {
    item.born = block_born(self)[at];
    item.died = block_died_at(self, at);
  }
  return item;
}

static uint8_t byte_at(block_key key, uint32_t at) {
  return at < key.prefix_length ? key.prefix[at] : key.suffix[at - key.prefix_length];
}

/* Zeros stand in heads of short keys, so the length tells them from keys that end in zeros. */
static inline bool same_suffix(const block *self, uint32_t at, uint32_t other) {
  const uint16_t *offsets = block_offsets(self);
  uint32_t length = (uint32_t)(offsets[at + 1] - offsets[at]);
  if (length != (uint32_t)(offsets[other + 1] - offsets[other])) return false;
  const uint8_t *heap = block_heap(self);
  return length <= 4 || bytes_compare_same(heap + offsets[at] + 4, heap + offsets[other] + 4,
                                           length - 4) == 0;
}

bool block_same_key(const block *self, uint32_t at, const block *other, uint32_t other_at) {
  block_key left = block_key_at(self, at), right = block_key_at(other, other_at);
  uint32_t length = block_key_length(left);
  if (length != block_key_length(right)) return false;
  if (self == other) {
    return block_heads(self)[at] == block_heads(self)[other_at] && same_suffix(self, at, other_at);
  }
  /* From the end, where keys that stand side by side differ first. */
  while (length > 0 && byte_at(left, length - 1) == byte_at(right, length - 1)) length--;
  return length == 0;
}

bool block_ties(const block *self, uint32_t low, uint32_t high) {
  const uint32_t *heads = block_heads(self);
  for (uint32_t at = low + 1; at < high; at++) {
    if (heads[at] == heads[at - 1] && same_suffix(self, at, at - 1)) return true;
  }
  return false;
}

static uint32_t common_bytes(const uint8_t *a, const uint8_t *b, uint32_t length) {
  uint32_t common = 0;
  while (common < length && a[common] == b[common]) common++;
  return common;
}

/* How many bytes two keys share at their front. */
static uint32_t common_length(block_key a, block_key b) {
  uint32_t a_length = block_key_length(a), b_length = block_key_length(b);
  uint32_t shorter = a_length < b_length ? a_length : b_length;
  uint32_t common = 0;
  if (a.prefix == b.prefix && a.prefix_length == b.prefix_length) common = a.prefix_length;
  if (a.prefix_length == 0 && b.prefix_length == 0) {
    return common_bytes(a.suffix, b.suffix, shorter);
  }
  while (common < shorter && byte_at(a, common) == byte_at(b, common)) common++;
  return common;
}

/* 1 when the first item stands before all keys: its own then does not count. */
static uint32_t opening(const block_item *items, uint32_t count) {
  return count > 0 && items[0].ref == 0;
}

/* What all of them share: they are sorted, so the outermost two decide. */
static uint32_t shared_prefix(const block_item *items, uint32_t count) {
  uint32_t first = opening(items, count);
  if (count == first) return 0;
  if (count == first + 1) return block_key_length(items[first].key);
  return common_length(items[first].key, items[count - 1].key);
}

static uint64_t heap_needed(const block_item *items, uint32_t count, uint32_t prefix) {
  uint64_t total = 0;
  for (uint32_t at = opening(items, count); at < count; at++) {
    total += block_key_length(items[at].key) - prefix;
  }
  return total;
}

bool block_fits(const block_item *items, uint32_t count, uint32_t entries_max, uint32_t heap_max) {
  if (count > entries_max) return false;
  return heap_needed(items, count, shared_prefix(items, count)) <= heap_max;
}

/* Copies the key's bytes from `from` on. */
static void copy_from(block_key key, uint32_t from, uint8_t *to) {
  if (from < key.prefix_length) {
    memcpy(to, key.prefix + from, key.prefix_length - from);
    to += key.prefix_length - from;
    from = key.prefix_length;
  }
  uint32_t skipped = from - key.prefix_length;
  memcpy(to, key.suffix + skipped, key.suffix_length - skipped);
}

static uint64_t block_bytes(uint32_t level, uint32_t count, uint64_t prefix, uint64_t heap) {
  uint64_t front = sizeof(block) + block_pad8(prefix) + (uint64_t)count * 10 + 2 + heap;
  return block_pad8(front) + (uint64_t)count * (level ? 4 : 16);
}

/* A chunk with its header filled; NULL when there is no memory. */
static block *new_block(arena *memory, block header, arena_ref *chunk) {
  *chunk = arena_allocate(
      memory, block_bytes(header.level, header.count, header.prefix_length, header.heap_length));
  if (!*chunk) return NULL;
  block *made = arena_at(memory, *chunk);
  made->retired = (epoch_retired){0};
  made->count = header.count;
  made->level = header.level;
  made->prefix_length = header.prefix_length;
  made->heap_length = header.heap_length;
  made->born_max = header.born_max;
  atomic_init(&made->dead, 0);
  return made;
}

static void fill_keys(block *made, const block_item *items) {
  uint32_t *heads = block_heads(made), *refs = block_refs(made);
  uint16_t *offsets = block_offsets(made);
  uint8_t *heap = block_heap(made);
  uint32_t end = 0, opens = opening(items, made->count);
  if (opens) heads[0] = refs[0] = offsets[0] = 0;
  for (uint32_t at = opens; at < made->count; at++) {
    uint32_t length = block_key_length(items[at].key) - made->prefix_length;
    offsets[at] = (uint16_t)end;
    refs[at] = items[at].ref;
    copy_from(items[at].key, made->prefix_length, heap + end);
    heads[at] = head_of(heap + end, length);
    end += length;
  }
  offsets[made->count] = (uint16_t)end;
  assert(end == made->heap_length);
}

static void fill_lives(block *made, const block_item *items) {
  uint64_t *born = block_born(made);
  _Atomic uint64_t *died = block_died(made);
  uint32_t dead = 0;
  for (uint32_t at = 0; at < made->count; at++) {
    born[at] = items[at].born;
    atomic_init(&died[at], items[at].died);
    if (items[at].born > made->born_max) made->born_max = items[at].born;
    dead += items[at].died != DIED_NEVER;
  }
  atomic_init(&made->dead, dead);
}

arena_ref block_build(arena *memory, uint32_t level, const block_item *items, uint32_t count) {
  uint32_t prefix = shared_prefix(items, count);
  uint64_t heap = heap_needed(items, count, prefix);
  assert(count <= BLOCK_ENTRIES_MAX && heap <= BLOCK_HEAP_MAX);
  block header = {.count = (uint16_t)count,
                  .level = (uint16_t)level,
                  .prefix_length = prefix,
                  .heap_length = (uint32_t)heap};
  arena_ref chunk;
  block *made = new_block(memory, header, &chunk);
  if (!made) return 0;
  if (prefix) {
    block_key first = items[opening(items, count)].key;
    uint32_t part = first.prefix_length < prefix ? first.prefix_length : prefix;
    memcpy((uint8_t *)(made + 1), first.prefix, part);
    memcpy((uint8_t *)(made + 1) + part, first.suffix, prefix - part);
  }
  fill_keys(made, items);
  if (level) {
    for (uint32_t at = 0; at < count; at++) block_children(made)[at] = items[at].child;
  } else {
    fill_lives(made, items);
  }
  return chunk;
}

bool block_takes(const block *self, block_arrivals *arrivals, const block_target *entry,
                 uint32_t rank) {
  if (self->count == 0 || self->count + arrivals->count >= BLOCK_ENTRIES_MAX) return false;
  if (entry->length < self->prefix_length) return false;
  uint32_t length = entry->length - self->prefix_length;
  if (self->heap_length + arrivals->heap_length + length > BLOCK_HEAP_MAX) return false;
  if (compare_prefix(self, entry) != 0) return false;
  arrivals->entries[arrivals->count] = entry;
  arrivals->ranks[arrivals->count++] = rank;
  arrivals->heap_length += length;
  return true;
}

/* Copies a column of `count`, with room for each arrival. */
static void copy_column(void *to, const void *from, const block_arrivals *arrivals, uint32_t count,
                        uint32_t width) {
  uint32_t done = 0;
  for (uint32_t n = 0; n <= arrivals->count; n++) {
    uint32_t end = n < arrivals->count ? arrivals->ranks[n] : count;
    memcpy((uint8_t *)to + (uint64_t)(done + n) * width,
           (const uint8_t *)from + (uint64_t)done * width, (uint64_t)(end - done) * width);
    done = end;
  }
}

/* The suffixes, of what was there and of what arrives. */
static void copy_keys(block *made, const block *from, const block_arrivals *arrivals) {
  const uint16_t *old = block_offsets(from);
  uint16_t *offsets = block_offsets(made);
  uint8_t *heap = block_heap(made);
  uint32_t done = 0, end = 0;
  for (uint32_t n = 0; n <= arrivals->count; n++) {
    uint32_t stop = n < arrivals->count ? arrivals->ranks[n] : from->count;
    uint32_t start = old[done], moved = end - start, length = old[stop] - start;
    memcpy(heap + end, block_heap(from) + start, length);
    for (; done < stop; done++) offsets[done + n] = (uint16_t)(old[done] + moved);
    end += length;
    offsets[done + n] = (uint16_t)end;
    if (n == arrivals->count) break;
    const block_target *entry = arrivals->entries[n];
    length = entry->length - from->prefix_length;
    memcpy(heap + end, entry->key + from->prefix_length, length);
    block_heads(made)[done + n] = head_of(heap + end, length);
    block_refs(made)[done + n] = entry->ref;
    end += length;
  }
  assert(end == made->heap_length);
}

arena_ref block_build_with(arena *memory, const block *from, const block_arrivals *arrivals,
                           uint64_t born) {
  uint32_t count = from->count;
  assert(from->level == 0);
  block header = {.count = (uint16_t)(count + arrivals->count),
                  .prefix_length = from->prefix_length,
                  .heap_length = from->heap_length + arrivals->heap_length,
                  .born_max = born > from->born_max ? born : from->born_max};
  arena_ref chunk;
  block *made = new_block(memory, header, &chunk);
  if (!made) return 0;
  memcpy(made + 1, from + 1, from->prefix_length);
  copy_column(block_heads(made), block_heads(from), arrivals, count, sizeof(uint32_t));
  copy_column(block_refs(made), block_refs(from), arrivals, count, sizeof(uint32_t));
  copy_keys(made, from, arrivals);
  copy_column(block_born(made), block_born(from), arrivals, count, sizeof(uint64_t));
  /* The writer is the only one who stores to `died`, so it may read it plainly. */
  copy_column((void *)block_died(made), (const void *)block_died(from), arrivals, count,
              sizeof(uint64_t));
  for (uint32_t n = 0; n < arrivals->count; n++) {
    block_born(made)[arrivals->ranks[n] + n] = born;
    atomic_init(&block_died(made)[arrivals->ranks[n] + n], DIED_NEVER);
  }
  atomic_init(&made->dead, atomic_load_explicit(&from->dead, memory_order_relaxed));
  return chunk;
}
