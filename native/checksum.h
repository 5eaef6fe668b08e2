/*
 * checksum: 64 bits that differ when any one word does, for finding what a disk
 * has lost or changed. Not against an adversary.
 *
 * Four lanes take the words in turn, each by an exclusive or, a rotation and a
 * multiplication by an odd constant, all of which can be undone: so a lane that
 * differed once differs to the end. The lanes wait for memory, not for each other.
 *
 * Part of a stored format (image.h).
 */
#ifndef JDBX_CHECKSUM_H
#define JDBX_CHECKSUM_H

#include <stdint.h>
#include <string.h>

/* `bytes` is a multiple of 32. */
static inline uint64_t checksum(const uint8_t *from, uint64_t bytes) {
  const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
  uint64_t lanes[4] = {1, 2, 3, 4};
  for (uint64_t at = 0; at < bytes; at += 32) {
    for (uint32_t lane = 0; lane < 4; lane++) {
      uint64_t word;
      memcpy(&word, from + at + lane * 8, 8);
      word ^= lanes[lane];
      lanes[lane] = (word << 29 | word >> 35) * odd;
    }
  }
  uint64_t sum = bytes;
  for (uint32_t lane = 0; lane < 4; lane++) {
    sum = (sum ^ lanes[lane]) * odd;
    sum ^= sum >> 32;
  }
  return sum;
}

#endif
