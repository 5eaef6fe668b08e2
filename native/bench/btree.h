/*
 * The yardstick: a plain B+tree of (key, ref), for one thread, with no history
 * and no removal. Nodes of up to 128 entries; each keeps its keys in a heap of
 * its own, with the first four bytes of each as a number beside it (after what
 * all of the node's keys share), as the skip list's blocks do. Leaves are linked.
 */
#ifndef JDBX_BTREE_H
#define JDBX_BTREE_H

#include <stddef.h>
#include <stdint.h>

typedef struct btree btree;

btree *btree_create(void);
void btree_destroy(btree *self);
void btree_insert(btree *self, const uint8_t *key, uint32_t length, uint32_t ref);
/* Refs of the entries from `key` on, up to and with `high` (NULL: to the end), at most `max`. */
size_t btree_scan(const btree *self, const uint8_t *key, uint32_t length, const uint8_t *high,
                  uint32_t high_length, uint32_t *refs, size_t max);

#endif
