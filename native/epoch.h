/*
 * epoch: says when memory that was taken out of a structure may be used again
 * although readers in other threads run without locks.
 *
 *   now:      ... 41 ......... 42 ......... 43 ...         raised by the writer
 *   reader A      enters at 41 ------------------ leaves
 *   reader B                     enters at 42 -- leaves
 *   limbo     [retired at 41] [at 42] [at 42]              freed once no reader
 *                                                          entered at or before that
 *
 * A reader enters, walks, leaves; while it is inside, nothing that it could
 * have met is freed. A chunk is retired after the last link to it is gone. A
 * reader that entered later than the chunk's epoch read `now` after the writer
 * had raised it, which was after the link went: it cannot have met the chunk.
 *
 * The reader's entry and the writer's look at it are a store-then-load on both
 * sides (each must not miss the other), so they and every link of the structure
 * are sequentially consistent; on x86 and ARM64 such a load costs what an
 * acquiring one does. No fences: ThreadSanitizer does not understand them.
 *
 * Threads: a reader record belongs to one thread at a time. retire and collect
 * belong to the one writer. Opening and closing readers is for any thread.
 *
 * Who frees what: retired chunks return to the arena in epoch_collect. Reader
 * records are used again and live until epoch_destroy.
 *
 * The records stand in process memory: readers in other processes would need
 * them inside the arena.
 */
#ifndef JDBX_EPOCH_H
#define JDBX_EPOCH_H

#include <stdatomic.h>

#include "arena.h"

/* Begins every chunk that can be retired. Written only once readers find it no more. */
typedef struct {
  uint64_t epoch;
  arena_ref next;
  uint32_t unused;
} epoch_retired;

typedef struct epoch_reader {
  /* The value of `now` at entry; 0 outside. Alone on its cache line. */
  _Alignas(64) _Atomic uint64_t entered;
  _Atomic bool taken;
  struct epoch_reader *next;
} epoch_reader;

typedef struct {
  _Atomic uint64_t now;
  _Atomic(epoch_reader *) readers;
  arena *memory;
  arena_ref oldest;
  arena_ref newest;
} epoch_domain;

void epoch_create(epoch_domain *self, arena *memory);
/* No reader may be open. What is in limbo goes with the arena. */
void epoch_destroy(epoch_domain *self);

/* NULL when there is no memory. */
epoch_reader *epoch_reader_open(epoch_domain *self);
void epoch_reader_close(epoch_reader *reader);

static inline void epoch_enter(epoch_domain *self, epoch_reader *reader) {
  atomic_store(&reader->entered, atomic_load(&self->now));
}

static inline void epoch_leave(epoch_reader *reader) {
  atomic_store_explicit(&reader->entered, 0, memory_order_release);
}

void epoch_retire(epoch_domain *self, arena_ref chunk);
void epoch_collect(epoch_domain *self);

#endif
