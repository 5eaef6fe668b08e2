/*
 * image: one snapshot of a skip list in a file.
 *
 *   0       magic u64       "JDBXIDX2" in this machine's byte order
 *   8       layout u64      sizes of what stands in the arena (image.c)
 *   16      body bytes u64  a multiple of 64 KiB
 *   24      body sum u64    checksum.h
 *   32      label bytes u32, 0 u32
 *   40      label           what the writer says of it; not read here
 *   4088    front sum u64   of these 4,096 bytes, with zero in its own place
 *   4096    a hole
 *   65536   body: the arena of a packed list (skiplist_pack.h)
 *
 * Opening reads the body once against its sum, then maps it copy on write
 * (arena.h): any flipped, lost or zeroed page is found before it could mislead,
 * and processes that open one file share its pages until they write to them. A
 * file of another machine, build or format is foreign, not damaged: both are
 * refused, and whoever asked builds the list anew.
 *
 * This is a stored format: raise the digit in the magic when anything in it, in a
 * block or in a frame changes its meaning but not its size.
 *
 * A file is written whole, and flushed; giving it its name is the caller's, so that
 * a name never stands for half a file. It must not be changed or cut while it is
 * mapped anywhere; it may be unlinked.
 *
 * Threads: image_write is for any thread, with a reader of its own, beside the
 * list's writer. image_open makes a list that nobody else knows.
 *
 * Who frees what: nothing is held after a call but the list that image_open gives.
 * A file that image_write failed to write is the caller's to unlink.
 */
#ifndef JDBX_IMAGE_H
#define JDBX_IMAGE_H

#include "skiplist_read.h"

#define IMAGE_LABEL_MAX 4000u

typedef enum {
  IMAGE_OK = 0,
  IMAGE_NO_MEMORY = 1,
  /* The system refused; errno says why. */
  IMAGE_IO = 2,
  /* No image, or one that another build wrote. */
  IMAGE_FOREIGN = 3,
  /* An image, but not as it was written. */
  IMAGE_DAMAGED = 4,
} image_status;

typedef struct {
  uint32_t length;
  uint8_t bytes[IMAGE_LABEL_MAX];
} image_label;

/* Makes the file, which must not exist. `*bytes` is what it takes on disk. */
image_status image_write(skiplist *from, epoch_reader *reader, uint64_t seq,
                         const image_label *label, const char *path, uint64_t *bytes);
/* Reads the front alone. */
image_status image_read_label(const char *path, image_label *label);
image_status image_open(const char *path, const skiplist_options *options, skiplist **made);

#endif
