/*
 * block: a sorted run of entries in one chunk, packed in columns. A leaf block
 * holds entries of the map; a block of a higher level holds the first entries
 * of the blocks below it.
 *
 *   | header | prefix | refs u32[n] | heads u32[n] | offsets u16[n+1] | heap |
 *     leaf:    ... born u64[n] | died u64[n] |
 *     above:   ... children u32[n] |
 *
 * A key is the block's prefix, which all its keys share, followed by its own
 * suffix in the heap. The first four bytes of each suffix stand once more as a
 * big-endian number in `heads`: a search runs over these 512 bytes and looks
 * into the heap only where heads are equal.
 *
 * Order: by key (unsigned bytes, shorter first), then ref, then age.
 *
 * Invariants: a block is never changed once it is published, but for `died` and
 * `dead`, which change by single atomic stores. At most BLOCK_ENTRIES_MAX
 * entries; with more than one entry at most BLOCK_HEAP_MAX bytes of suffixes,
 * so offsets fit 16 bits. A key of any length fits a block of its own.
 *
 * Threads: one thread builds a block and hands it over; then any may read it.
 * Only the writer stores to `died` and `dead`.
 *
 * Who frees what: a builder gives a chunk of the arena to its caller.
 */
#ifndef JDBX_BLOCK_H
#define JDBX_BLOCK_H

#include "epoch.h"

/* Tests build small blocks too, so that few entries make many levels. */
#ifndef BLOCK_ENTRIES_MAX
#define BLOCK_ENTRIES_MAX 128u
#endif
#ifndef BLOCK_HEAP_MAX
#define BLOCK_HEAP_MAX 16384u
#endif

/* died of an entry that lives, and of one whose insert was taken back. */
#define DIED_NEVER UINT64_MAX
#define DIED_VOID UINT64_C(0)

typedef struct {
  epoch_retired retired;
  uint16_t count;
  uint16_t level; /* 0 is a leaf */
  uint32_t prefix_length;
  uint32_t heap_length;
  /* How many entries have died, or are void. */
  _Atomic uint32_t dead;
  /* The newest birth, so that a reader of a later snapshot need not look at each. */
  uint64_t born_max;
} block;

/* Key bytes in two parts, as they stand in a block; or whole, the second part empty. */
typedef struct {
  const uint8_t *prefix;
  const uint8_t *suffix;
  uint32_t prefix_length;
  uint32_t suffix_length;
} block_key;

/* One entry on its way into a block. */
typedef struct {
  block_key key;
  uint32_t ref;
  arena_ref child;
  uint64_t born;
  uint64_t died;
} block_item;

/* A key to look for, with its ref: the place after every entry at or before both. */
typedef struct {
  const uint8_t *key;
  uint32_t length;
  uint32_t ref;
} block_target;

static inline uint64_t block_pad8(uint64_t bytes) { return (bytes + 7) & ~UINT64_C(7); }

static inline const uint8_t *block_prefix(const block *self) { return (const uint8_t *)(self + 1); }

static inline uint32_t *block_refs(const block *self) {
  return (uint32_t *)((uint8_t *)(uintptr_t)(self + 1) + block_pad8(self->prefix_length));
}

static inline uint32_t *block_heads(const block *self) { return block_refs(self) + self->count; }

static inline uint16_t *block_offsets(const block *self) {
  return (uint16_t *)(block_heads(self) + self->count);
}

static inline uint8_t *block_heap(const block *self) {
  return (uint8_t *)(block_offsets(self) + self->count + 1);
}

/* The columns after the heap begin at a multiple of eight bytes from the block. */
static inline void *block_tail(const block *self) {
  uint64_t end = (uint64_t)(block_heap(self) + self->heap_length - (const uint8_t *)self);
  return (uint8_t *)(uintptr_t)self + block_pad8(end);
}

static inline uint64_t *block_born(const block *self) { return block_tail(self); }

static inline _Atomic uint64_t *block_died(const block *self) {
  return (_Atomic uint64_t *)(block_born(self) + self->count);
}

static inline uint32_t *block_children(const block *self) { return block_tail(self); }

static inline uint64_t block_died_at(const block *self, uint32_t at) {
  return atomic_load_explicit(&block_died(self)[at], memory_order_relaxed);
}

static inline bool block_visible(const block *self, uint32_t at, uint64_t seq) {
  return block_born(self)[at] <= seq && seq < block_died_at(self, at);
}

/*
 * 1 in the first index block of a level: its first entry, with the ref 0 that no
 * other has, stands before all keys, and has no part in what they share.
 */
static inline uint32_t block_opens(const block *self) {
  return self->level && block_refs(self)[0] == 0;
}

/* True when every entry is seen at `seq`: none was born later and none has died. */
static inline bool block_all_visible(const block *self, uint64_t seq) {
  return self->born_max <= seq && atomic_load_explicit(&self->dead, memory_order_relaxed) == 0;
}

block_key block_key_at(const block *self, uint32_t at);
static inline uint32_t block_key_length(block_key key) {
  return key.prefix_length + key.suffix_length;
}
void block_key_copy(block_key key, uint8_t *to);

/* How many entries are at or before the target. */
uint32_t block_rank(const block *self, const block_target *target);
/* As block_rank(...) > at, for one entry. */
bool block_at_or_before(const block *self, uint32_t at, const block_target *target);
bool block_holds(const block *self, uint32_t at, const block_target *target);
/* Whether two entries, of one block or of two, have the same key. */
bool block_same_key(const block *self, uint32_t at, const block *other, uint32_t other_at);
/* Whether two of the entries from `low` up to `high`, not included, have the same key. */
bool block_ties(const block *self, uint32_t low, uint32_t high);

block_item block_item_at(const block *self, uint32_t at);
/* Whether `count` sorted items fit one block. */
bool block_fits(const block_item *items, uint32_t count, uint32_t entries_max, uint32_t heap_max);
/* 0 when there is no memory. The items must fit. */
arena_ref block_build(arena *memory, uint32_t level, const block_item *items, uint32_t count);
/* Entries that come into one leaf block together, in order, each at its rank there. */
typedef struct {
  uint32_t count;
  uint32_t heap_length;
  const block_target *entries[BLOCK_ENTRIES_MAX];
  uint32_t ranks[BLOCK_ENTRIES_MAX];
} block_arrivals;

/* Adds one more if the block has room for it beside the others, and it shares the prefix. */
bool block_takes(const block *self, block_arrivals *arrivals, const block_target *entry,
                 uint32_t rank);
/* A copy of a leaf block with what arrives; 0 when there is no memory. */
arena_ref block_build_with(arena *memory, const block *from, const block_arrivals *arrivals,
                           uint64_t born);

#endif
