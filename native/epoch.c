#include "epoch.h"

#include <assert.h>
#include <stdlib.h>

void epoch_create(epoch_domain *self, arena *memory) {
  *self = (epoch_domain){.memory = memory};
  atomic_init(&self->now, 1);
  atomic_init(&self->readers, NULL);
}

void epoch_destroy(epoch_domain *self) {
  epoch_reader *reader = atomic_load(&self->readers);
  while (reader) {
    epoch_reader *next = reader->next;
    assert(!atomic_load(&reader->taken));
    free(reader);
    reader = next;
  }
  atomic_store(&self->readers, NULL);
}

static epoch_reader *take_idle(epoch_domain *self) {
  for (epoch_reader *reader = atomic_load(&self->readers); reader; reader = reader->next) {
    bool taken = false;
    if (atomic_compare_exchange_strong(&reader->taken, &taken, true)) return reader;
  }
  return NULL;
}

epoch_reader *epoch_reader_open(epoch_domain *self) {
  epoch_reader *reader = take_idle(self);
  if (reader) return reader;
  reader = aligned_alloc(_Alignof(epoch_reader), sizeof(epoch_reader));
  if (!reader) return NULL;
  atomic_init(&reader->entered, 0);
  atomic_init(&reader->taken, true);
  reader->next = atomic_load(&self->readers);
  while (!atomic_compare_exchange_weak(&self->readers, &reader->next, reader)) {
  }
  return reader;
}

void epoch_reader_close(epoch_reader *reader) {
  assert(atomic_load(&reader->entered) == 0);
  atomic_store(&reader->taken, false);
}

static epoch_retired *retired_at(const epoch_domain *self, arena_ref chunk) {
  return arena_at(self->memory, chunk);
}

void epoch_retire(epoch_domain *self, arena_ref chunk) {
  *retired_at(self, chunk) = (epoch_retired){.epoch = atomic_load(&self->now)};
  if (self->newest) retired_at(self, self->newest)->next = chunk;
  else self->oldest = chunk;
  self->newest = chunk;
}

/* The oldest entry of a reader that is inside; all ones when there is none. */
static uint64_t oldest_entry(epoch_domain *self) {
  uint64_t oldest = UINT64_MAX;
  for (epoch_reader *reader = atomic_load(&self->readers); reader; reader = reader->next) {
    uint64_t entered = atomic_load(&reader->entered);
    if (entered && entered < oldest) oldest = entered;
  }
  return oldest;
}

void epoch_collect(epoch_domain *self) {
  if (!self->oldest) return;
  atomic_fetch_add(&self->now, 1);
  uint64_t oldest = oldest_entry(self);
  while (self->oldest && retired_at(self, self->oldest)->epoch < oldest) {
    arena_ref chunk = self->oldest;
    self->oldest = retired_at(self, chunk)->next;
    arena_free(self->memory, chunk);
  }
  if (!self->oldest) self->newest = 0;
}
