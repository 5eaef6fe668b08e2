#include "skiplist_pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

#define PACKED_ENTRIES (BLOCK_ENTRIES_MAX - BLOCK_ENTRIES_MAX / 8)
#define BATCH_REFS 2048u
#define BATCH_BYTES ((uint64_t)128 << 10)

/* What waits to become the next block of a level. */
typedef struct {
  arena_ref tail; /* the last frame of the level; 0 before its head is filled */
  uint32_t count;
  uint64_t bytes; /* of keys, whole */
  block_item items[PACKED_ENTRIES + 1];
} layer;

typedef struct {
  skiplist *into;
  /* Key bytes of the entries that wait in level 0. */
  uint8_t *keys;
  uint64_t keys_used;
  uint64_t keys_max;
  layer layers[SKIPLIST_LEVELS];
} packer;

static bool push(packer *self, uint32_t level, const block_item *item);

/* The head of a level takes its first block, a new frame behind the last one each other. */
static bool link_block(packer *self, uint32_t level, arena_ref *at) {
  skiplist *into = self->into;
  layer *own = &self->layers[level];
  *at = own->tail ? arena_allocate(&into->memory, sizeof(frame)) : into->root->heads[level];
  if (!*at) return false;
  arena_ref made = block_build(&into->memory, level, own->items, own->count);
  if (!made) {
    if (own->tail) arena_free(&into->memory, *at);
    return false;
  }
  if (own->tail) {
    frame_init(into, *at, made, 0, own->tail);
    frame_set_word(into, own->tail, frame_block(into, own->tail), *at);
  } else {
    arena_free(&into->memory, frame_block(into, *at));
    frame_set_word(into, *at, made, 0);
  }
  return true;
}

static bool flush(packer *self, uint32_t level) {
  layer *own = &self->layers[level];
  bool first = own->tail == 0;
  arena_ref at;
  if (!link_block(self, level, &at)) return false;
  for (uint32_t child = 0; level && child < own->count; child++) {
    frame_at(self->into, own->items[child].child)->parent = at;
  }
  own->tail = at;
  own->count = 0;
  own->bytes = 0;
  if (level == 0) self->keys_used = 0;
  if (first) return true;
  block_item item = block_item_at(frame_read(self->into, at).block, 0);
  item.child = at;
  /* Above the highest level there is no entry: a seek walks right along it. */
  return level + 1 == SKIPLIST_LEVELS || push(self, level + 1, &item);
}

static bool fits(layer *own, const block_item *item) {
  if (own->count == PACKED_ENTRIES) return false;
  if (own->bytes + block_key_length(item->key) <= BLOCK_HEAP_MAX) return true;
  own->items[own->count] = *item;
  return block_fits(own->items, own->count + 1, PACKED_ENTRIES, BLOCK_HEAP_MAX);
}

static void add(layer *own, const block_item *item) {
  own->items[own->count++] = *item;
  own->bytes += block_key_length(item->key);
}

static bool push(packer *self, uint32_t level, const block_item *item) {
  layer *own = &self->layers[level];
  if (!fits(own, item) && !flush(self, level)) return false;
  add(own, item);
  _Atomic uint32_t *height = &self->into->root->height;
  if (level > atomic_load(height)) atomic_store(height, level);
  return true;
}

/* Its bytes are copied: the batch that they stand in is read over before the block is full. */
static bool push_entry(packer *self, const uint8_t *key, uint32_t length, uint32_t ref,
                       uint64_t seq) {
  block_item item = {.key = {.prefix = key, .suffix = key, .suffix_length = length},
                     .ref = ref,
                     .born = seq,
                     .died = DIED_NEVER};
  if ((!fits(&self->layers[0], &item) || self->keys_used + length > self->keys_max) &&
      !flush(self, 0)) {
    return false;
  }
  uint8_t *own = self->keys + self->keys_used;
  if (length) memcpy(own, key, length);
  self->keys_used += length;
  item.key.prefix = item.key.suffix = own;
  add(&self->layers[0], &item);
  return true;
}

static bool finish(packer *self) {
  for (uint32_t level = 0; level < SKIPLIST_LEVELS; level++) {
    const layer *own = &self->layers[level];
    /* Above level 0 the opening entry waits from the start; alone it stands in the head already. */
    uint32_t idle = level > 0 && own->tail == 0;
    if (own->count > idle && !flush(self, level)) return false;
  }
  return true;
}

/* Room for a batch of the list that is read, and for where the next one begins. */
typedef struct {
  uint32_t refs[BATCH_REFS];
  uint32_t lengths[BATCH_REFS];
  uint64_t key_max;
  uint8_t *bytes; /* keys, then the last key, then the place to go on from */
} room;

static bool pack_batch(packer *self, const skiplist_batch *batch, uint64_t seq) {
  uint64_t at = 0;
  for (uint32_t n = 0; n < batch->count; n++) {
    if (!push_entry(self, batch->keys + at, batch->key_lengths[n], batch->refs[n], seq)) return false;
    at += batch->key_lengths[n];
  }
  return true;
}

static bool pack_all(packer *self, skiplist *from, epoch_reader *reader, uint64_t seq, room *in) {
  skiplist_batch batch = {.refs = in->refs,
                          .refs_max = BATCH_REFS,
                          .keys = in->bytes,
                          .keys_max = BATCH_BYTES + in->key_max,
                          .key_lengths = in->lengths,
                          .last = in->bytes + BATCH_BYTES + in->key_max,
                          .last_max = in->key_max};
  uint8_t *place = batch.last + in->key_max;
  skiplist_range range = {.low = {.key = place}, .seq = seq};
  uint64_t total = 0;
  do {
    skiplist_status status = skiplist_read(from, reader, &range, &batch);
    assert(status == SKIPLIST_OK);
    (void)status;
    if (!pack_batch(self, &batch, seq)) return false;
    total += batch.count;
    if (batch.last_length) memcpy(place, batch.last, batch.last_length);
    if (batch.count) range.low = (block_target){place, batch.last_length, batch.refs[batch.count - 1]};
  } while (!batch.done);
  skiplist_root *root = self->into->root;
  atomic_store(&root->entries, total);
  atomic_store(&root->live, total);
  atomic_store(&root->key_length_max, (uint32_t)in->key_max);
  if (!finish(self)) return false;
  skiplist_note_size(self->into);
  return true;
}

static packer *packer_create(skiplist *into, uint64_t key_max) {
  static const uint8_t nothing[1] = {0};
  packer *self = calloc(1, sizeof(packer));
  if (!self) return NULL;
  self->into = into;
  self->keys_max = BLOCK_HEAP_MAX + PACKED_ENTRIES * (key_max < 4096 ? key_max : 4096) + key_max;
  self->keys = malloc(self->keys_max + 1);
  if (!self->keys) {
    free(self);
    return NULL;
  }
  for (uint32_t level = 1; level < SKIPLIST_LEVELS; level++) {
    self->layers[level].count = 1;
    self->layers[level].items[0] = (block_item){.key = {.prefix = nothing, .suffix = nothing},
                                                .child = into->root->heads[level - 1]};
  }
  return self;
}

static void packer_destroy(packer *self) {
  if (self) free(self->keys);
  free(self);
}

skiplist *skiplist_pack(skiplist *from, epoch_reader *reader, uint64_t seq,
                        const skiplist_options *options) {
  uint64_t key_max = skiplist_measure(from).key_length_max + 1;
  skiplist *into = skiplist_create(options);
  room *in = malloc(sizeof(room));
  packer *self = into ? packer_create(into, key_max) : NULL;
  if (in) *in = (room){.key_max = key_max, .bytes = malloc(BATCH_BYTES + 3 * key_max)};
  bool done = self && in && in->bytes && pack_all(self, from, reader, seq, in);
  packer_destroy(self);
  if (in) free(in->bytes);
  free(in);
  if (done) return into;
  skiplist_destroy(into);
  return NULL;
}
