/*
 * Reads the trees of an LMDB file that LMDB itself writes and keeps consistent: many keys at a
 * stroke. LMDB looks up one key after the other, and most of that time is waiting for memory,
 * probe by probe. Here some walks down a tree go side by side, and each asks for its next line
 * of memory before the others have their turn.
 *
 *   file   meta page 0 │ meta page 1 │ pages …                     (data version 2, 64 bits)
 *   meta   24 magic │ 28 version │ 48 page size │ 136 root of the tree of tables │ 152 transaction
 *   page   18 flags (2) │ 20 end of the list of nodes (2) │ 24 places of nodes (2 each) …
 *   node   0 low (2) │ 2 high (2) │ 4 flags (2) │ 6 length of the key (2) │ 8 key, data
 *          branch: low, high and flags are the child's page
 *          leaf: low and high are the length of the data; that of a big value is the page (8)
 *          where it lies behind a page header; that of a table ends with the table's root (8)
 *
 * What a root shows stays as it is while a read transaction of LMDB holds its commit: having
 * one is the caller's affair. Nothing in the file is trusted: whatever it says, only bytes of
 * the file are read, and a walk ends. One thread uses a `pages` at a time.
 */
#ifndef JDBX_PAGES_H
#define JDBX_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pages pages;

/* The root of an empty tree, and the answer where there is no such table. */
#define PAGES_NONE UINT64_MAX

typedef struct {
  uint64_t transaction;
  uint64_t root; /* of the tree of tables */
} pages_meta;

typedef struct {
  const uint8_t *key;
  uint32_t key_length;
  /* The answer, in the file's own memory; NULL when the key is not there. */
  const uint8_t *value;
  uint32_t length;
} pages_lookup;

/* Maps the file; NULL when it is none of these. The descriptor stays the caller's, and open. */
pages *pages_open(int file);
void pages_close(pages *self);
/* Both meta pages, in whatever order; one that is being written may show old and new parts. */
void pages_metas(const pages *self, pages_meta metas[2]);
/* The root of a table; PAGES_NONE also when the file is damaged there. */
uint64_t pages_table(pages *self, uint64_t root, const uint8_t *name, uint32_t length);
/* Answers all; false when the file is damaged. What it answers holds until the next call. */
bool pages_find(pages *self, uint64_t root, pages_lookup *lookups, size_t count);

#endif
