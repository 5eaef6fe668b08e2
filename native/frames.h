/*
 * The inside of a skip list, for the files that share it: skiplist.c writes,
 * skiplist_read.c reads, skiplist_pack.c builds one at a stroke, image.c keeps one
 * in a file. Nobody else includes this.
 */
#ifndef JDBX_FRAMES_H
#define JDBX_FRAMES_H

#include "skiplist.h"

/* Where a block stands. `block` and `next` change together; the rest is told in skiplist.h. */
typedef struct {
  epoch_retired retired;
  _Atomic uint64_t word; /* block in the low half, next frame in the high one */
  _Atomic arena_ref previous;
  /* From here on the writer's alone. The frame that holds this one's entry; 0 without one. */
  arena_ref parent;
  arena_ref dirty_next;
  arena_ref dirty_previous;
  uint64_t died_min; /* of the entries here, when dirty; DIED_NEVER when not */
} frame;

/* The list's own state, inside the arena. */
typedef struct {
  arena_ref heads[SKIPLIST_LEVELS];
  _Atomic uint32_t height; /* the highest level in use */
  uint32_t random;
  arena_ref dirty;
  /* Where release goes on, kept right while frames go. */
  arena_ref dirty_cursor;
  _Atomic uint32_t key_length_max;
  _Atomic uint64_t entries;
  _Atomic uint64_t live;
} skiplist_root;

struct skiplist {
  arena memory;
  epoch_domain epochs;
  skiplist_root *root;
  _Atomic bool writing;
  _Atomic uint64_t bytes;
  _Atomic uint64_t footprint;
};

/* A place between entries: after the first `rank` entries of a frame's block. */
typedef struct {
  arena_ref frame;
  arena_ref next;
  const block *block;
  uint32_t rank;
} skiplist_place;

static inline frame *frame_at(const skiplist *self, arena_ref at) {
  return arena_at(&self->memory, at);
}

/* What a frame's word says, taken at one moment. */
static inline skiplist_place frame_read(const skiplist *self, arena_ref at) {
  uint64_t word = atomic_load(&frame_at(self, at)->word);
  return (skiplist_place){.frame = at,
                          .next = (arena_ref)(word >> 32),
                          .block = arena_at(&self->memory, (arena_ref)word)};
}

static inline void frame_set_word(const skiplist *self, arena_ref at, arena_ref block_at,
                                  arena_ref next) {
  atomic_store(&frame_at(self, at)->word, (uint64_t)next << 32 | block_at);
}

static inline arena_ref frame_block(const skiplist *self, arena_ref at) {
  return (arena_ref)atomic_load(&frame_at(self, at)->word);
}

static inline void frame_init(skiplist *self, arena_ref at, arena_ref block_at, arena_ref next,
                              arena_ref previous) {
  frame *made = frame_at(self, at);
  made->retired = (epoch_retired){0};
  made->parent = made->dirty_next = made->dirty_previous = 0;
  made->died_min = DIED_NEVER;
  atomic_store(&made->previous, previous);
  frame_set_word(self, at, block_at, next);
}

/* Tells other threads how large the arena is; the writer's to call. */
static inline void skiplist_note_size(skiplist *self) {
  atomic_store_explicit(&self->bytes, arena_used(&self->memory), memory_order_relaxed);
  atomic_store_explicit(&self->footprint, arena_footprint(&self->memory), memory_order_relaxed);
}

/* A list around an arena that is made already, and is its to destroy from here on; NULL leaves it. */
skiplist *skiplist_around(const arena *memory);

/* The place after every entry at or before the target. */
skiplist_place skiplist_seek(const skiplist *self, const block_target *target);
/* The same in level 1: after the entry of the frame that skiplist_seek leads to. Only where it is in use. */
skiplist_place skiplist_seek_above(const skiplist *self, const block_target *target);
/* The place after the last entry. */
skiplist_place skiplist_seek_end(const skiplist *self);

#endif
