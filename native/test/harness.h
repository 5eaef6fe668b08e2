/* What the C tests share: a check that says where it failed, and seeded random numbers. */
#ifndef JDBX_HARNESS_H
#define JDBX_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                 \
    }                                                                          \
  } while (0)

/* xorshift64 (Marsaglia 2003). */
static inline uint64_t random_next(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit) {
  return (uint32_t)((random_next(state) >> 16) % limit);
}

/* Runs one test and names it. */
#define RUN(test)          \
  do {                     \
    test();                \
    printf("ok %s\n", #test); \
    fflush(stdout);        \
  } while (0)

#endif
