/* The arena against its own invariants, under random allocations and frees. */
#include "../arena.h"

#include <string.h>

#include "harness.h"

#define HELD_MAX 600

typedef struct {
  arena_ref chunk;
  uint32_t bytes;
  uint8_t mark;
} holding;

static void check_marks(const arena *memory, const holding *held) {
  const uint8_t *bytes = arena_at(memory, held->chunk);
  for (uint32_t at = 0; at < held->bytes; at++) CHECK(bytes[at] == held->mark);
}

static uint32_t random_size(uint64_t *random) {
  return random_below(random, 10) ? 1 + random_below(random, 5000) : random_below(random, 200000);
}

static void chunks_keep_what_they_hold_and_never_overlap(void) {
  arena memory;
  CHECK(arena_create(&memory, &(arena_options){.reserve_bytes = 1u << 30}));
  static holding held[HELD_MAX];
  memset(held, 0, sizeof held);
  uint64_t random = 42;
  for (int round = 0; round < 30000; round++) {
    holding *one = &held[random_below(&random, HELD_MAX)];
    if (one->chunk) {
      check_marks(&memory, one);
      arena_free(&memory, one->chunk);
      one->chunk = 0;
    } else {
      *one = (holding){.bytes = random_size(&random), .mark = (uint8_t)round};
      one->chunk = arena_allocate(&memory, one->bytes);
      CHECK(one->chunk);
      memset(arena_at(&memory, one->chunk), one->mark, one->bytes);
    }
    if (round % 1000 == 0) arena_trim(&memory);
    if (round % 100 == 0) CHECK(arena_check(&memory));
  }
  for (int at = 0; at < HELD_MAX; at++) {
    if (!held[at].chunk) continue;
    check_marks(&memory, &held[at]);
    arena_free(&memory, held[at].chunk);
  }
  CHECK(arena_check(&memory) && arena_used(&memory) == 0);
  CHECK(arena_footprint(&memory) < 8192);
  arena_destroy(&memory);
}

static void a_limit_refuses_and_leaves_the_arena_whole(void) {
  arena memory;
  CHECK(arena_create(&memory, &(arena_options){.reserve_bytes = 1u << 24, .limit_bytes = 1u << 18}));
  arena_ref chunks[1000];
  int count = 0;
  while ((chunks[count] = arena_allocate(&memory, 1000))) count++;
  CHECK(count > 200 && count < 262);
  CHECK(arena_check(&memory) && arena_footprint(&memory) <= 1u << 18);
  for (int at = 0; at < count; at += 2) arena_free(&memory, chunks[at]);
  CHECK(arena_check(&memory) && arena_allocate(&memory, 1000));
  CHECK(!arena_allocate(&memory, UINT64_C(1) << 40));
  arena_destroy(&memory);
}

int main(void) {
  RUN(chunks_keep_what_they_hold_and_never_overlap);
  RUN(a_limit_refuses_and_leaves_the_arena_whole);
  return 0;
}
