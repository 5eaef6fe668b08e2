/*
 * Packed lists, lists in files, and lists that forget documents, against the model:
 * what is opened equals the snapshot that was written and goes on like any other
 * list; a file that is not as it was written is refused; a lack of memory leaves
 * nothing half done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../image.h"
#include "../skiplist_pack.h"
#include "world.h"

static char path[200];

static void new_path(void) {
  static int files;
  snprintf(path, sizeof path, "/tmp/jdbx-image-%ld-%d", (long)getpid(), files++);
}

static void live_on(world *self, int steps) {
  for (int step = 0; step < steps; step++) random_step(self);
}

/* The model as the packed list of one snapshot has it. */
static void pack_model(model *truth, uint64_t seq) {
  uint32_t kept = 0;
  for (uint32_t at = 0; at < truth->lives_count; at++) {
    life one = truth->lives[at];
    if (one.born > seq || seq >= one.died) continue;
    truth->lives[kept++] = (life){one.key, one.ref, seq, DIED_NEVER};
  }
  truth->lives_count = kept;
}

static void replace_list(world *self, skiplist *list, uint64_t seq) {
  skiplist_reader_close(self->reader);
  skiplist_destroy(self->list);
  self->list = list;
  self->reader = skiplist_reader_open(list);
  CHECK(self->reader);
  self->released = self->seq = seq;
  self->count = 0;
  pack_model(self->truth, seq);
  model_compare(self->truth, list, self->reader, seq);
}

static void a_packed_list_is_its_snapshot_and_lives_on(void) {
  static model truth;
  for (uint32_t seed = 1; seed <= 10; seed++) {
    world one;
    world_create(&one, &truth, seed);
    for (int round = 0; round < 4; round++) {
      uint64_t seq = some_snapshot(&one);
      skiplist_options options = small_options(seed);
      replace_list(&one, skiplist_pack(one.list, one.reader, seq, &options), seq);
      live_on(&one, 60);
      model_compare(&truth, one.list, one.reader, one.seq);
    }
    world_destroy(&one);
  }
}

static void packing_without_memory_gives_nothing(void) {
  static model truth;
  world one;
  world_create(&one, &truth, 3);
  live_on(&one, 60);
  skiplist_options options = small_options(3);
  skiplist *packed = NULL;
  for (long allowed = 0; !packed; allowed++) {
    granted = allowed;
    packed = skiplist_pack(one.list, one.reader, one.seq, &options);
    granted = -1;
    CHECK(allowed < 100000);
  }
  replace_list(&one, packed, one.seq);
  world_destroy(&one);
}

static void write_image(world *self, uint64_t seq) {
  uint64_t bytes;
  image_label label = {.length = 5, .bytes = "label"}, read;
  new_path();
  CHECK(image_write(self->list, self->reader, seq, &label, path, &bytes) == IMAGE_OK);
  CHECK(image_read_label(path, &read) == IMAGE_OK);
  CHECK(read.length == 5 && memcmp(read.bytes, "label", 5) == 0);
  /* The name is taken. */
  CHECK(image_write(self->list, self->reader, seq, &label, path, &bytes) == IMAGE_IO);
  CHECK(errno == EEXIST);
}

static void an_opened_image_is_its_snapshot_and_lives_on(void) {
  static model truth;
  for (uint32_t seed = 21; seed <= 28; seed++) {
    world one;
    world_create(&one, &truth, seed);
    for (int round = 0; round < 3; round++) {
      live_on(&one, 60);
      uint64_t seq = some_snapshot(&one);
      write_image(&one, seq);
      skiplist_options options = small_options(seed);
      skiplist *opened, *again;
      CHECK(image_open(path, &options, &opened) == IMAGE_OK);
      replace_list(&one, opened, seq);
      live_on(&one, 40);
      /* What the first one wrote is its own: the file still is what it was. */
      CHECK(image_open(path, &options, &again) == IMAGE_OK);
      CHECK(!skiplist_check(again));
      skiplist_destroy(again);
      CHECK(unlink(path) == 0);
      live_on(&one, 20);
      model_compare(&truth, one.list, one.reader, one.seq);
    }
    world_destroy(&one);
  }
}

static void an_opened_image_lives_through_lack_of_memory(void) {
  static model truth;
  world one;
  world_create(&one, &truth, 31);
  live_on(&one, 80);
  write_image(&one, one.seq);
  skiplist_options options = small_options(31);
  skiplist *opened = NULL;
  granted = 0; /* a mapped image allocates nothing */
  CHECK(image_open(path, &options, &opened) == IMAGE_OK);
  granted = -1;
  CHECK(unlink(path) == 0);
  replace_list(&one, opened, one.seq);
  for (int step = 0; step < 20; step++) {
    size_t failed;
    choose_changes(&one);
    granted = (long)random_below(&one.random, 6);
    skiplist_status status = skiplist_apply(opened, one.packed, one.count, one.seq + 1, &failed);
    granted = -1;
    if (status == SKIPLIST_OK) model_apply(&truth, one.changes, one.count, ++one.seq);
    model_compare(&truth, opened, one.reader, one.seq);
  }
  world_destroy(&one);
}

static void overwrite(uint64_t at, const uint8_t *bytes, size_t length) {
  int file = open(path, O_WRONLY);
  CHECK(file >= 0 && pwrite(file, bytes, length, (off_t)at) == (ssize_t)length);
  close(file);
}

static void refused(uint64_t at, const char *what) {
  skiplist *opened;
  image_status status = image_open(path, NULL, &opened);
  if (status != IMAGE_DAMAGED && status != IMAGE_FOREIGN) {
    fprintf(stderr, "%s at %llu: status %d\n", what, (unsigned long long)at, (int)status);
  }
  CHECK(status == IMAGE_DAMAGED || status == IMAGE_FOREIGN);
}

/* A byte of the file that counts: the hole behind the front does not. */
static uint64_t some_byte(world *self, uint64_t size) {
  if (random_below(&self->random, 4) == 0) return random_below(&self->random, 4096);
  return 65536 + random_below(&self->random, (uint32_t)(size - 65536));
}

static void a_damaged_image_is_refused(void) {
  static model truth;
  static uint8_t whole[8u << 20], page[4096];
  world one;
  world_create(&one, &truth, 41);
  live_on(&one, 120);
  write_image(&one, one.seq);
  int file = open(path, O_RDONLY);
  uint64_t size = (uint64_t)read(file, whole, sizeof whole);
  close(file);
  CHECK(size > 65536 && size < sizeof whole && size % 65536 == 0);
  for (int round = 0; round < 400; round++) {
    uint64_t at = some_byte(&one, size);
    uint8_t flipped = whole[at] ^ (uint8_t)(1u << random_below(&one.random, 8));
    overwrite(at, &flipped, 1);
    refused(at, "flipped");
    overwrite(at, whole + at, 1);
  }
  for (uint64_t at = 65536; at < size; at += 4096) {
    if (memcmp(whole + at, page, 4096) == 0) continue; /* zeros already */
    overwrite(at, page, 4096);
    refused(at, "zeroed");
    overwrite(at, whole + at, 4096);
  }
  /* Two pages in each other's place. */
  overwrite(65536, whole + 65536 + 4096, 4096);
  overwrite(65536 + 4096, whole + 65536, 4096);
  refused(65536, "swapped");
  overwrite(65536, whole + 65536, 8192);
  skiplist *opened;
  CHECK(image_open(path, NULL, &opened) == IMAGE_OK);
  skiplist_destroy(opened);
  for (uint64_t cut = size - 1; cut > 0; cut /= 2) {
    CHECK(truncate(path, (off_t)cut) == 0);
    refused(cut, "cut");
  }
  CHECK(truncate(path, 0) == 0);
  refused(0, "empty");
  CHECK(unlink(path) == 0);
  CHECK(image_open(path, NULL, &opened) == IMAGE_IO && errno == ENOENT);
  world_destroy(&one);
}

static void a_file_that_may_not_grow_says_so(void) {
  static model truth;
  world one;
  world_create(&one, &truth, 51);
  live_on(&one, 80);
  struct rlimit before, small = {.rlim_cur = 70000, .rlim_max = RLIM_INFINITY};
  CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
  small.rlim_max = before.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
  uint64_t bytes;
  image_label label = {.length = 0};
  new_path();
  image_status status = image_write(one.list, one.reader, one.seq, &label, path, &bytes);
  int reason = errno;
  CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(status == IMAGE_IO && reason == EFBIG);
  CHECK(unlink(path) == 0);
  model_compare(&truth, one.list, one.reader, one.seq);
  world_destroy(&one);
}

static void purge_model(model *truth, const uint8_t *bits, uint32_t refs) {
  uint32_t kept = 0;
  for (uint32_t at = 0; at < truth->lives_count; at++) {
    uint32_t ref = truth->lives[at].ref;
    if (ref < refs && bits[ref / 8] >> (ref % 8) & 1) continue;
    truth->lives[kept++] = truth->lives[at];
  }
  truth->lives_count = kept;
}

static void a_purge_forgets_every_life_of_its_refs(void) {
  static model truth;
  for (uint32_t seed = 61; seed <= 70; seed++) {
    world one;
    world_create(&one, &truth, seed);
    for (int round = 0; round < 6; round++) {
      live_on(&one, 40);
      uint8_t bits[2] = {(uint8_t)random_next(&one.random), (uint8_t)random_next(&one.random)};
      granted = round % 2 ? (long)random_below(&one.random, 20) : -1;
      CHECK(skiplist_purge(one.list, bits, 16) == SKIPLIST_OK);
      granted = -1;
      purge_model(&truth, bits, 16);
      one.released = one.seq; /* what was forgotten cannot be reverted */
      model_compare(&truth, one.list, one.reader, one.seq);
    }
    world_destroy(&one);
  }
}

int main(void) {
  RUN(a_packed_list_is_its_snapshot_and_lives_on);
  RUN(packing_without_memory_gives_nothing);
  RUN(an_opened_image_is_its_snapshot_and_lives_on);
  RUN(an_opened_image_lives_through_lack_of_memory);
  RUN(a_damaged_image_is_refused);
  RUN(a_file_that_may_not_grow_says_so);
  RUN(a_purge_forgets_every_life_of_its_refs);
  return 0;
}
