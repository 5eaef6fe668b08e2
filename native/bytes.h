/* Orders bytes as memcmp does, without a call: keys are short, and it costs as much as the comparison. */
#ifndef JDBX_BYTES_H
#define JDBX_BYTES_H

#include <stdint.h>
#include <string.h>

static inline int bytes_compare_same(const uint8_t *a, const uint8_t *b, uint32_t length) {
  for (; length >= 8; a += 8, b += 8, length -= 8) {
    uint64_t left, right;
    memcpy(&left, a, 8);
    memcpy(&right, b, 8);
    if (left != right) return __builtin_bswap64(left) < __builtin_bswap64(right) ? -1 : 1;
  }
  for (uint32_t at = 0; at < length; at++) {
    if (a[at] != b[at]) return a[at] < b[at] ? -1 : 1;
  }
  return 0;
}

/* The shorter of two that begin alike comes first. */
static inline int bytes_compare(const uint8_t *a, uint32_t a_length, const uint8_t *b,
                                uint32_t b_length) {
  uint32_t shorter = a_length < b_length ? a_length : b_length;
  int order = bytes_compare_same(a, b, shorter);
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

#endif
