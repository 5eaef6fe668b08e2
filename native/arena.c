#define _GNU_SOURCE
#include "arena.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* Sixteen lists for each power of two, in units; sizes below 16 units have one each. */
#define SPLIT_LOG 4u
#define SPLITS (1u << SPLIT_LOG)
#define POWERS 28u
/* One chunk holds less than 2^31 units: the top bit says whether it is free. */
#define UNITS_MAX (1u << 30)
#define FREE_BIT 0x80000000u

#define RESERVE_BYTES ((uint64_t)16 << 30)
#define RESERVE_BYTES_MIN ((uint64_t)1 << 20)
/* Places are 32 bits of 16 bytes. */
#define RESERVE_BYTES_MAX ((uint64_t)64 << 30)
#define GROW_BYTES ((uint64_t)64 << 10)
#define PAGE_BYTES ((uint64_t)4096)
#define TRIM_UNITS ((64u << 10) / ARENA_UNIT)

struct arena_header {
  uint64_t magic;
  uint64_t top;         /* bytes from base to the end of the last chunk, less 8 */
  uint64_t used_units;
  uint32_t last_units;  /* size of the last chunk below top; 0 when there is none */
  uint32_t powers;      /* which rows of `lists` hold something */
  uint32_t splits[POWERS];
  arena_ref lists[POWERS][SPLITS];
};

#define ARENA_MAGIC UINT64_C(0x314e4552414a4442)

/* Stands in the 8 bytes before a payload. */
typedef struct {
  uint32_t units; /* the whole chunk; FREE_BIT beside it */
  uint32_t before;
} chunk_header;

/* What a free chunk's payload holds. */
typedef struct {
  arena_ref next;
  arena_ref previous;
} free_links;

static chunk_header *header_of(const arena *self, arena_ref chunk) {
  return (chunk_header *)((uint8_t *)arena_at(self, chunk) - sizeof(chunk_header));
}

static free_links *links_of(const arena *self, arena_ref chunk) { return arena_at(self, chunk); }

static uint32_t units_of(const chunk_header *header) { return header->units & ~FREE_BIT; }

static bool is_free(const chunk_header *header) { return (header->units & FREE_BIT) != 0; }

/* The payload that would begin at top. */
static arena_ref top_chunk(const arena *self) {
  return (arena_ref)((self->header->top + sizeof(chunk_header)) / ARENA_UNIT);
}

static uint32_t log2_of(uint32_t value) { return 31u - (uint32_t)__builtin_clz(value); }

typedef struct {
  uint32_t power;
  uint32_t split;
} list_place;

static list_place place_of(uint32_t units) {
  if (units < SPLITS) return (list_place){0, units};
  uint32_t log = log2_of(units);
  return (list_place){log - SPLIT_LOG + 1, (units >> (log - SPLIT_LOG)) & (SPLITS - 1)};
}

/* Rounded so that every chunk in the list of the result is large enough for it. */
static uint32_t round_units(uint64_t bytes) {
  uint32_t units = (uint32_t)((bytes + sizeof(chunk_header) + ARENA_UNIT - 1) / ARENA_UNIT);
  if (units < SPLITS) return units;
  uint32_t grain = 1u << (log2_of(units) - SPLIT_LOG);
  return (units + grain - 1) & ~(grain - 1);
}

static void list_add(arena *self, arena_ref chunk) {
  arena_header *header = self->header;
  list_place at = place_of(units_of(header_of(self, chunk)));
  arena_ref first = header->lists[at.power][at.split];
  *links_of(self, chunk) = (free_links){.next = first, .previous = 0};
  if (first) links_of(self, first)->previous = chunk;
  header->lists[at.power][at.split] = chunk;
  header->powers |= 1u << at.power;
  header->splits[at.power] |= 1u << at.split;
}

static void list_remove(arena *self, arena_ref chunk) {
  arena_header *header = self->header;
  list_place at = place_of(units_of(header_of(self, chunk)));
  free_links links = *links_of(self, chunk);
  if (links.next) links_of(self, links.next)->previous = links.previous;
  if (links.previous) {
    links_of(self, links.previous)->next = links.next;
    return;
  }
  header->lists[at.power][at.split] = links.next;
  if (links.next) return;
  header->splits[at.power] &= ~(1u << at.split);
  if (!header->splits[at.power]) header->powers &= ~(1u << at.power);
}

/* The first list at or above that of `units` which holds something, by its first chunk. */
static arena_ref list_find(const arena *self, uint32_t units) {
  const arena_header *header = self->header;
  list_place at = place_of(units);
  uint32_t splits = header->splits[at.power] & (~0u << at.split);
  if (!splits) {
    uint32_t powers = header->powers & (uint32_t)(~UINT64_C(0) << (at.power + 1));
    if (!powers) return 0;
    at.power = (uint32_t)__builtin_ctz(powers);
    splits = header->splits[at.power];
  }
  return header->lists[at.power][(uint32_t)__builtin_ctz(splits)];
}

/* Tells the chunk after `chunk`, or the header if there is none, how large `chunk` is. */
static void tell_next(arena *self, arena_ref chunk, uint32_t units) {
  arena_ref next = chunk + units;
  if (next == top_chunk(self)) self->header->last_units = units;
  else header_of(self, next)->before = units;
}

static bool make_writable(arena *self, uint64_t bytes) {
  if (bytes <= self->writable) return true;
  uint64_t limit = self->options.limit_bytes;
  if (bytes > self->reserved || (limit && bytes > limit)) return false;
  uint64_t step = self->writable / 8 > GROW_BYTES ? self->writable / 8 : GROW_BYTES;
  uint64_t target = (bytes + step + GROW_BYTES - 1) & ~(GROW_BYTES - 1);
  if (target > self->reserved) target = self->reserved;
  if (mprotect(self->base + self->writable, target - self->writable, PROT_READ | PROT_WRITE)) {
    return false;
  }
  self->writable = target;
  return true;
}

static arena_ref take_from_top(arena *self, uint32_t units) {
  arena_header *header = self->header;
  uint64_t top = header->top + (uint64_t)units * ARENA_UNIT;
  uint64_t limit = self->options.limit_bytes;
  if (limit && top + sizeof(chunk_header) > limit) return 0;
  if (!make_writable(self, top + sizeof(chunk_header))) return 0;
  arena_ref chunk = top_chunk(self);
  *header_of(self, chunk) = (chunk_header){.units = units, .before = header->last_units};
  header->top = top;
  header->last_units = units;
  return chunk;
}

static arena_ref take_from_list(arena *self, arena_ref chunk, uint32_t units) {
  list_remove(self, chunk);
  chunk_header *header = header_of(self, chunk);
  uint32_t rest = units_of(header) - units;
  header->units = units;
  if (rest == 0) return chunk;
  arena_ref second = chunk + units;
  *header_of(self, second) = (chunk_header){.units = rest | FREE_BIT, .before = units};
  tell_next(self, second, rest);
  list_add(self, second);
  return chunk;
}

arena_ref arena_allocate(arena *self, uint64_t bytes) {
  if (bytes >= (uint64_t)UNITS_MAX * ARENA_UNIT / 2) return 0;
  if (self->options.allow && !self->options.allow(self->options.context)) return 0;
  uint32_t units = round_units(bytes);
  arena_ref chunk = list_find(self, units);
  chunk = chunk ? take_from_list(self, chunk, units) : take_from_top(self, units);
  if (chunk) self->header->used_units += units;
  return chunk;
}

void arena_free(arena *self, arena_ref chunk) {
  chunk_header *header = header_of(self, chunk);
  assert(chunk && !is_free(header));
  uint32_t units = header->units;
  self->header->used_units -= units;
  if (header->before && is_free(header_of(self, chunk - header->before))) {
    chunk -= header->before;
    header = header_of(self, chunk);
    list_remove(self, chunk);
    units += units_of(header);
  }
  if (chunk + units == top_chunk(self)) {
    self->header->top -= (uint64_t)units * ARENA_UNIT;
    self->header->last_units = header->before;
    return;
  }
  chunk_header *after = header_of(self, chunk + units);
  if (is_free(after)) {
    list_remove(self, chunk + units);
    units += units_of(after);
  }
  header->units = units | FREE_BIT;
  tell_next(self, chunk, units);
  list_add(self, chunk);
}

static void drop_pages(arena *self, uint64_t from, uint64_t to) {
  from = (from + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  to &= ~(PAGE_BYTES - 1);
  /* The system may refuse: then the pages stay, which harms nobody. */
  if (from < to) (void)madvise(self->base + from, to - from, MADV_DONTNEED);
}

void arena_trim(arena *self) {
  const arena_header *header = self->header;
  for (uint32_t power = place_of(TRIM_UNITS).power; power < POWERS; power++) {
    for (uint32_t split = 0; split < SPLITS; split++) {
      for (arena_ref chunk = header->lists[power][split]; chunk; chunk = links_of(self, chunk)->next) {
        uint64_t from = (uint64_t)chunk * ARENA_UNIT;
        uint64_t bytes = (uint64_t)units_of(header_of(self, chunk)) * ARENA_UNIT;
        drop_pages(self, from + sizeof(free_links), from + bytes - sizeof(chunk_header));
      }
    }
  }
  drop_pages(self, header->top + sizeof(chunk_header), self->writable);
}

static uint8_t *reserve(uint64_t *bytes) {
  for (; *bytes >= RESERVE_BYTES_MIN; *bytes /= 2) {
    void *base = mmap(NULL, *bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base != MAP_FAILED) return base;
  }
  return NULL;
}

static bool take_range(arena *self, const arena_options *options) {
  *self = (arena){.options = options ? *options : (arena_options){0}};
  self->reserved = self->options.reserve_bytes ? self->options.reserve_bytes : RESERVE_BYTES;
  if (self->reserved > RESERVE_BYTES_MAX) self->reserved = RESERVE_BYTES_MAX;
  self->base = reserve(&self->reserved);
  self->header = (arena_header *)self->base;
  return self->base != NULL;
}

/* Chunk headers stand 8 bytes before a multiple of 16. */
static uint64_t empty_top(void) {
  return (sizeof(arena_header) + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT + 8;
}

arena_ref arena_first(void) { return (arena_ref)((empty_top() + sizeof(chunk_header)) / ARENA_UNIT); }

bool arena_create(arena *self, const arena_options *options) {
  if (!take_range(self, options)) return false;
  uint64_t top = empty_top();
  if (!make_writable(self, top + sizeof(chunk_header))) {
    arena_destroy(self);
    return false;
  }
  *self->header = (arena_header){.magic = ARENA_MAGIC, .top = top};
  return true;
}

static bool map_image(arena *self, int file, uint64_t offset, uint64_t bytes) {
  uint64_t limit = self->options.limit_bytes;
  if (bytes > self->reserved || (limit && bytes > limit)) return false;
  int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  void *at = mmap(self->base, bytes, PROT_READ | PROT_WRITE, flags, file, (off_t)offset);
  if (at == MAP_FAILED) return false;
  self->writable = bytes;
  return true;
}

bool arena_open(arena *self, const arena_options *options, int file, uint64_t offset,
                uint64_t bytes) {
  if (!take_range(self, options)) return false;
  bool aligned = bytes > 0 && bytes % ARENA_IMAGE_UNIT == 0 && offset % ARENA_IMAGE_UNIT == 0;
  if (aligned && map_image(self, file, offset, bytes)) return true;
  arena_destroy(self);
  return false;
}

uint64_t arena_image_bytes(const arena *self) {
  uint64_t bytes = arena_footprint(self);
  return (bytes + ARENA_IMAGE_UNIT - 1) / ARENA_IMAGE_UNIT * ARENA_IMAGE_UNIT;
}

void arena_destroy(arena *self) {
  if (self->base) munmap(self->base, self->reserved);
  *self = (arena){0};
}

uint64_t arena_used(const arena *self) { return self->header->used_units * ARENA_UNIT; }

uint64_t arena_footprint(const arena *self) { return self->header->top + sizeof(chunk_header); }

static uint64_t listed_chunks(const arena *self) {
  uint64_t total = 0;
  for (uint32_t power = 0; power < POWERS; power++) {
    for (uint32_t split = 0; split < SPLITS; split++) {
      arena_ref chunk = self->header->lists[power][split];
      for (; chunk; chunk = links_of(self, chunk)->next) total++;
    }
  }
  return total;
}

bool arena_check(const arena *self) {
  const arena_header *header = self->header;
  uint64_t used = 0, free_chunks = 0;
  uint32_t before = 0;
  bool before_free = false;
  for (arena_ref chunk = arena_first(); chunk != top_chunk(self); chunk += before) {
    const chunk_header *own = header_of(self, chunk);
    if (chunk > top_chunk(self) || own->before != before || units_of(own) == 0) return false;
    if (is_free(own) && before_free) return false;
    before_free = is_free(own);
    before = units_of(own);
    if (before_free) free_chunks++;
    else used += before;
  }
  if (header->magic != ARENA_MAGIC || before_free || before != header->last_units) return false;
  return used == header->used_units && free_chunks == listed_chunks(self);
}
