#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "frames.h"
#include "skiplist_pack.h"

#define MAGIC UINT64_C(0x325844495842444a)
#define FRONT_BYTES 4096u
#define BODY_AT ARENA_IMAGE_UNIT
#define CHUNK_BYTES ((uint64_t)256 << 10)

typedef struct {
  uint64_t magic;
  uint64_t layout;
  uint64_t body_bytes;
  uint64_t body_sum;
  uint32_t label_length;
  uint32_t zero;
  uint8_t label[FRONT_BYTES - 48];
  uint64_t sum;
} front;

_Static_assert(sizeof(front) == FRONT_BYTES, "the front is one page");
_Static_assert(IMAGE_LABEL_MAX <= sizeof(((front *)0)->label), "a label fits the front");

/* What decides whether the structures of one build are those of another. */
static uint64_t layout(void) {
  uint64_t made = SKIPLIST_LEVELS;
  made = made << 16 | BLOCK_ENTRIES_MAX;
  made = made << 16 | sizeof(block);
  made = made << 8 | sizeof(frame);
  return made << 16 | sizeof(skiplist_root);
}

/* Of the whole front, its sum taken as zero. */
static uint64_t front_sum(const front *self) {
  front copy = *self;
  copy.sum = 0;
  return checksum((const uint8_t *)&copy, FRONT_BYTES);
}

static bool write_all(int file, const void *from, uint64_t bytes, uint64_t at) {
  const uint8_t *next = from;
  while (bytes > 0) {
    ssize_t written = pwrite(file, next, bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES, (off_t)at);
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    next += written;
    at += (uint64_t)written;
    bytes -= (uint64_t)written;
  }
  return true;
}

static bool write_parts(int file, const front *head, const skiplist *packed) {
  const arena *body = &packed->memory;
  uint64_t used = arena_footprint(body);
  if (!write_all(file, body->base, used, BODY_AT)) return false;
  if (ftruncate(file, (off_t)(BODY_AT + head->body_bytes))) return false;
  if (!write_all(file, head, FRONT_BYTES, 0)) return false;
  return fsync(file) == 0;
}

/* What stands behind top is not written: it reads as zeros, and counts as them. */
static uint64_t body_sum(const arena *body) {
  uint64_t used = arena_footprint(body), bytes = arena_image_bytes(body);
  memset(body->base + used, 0, bytes - used);
  return checksum(body->base, bytes);
}

static void fill_front(front *head, const arena *body, const image_label *label) {
  *head = (front){.magic = MAGIC,
                  .layout = layout(),
                  .body_bytes = arena_image_bytes(body),
                  .body_sum = body_sum(body),
                  .label_length = label->length};
  memcpy(head->label, label->bytes, label->length);
  head->sum = front_sum(head);
}

image_status image_write(skiplist *from, epoch_reader *reader, uint64_t seq,
                         const image_label *label, const char *path, uint64_t *bytes) {
  image_status status = IMAGE_NO_MEMORY;
  skiplist *packed = skiplist_pack(from, reader, seq, NULL);
  if (!packed) return status;
  front head;
  fill_front(&head, &packed->memory, label);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  status = file >= 0 && write_parts(file, &head, packed) ? IMAGE_OK : IMAGE_IO;
  int reason = errno;
  *bytes = FRONT_BYTES + arena_footprint(&packed->memory);
  if (file >= 0 && close(file) && status == IMAGE_OK) {
    reason = errno;
    status = IMAGE_IO;
  }
  skiplist_destroy(packed);
  errno = reason;
  return status;
}

static bool read_all(int file, void *to, uint64_t bytes, uint64_t at) {
  uint8_t *next = to;
  while (bytes > 0) {
    ssize_t got = pread(file, next, bytes, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    at += (uint64_t)got;
    bytes -= (uint64_t)got;
  }
  return true;
}

static image_status read_front(int file, front *head) {
  struct stat found;
  if (fstat(file, &found)) return IMAGE_IO;
  if (!read_all(file, head, FRONT_BYTES, 0)) return IMAGE_FOREIGN;
  if (head->magic != MAGIC || head->layout != layout()) return IMAGE_FOREIGN;
  if (head->sum != front_sum(head) || head->label_length > IMAGE_LABEL_MAX) return IMAGE_DAMAGED;
  return (uint64_t)found.st_size == BODY_AT + head->body_bytes ? IMAGE_OK : IMAGE_DAMAGED;
}

image_status image_read_label(const char *path, image_label *label) {
  front head;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return IMAGE_IO;
  image_status status = read_front(file, &head);
  close(file);
  if (status != IMAGE_OK) return status;
  label->length = head.label_length;
  memcpy(label->bytes, head.label, label->length);
  return IMAGE_OK;
}

/* Through the mapping itself, so that what was checked is what is used. */
static image_status map_body(int file, const front *head, const skiplist_options *options,
                             skiplist **made) {
  arena memory;
  if (!arena_open(&memory, options ? &options->memory : NULL, file, BODY_AT, head->body_bytes)) {
    return IMAGE_NO_MEMORY;
  }
  image_status status = IMAGE_DAMAGED;
  /* From a cold disk in large pieces; a hint that may be refused. */
  (void)madvise(memory.base, head->body_bytes, MADV_SEQUENTIAL);
  bool whole = checksum(memory.base, head->body_bytes) == head->body_sum;
  (void)madvise(memory.base, head->body_bytes, MADV_NORMAL);
  if (whole) {
    *made = skiplist_around(&memory);
    if (*made) return IMAGE_OK;
    status = IMAGE_NO_MEMORY;
  }
  arena_destroy(&memory);
  return status;
}

image_status image_open(const char *path, const skiplist_options *options, skiplist **made) {
  front head;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return IMAGE_IO;
  image_status status = read_front(file, &head);
  if (status == IMAGE_OK) status = map_body(file, &head, options, made);
  close(file);
  return status;
}
