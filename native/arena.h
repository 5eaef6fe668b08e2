/*
 * arena: memory in one range of addresses, given out and taken back in chunks
 * that are named by their place in the range, never by their address.
 *
 *   base                                          top            reserved
 *   | header | chunk | free | chunk | chunk | ... | untouched ... |
 *              |
 *              +- 8 bytes: units, free?, units of the chunk before
 *                 payload, aligned to 16 bytes  <- arena_ref counts these 16s
 *
 * Why places: a range that is saved, or mapped at another address, needs no
 * repair. All of the arena's own state stands in its header at `base`, for the
 * same reason. The range is reserved once and made writable as `top` rises, so
 * a place never moves and readers need no word about growth.
 *
 * Free chunks hang in segregated lists (two-level segregated fit, Masmano et
 * al. 2004, http://www.gii.upv.es/tlsf/): allocation and release take constant
 * time. Sizes are rounded up to a sixteenth of their power of two, so a chunk
 * given back fits the next request of its size.
 *
 * Invariants: two free chunks are never neighbours; the last chunk below `top`
 * is never free; every chunk knows the size of the one before it.
 *
 * Threads: one thread at a time allocates, frees and trims. Any thread may read
 * and write the chunks that it was handed; what keeps them alive is the
 * owner's affair (see epoch.h).
 *
 * Images: the bytes from base to top are the whole arena. Written to a file they
 * are an image, and arena_open makes an arena of one by mapping the file copy on
 * write: pages come as they are read, what is written stays in this process, and
 * the range grows behind the image as behind anything else. What arena_trim gives
 * back of an image reads as the file again, which is as good as anything in a
 * free chunk. The file must keep its length and bytes while it is mapped; its name
 * may go.
 *
 * Who frees what: arena_destroy gives everything back at once. The file's
 * descriptor stays the caller's, who may close it after arena_open.
 */
#ifndef JDBX_ARENA_H
#define JDBX_ARENA_H

#include <stdbool.h>
#include <stdint.h>

/* A chunk's payload: its distance from base in units of 16 bytes. 0 is none. */
typedef uint32_t arena_ref;

#define ARENA_UNIT 16u
/* Images are padded to this, and stand in their file at a multiple of it: no system's pages are larger. */
#define ARENA_IMAGE_UNIT ((uint64_t)64 << 10)

typedef struct arena_header arena_header;

typedef struct {
  /* Most bytes that the arena may touch; 0 is no limit but the reservation. */
  uint64_t limit_bytes;
  /* Addresses to reserve, halved until the system agrees; 0 is 16 GiB. */
  uint64_t reserve_bytes;
  /* For tests: asked at every allocation; false refuses it. */
  bool (*allow)(void *context);
  void *context;
} arena_options;

typedef struct {
  uint8_t *base;
  arena_header *header;
  uint64_t reserved;
  uint64_t writable;
  arena_options options;
} arena;

/* False when the system gives no range of addresses; nothing is left behind then. */
bool arena_create(arena *self, const arena_options *options);
/*
 * From the image of `bytes` at `offset` of a file; false when there is no memory. The
 * caller knows, or finds out before anything else, that the bytes are an image.
 */
bool arena_open(arena *self, const arena_options *options, int file, uint64_t offset,
                uint64_t bytes);
void arena_destroy(arena *self);
/* Bytes from base that an image holds; what stands behind top in them means nothing. */
uint64_t arena_image_bytes(const arena *self);
/* The chunk that was allocated first in an arena that never freed it. */
arena_ref arena_first(void);

/* 0 when there is no memory. What the payload holds is undefined. */
arena_ref arena_allocate(arena *self, uint64_t bytes);
void arena_free(arena *self, arena_ref chunk);

/* Hands the pages of large free chunks back to the system. */
void arena_trim(arena *self);

/* Bytes in chunks given out, their headers and rounding included. */
uint64_t arena_used(const arena *self);
/* Bytes from base to top: what was ever touched, but for what arena_trim gave back. */
uint64_t arena_footprint(const arena *self);
/* For tests: walks every chunk and every list; false when an invariant is broken. */
bool arena_check(const arena *self);

static inline void *arena_at(const arena *self, arena_ref chunk) {
  return self->base + (uint64_t)chunk * ARENA_UNIT;
}

#endif
