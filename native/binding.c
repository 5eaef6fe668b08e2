/*
 * Translates between JavaScript and the skip list, and does nothing else. The
 * other side of every call is src/indexes/native.ts; nobody else calls here.
 *
 * Each thread that loads the binary hands over six arrays once (bind), and
 * every later call finds its arguments and leaves its answers in them, so that a
 * crossing carries at most the list and the array of refs to fill:
 *
 *   header   Float64Array: numbers in and out, by the places named below
 *   input    Uint8Array: keys of a range (low, then high), or packed changes
 *   output   Uint8Array: key bytes read
 *   lengths  Uint32Array: of those keys
 *   refs     Uint32Array: what `first` reads
 *   span     Uint8Array: keys of the range that `first` reads, as they stand in the input for others
 *
 *   packed change = ref u32 | length * 2 + remove u32 | key | zeros up to 4 bytes
 *
 * Seqs are one higher inside, where 0 marks a void.
 *
 * Sharing: lists stand in process memory under a handle number. A thread that
 * made or attached one holds an external value; the list goes when the last of
 * them is closed or collected. The table of handles has a lock; the lists need
 * none (skiplist.h).
 */
#include <node_api.h>
#include <pthread.h>
#include <stdlib.h>

#include <errno.h>
#include <string.h>

#include "image.h"
#include "pages_binding.h"
#include "shared_binding.h"
#include "skiplist_read.h"

/* Places in the header. */
enum {
  IN_SEQ = 0,
  IN_FLAGS = 1,
  IN_LOW_LENGTH = 2,
  IN_LOW_REF = 3,
  IN_HIGH_LENGTH = 4,
  IN_HIGH_REF = 5,
  OUT_FAILED = 6,
  OUT_DONE = 7,
  OUT_LAST_LENGTH = 8,
  OUT_ROOM_NEEDED = 9,
  OUT_ENTRIES = 10,
  OUT_LIVE = 11,
  OUT_BYTES = 12,
  IN_WANTED = 13,
  HEADER_LENGTH = 16,
};

enum { FLAG_REVERSE = 1, FLAG_HIGH = 2, FLAG_KEYS = 4, FLAG_DISTINCT = 8 };

/* A status beside those of skiplist.h: the value is closed, or no list at all. */
#define CLOSED 15

/* ---- lists shared by the threads of the process ---- */

typedef struct shared {
  skiplist *list;
  uint32_t handle;
  uint32_t holders;
  struct shared *next;
} shared;

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static shared *table;
static uint32_t handles;

/* What one thread holds of one list. */
typedef struct {
  shared *of;
  epoch_reader *reader;
} holding;

static shared *share_new(skiplist *list) {
  shared *made = malloc(sizeof(shared));
  if (!made) return NULL;
  pthread_mutex_lock(&table_lock);
  *made = (shared){.list = list, .handle = ++handles, .holders = 1, .next = table};
  table = made;
  pthread_mutex_unlock(&table_lock);
  return made;
}

static shared *share_find(uint32_t handle) {
  pthread_mutex_lock(&table_lock);
  shared *found = table;
  while (found && found->handle != handle) found = found->next;
  if (found) found->holders++;
  pthread_mutex_unlock(&table_lock);
  return found;
}

/* One more holder of what the caller holds already. */
static shared *share_take(shared *self) {
  pthread_mutex_lock(&table_lock);
  self->holders++;
  pthread_mutex_unlock(&table_lock);
  return self;
}

static void share_drop(shared *self) {
  pthread_mutex_lock(&table_lock);
  bool last = --self->holders == 0;
  for (shared **at = &table; last && *at; at = &(*at)->next) {
    if (*at != self) continue;
    *at = self->next;
    break;
  }
  pthread_mutex_unlock(&table_lock);
  if (!last) return;
  skiplist_destroy(self->list);
  free(self);
}

static void let_go(holding *self) {
  if (!self->of) return;
  skiplist_reader_close(self->reader);
  share_drop(self->of);
  self->of = NULL;
}

static void finalize_holding(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
  free(data);
}

/* ---- the arrays of one thread ---- */

typedef struct {
  double *header;
  uint8_t *input;
  uint8_t *output;
  uint32_t *lengths;
  size_t input_length;
  size_t output_length;
  size_t lengths_length;
  uint32_t *refs;
  uint8_t *span;
  size_t refs_length;
  size_t span_length;
  napi_ref kept; /* the arguments of bind, so that their memory stays */
} arrays;

static void free_arrays(napi_env env, void *data, void *hint) {
  (void)hint;
  arrays *self = data;
  if (self->kept) napi_delete_reference(env, self->kept);
  free(self);
}

static arrays *arrays_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

static void *array_data(napi_env env, napi_value value, napi_typedarray_type wanted,
                        size_t *length) {
  napi_typedarray_type type;
  void *data = NULL;
  *length = 0;
  if (napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) != napi_ok) return NULL;
  return type == wanted ? data : NULL;
}

static napi_value number(napi_env env, uint32_t value) {
  napi_value made = NULL;
  napi_create_uint32(env, value, &made);
  return made;
}

#define ARRAYS 6

static napi_value bind(napi_env env, napi_callback_info info) {
  napi_value values[ARRAYS], kept;
  size_t count = ARRAYS, header_length;
  arrays *self = arrays_of(env);
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count < ARRAYS) goto refused;
  self->header = array_data(env, values[0], napi_float64_array, &header_length);
  self->input = array_data(env, values[1], napi_uint8_array, &self->input_length);
  self->output = array_data(env, values[2], napi_uint8_array, &self->output_length);
  self->lengths = array_data(env, values[3], napi_uint32_array, &self->lengths_length);
  if (!self->header || header_length < HEADER_LENGTH) goto refused;
  self->refs = array_data(env, values[4], napi_uint32_array, &self->refs_length);
  self->span = array_data(env, values[5], napi_uint8_array, &self->span_length);
  if (!self->input || !self->output || !self->lengths || !self->refs || !self->span) goto refused;
  if (napi_create_array_with_length(env, ARRAYS, &kept) != napi_ok) goto refused;
  for (uint32_t at = 0; at < ARRAYS; at++) napi_set_element(env, kept, at, values[at]);
  if (self->kept) napi_delete_reference(env, self->kept);
  if (napi_create_reference(env, kept, 1, &self->kept) != napi_ok) goto refused;
  return NULL;

refused:
  self->header = NULL;
  napi_throw_type_error(env, NULL, "expected a header, an input, an output, lengths, refs and a span");
  return NULL;
}

/* ---- calls over a list ---- */

/* What every call needs; `list` is NULL when the value is closed. */
typedef struct {
  arrays *with;
  skiplist *list;
  epoch_reader *reader;
  napi_value arguments[2];
  uint64_t seq;
} call;

static call open_call(napi_env env, napi_callback_info info) {
  call made = {.with = arrays_of(env)};
  size_t count = 2;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, made.arguments, NULL, NULL);
  if (!made.with->header || count < 1) return made;
  if (napi_get_value_external(env, made.arguments[0], &data) != napi_ok) return made;
  holding *held = data;
  if (!held->of) return made;
  made.list = held->of->list;
  made.reader = held->reader;
  made.seq = (uint64_t)made.with->header[IN_SEQ] + 1;
  return made;
}

/* Takes over `of`; null in JavaScript when there is no memory. */
static napi_value hold(napi_env env, shared *of) {
  napi_value made = NULL;
  holding *held = malloc(sizeof(holding));
  if (!held) goto no_memory;
  held->of = of;
  held->reader = skiplist_reader_open(of->list);
  if (!held->reader) goto no_memory;
  if (napi_create_external(env, held, finalize_holding, NULL, &made) == napi_ok) return made;
  skiplist_reader_close(held->reader);

no_memory:
  free(held);
  share_drop(of);
  napi_get_null(env, &made);
  return made;
}

static napi_value nothing(napi_env env) {
  napi_value made = NULL;
  napi_get_null(env, &made);
  return made;
}

/* Takes over `list`; null in JavaScript when there is no memory. */
static napi_value hold_new(napi_env env, skiplist *list) {
  shared *of = list ? share_new(list) : NULL;
  if (of) return hold(env, of);
  skiplist_destroy(list);
  return nothing(env);
}

/* create(limitBytes): an empty list; 0 is no limit. */
static napi_value create(napi_env env, napi_callback_info info) {
  napi_value values[1];
  size_t count = 1;
  double limit = 0;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count > 0) napi_get_value_double(env, values[0], &limit);
  skiplist_options options = {.memory = {.limit_bytes = limit > 0 ? (uint64_t)limit : 0}};
  return hold_new(env, skiplist_create(&options));
}

/* attach(handle): the list that another thread made; null when there is none. */
static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value values[1];
  size_t count = 1;
  uint32_t handle = 0;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count > 0) napi_get_value_uint32(env, values[0], &handle);
  shared *of = share_find(handle);
  return of ? hold(env, of) : nothing(env);
}

static holding *held_by(napi_env env, napi_callback_info info) {
  napi_value values[1];
  size_t count = 1;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count < 1 || napi_get_value_external(env, values[0], &data) != napi_ok) return NULL;
  return data;
}

/* handle(list): the number that attach takes; 0 when it is closed. */
static napi_value handle(napi_env env, napi_callback_info info) {
  holding *held = held_by(env, info);
  return number(env, held && held->of ? held->of->handle : 0);
}

static napi_value close_list(napi_env env, napi_callback_info info) {
  holding *held = held_by(env, info);
  if (held) let_go(held);
  return NULL;
}

/* False when the input is shorter than it says. */
static bool unpack(const arrays *with, skiplist_change *changes, size_t count) {
  size_t at = 0;
  for (size_t n = 0; n < count; n++) {
    if (with->input_length - at < 8) return false;
    const uint32_t *words = (const uint32_t *)(const void *)(with->input + at);
    uint32_t length = words[1] >> 1;
    at += 8;
    if (with->input_length - at < length) return false;
    changes[n] = (skiplist_change){.entry = {with->input + at, length, words[0]},
                                   .remove = words[1] & 1};
    at += ((size_t)length + 3) & ~(size_t)3;
    if (at > with->input_length) return false;
  }
  return true;
}

typedef skiplist_status (*writing)(skiplist *, const skiplist_change *, size_t, uint64_t,
                                   size_t *);

#define CHANGES_ON_STACK 16

static napi_value write(napi_env env, napi_callback_info info, writing verb) {
  call made = open_call(env, info);
  skiplist_change few[CHANGES_ON_STACK], *changes = few;
  uint32_t count = 0, status = SKIPLIST_NO_MEMORY;
  size_t failed = 0;
  if (!made.list) return number(env, CLOSED);
  napi_get_value_uint32(env, made.arguments[1], &count);
  if (count > CHANGES_ON_STACK) changes = malloc(count * sizeof(skiplist_change));
  if (changes && unpack(made.with, changes, count)) {
    status = verb(made.list, changes, count, made.seq, &failed);
  }
  made.with->header[OUT_FAILED] = (double)failed;
  if (changes != few) free(changes);
  return number(env, status);
}

/* apply(list, count) and revert(list, count): a status. */
static napi_value apply(napi_env env, napi_callback_info info) {
  return write(env, info, skiplist_apply);
}

static napi_value revert(napi_env env, napi_callback_info info) {
  return write(env, info, skiplist_revert);
}

static napi_value release(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  return number(env, made.list ? skiplist_release(made.list, made.seq) : CLOSED);
}

/* False when the keys do not stand in these bytes. */
static bool range_in(const call *made, const uint8_t *keys, size_t length, skiplist_range *range) {
  const double *header = made->with->header;
  uint32_t flags = (uint32_t)header[IN_FLAGS];
  uint32_t low = (uint32_t)header[IN_LOW_LENGTH], high = (uint32_t)header[IN_HIGH_LENGTH];
  if ((uint64_t)low + high > length) return false;
  *range = (skiplist_range){
      .low = {keys, low, (uint32_t)header[IN_LOW_REF]},
      .high = {keys + low, high, (uint32_t)header[IN_HIGH_REF]},
      .has_high = flags & FLAG_HIGH,
      .reverse = flags & FLAG_REVERSE,
      .seq = made->seq,
  };
  return true;
}

static bool range_of(const call *made, skiplist_range *range) {
  return range_in(made, made->with->input, made->with->input_length, range);
}

/* With keys wanted, the output's last part is kept for the place to go on from. */
static skiplist_batch batch_of(const arrays *with, uint32_t *refs, size_t length) {
  bool keys = (uint32_t)with->header[IN_FLAGS] & FLAG_KEYS;
  size_t half = keys ? with->output_length / 2 : 0;
  if (keys && length > with->lengths_length) length = with->lengths_length;
  return (skiplist_batch){
      .refs = refs,
      .refs_max = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
      .keys = keys ? with->output : NULL,
      .keys_max = half,
      .key_lengths = with->lengths,
      .last = with->output + half,
      .last_max = with->output_length - half,
  };
}

/* read(list, refs): how many were read, or less than 0: minus a status. */
static napi_value read(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  skiplist_range range;
  size_t length;
  napi_value answer = NULL;
  int32_t read = -CLOSED;
  if (!made.list) goto done;
  uint32_t *refs = array_data(env, made.arguments[1], napi_uint32_array, &length);
  read = -SKIPLIST_NO_ROOM;
  if (!refs || !range_of(&made, &range)) goto done;
  skiplist_batch batch = batch_of(made.with, refs, length);
  skiplist_status status = skiplist_read(made.list, made.reader, &range, &batch);
  made.with->header[OUT_DONE] = batch.done;
  made.with->header[OUT_LAST_LENGTH] = batch.last_length;
  made.with->header[OUT_ROOM_NEEDED] = (double)batch.room_needed;
  if (status == SKIPLIST_OK) read = (int32_t)batch.count;

done:
  napi_create_int32(env, read, &answer);
  return answer;
}

/*
 * first(list): the first IN_WANTED entries of a range, into the refs that are bound: how many
 * there were, or less than 0: minus a status.
 */
static napi_value first(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  skiplist_range range;
  napi_value answer = NULL;
  int32_t read = -CLOSED;
  if (!made.list) goto done;
  const arrays *with = made.with;
  double wanted = with->header[IN_WANTED];
  read = -SKIPLIST_NO_ROOM;
  if (!(wanted >= 0 && wanted <= (double)with->refs_length)) goto done;
  if (!range_in(&made, with->span, with->span_length, &range)) goto done;
  skiplist_batch batch = {
      .refs = with->refs,
      .refs_max = (uint32_t)wanted,
      .distinct = (uint32_t)with->header[IN_FLAGS] & FLAG_DISTINCT,
      /* Only a reader downwards needs room for a key. */
      .last = range.reverse ? with->output : NULL,
      .last_max = range.reverse ? with->output_length : 0,
  };
  skiplist_status status = skiplist_read(made.list, made.reader, &range, &batch);
  with->header[OUT_ROOM_NEEDED] = (double)batch.room_needed;
  read = status == SKIPLIST_OK ? (int32_t)batch.count : -(int32_t)status;

done:
  napi_create_int32(env, read, &answer);
  return answer;
}

/* count(list): how many are visible, or less than 0: minus a status. */
static napi_value count(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  skiplist_range range;
  double total = -CLOSED;
  napi_value answer = NULL;
  if (made.list && range_of(&made, &range)) {
    total = (double)skiplist_count(made.list, made.reader, &range);
  }
  napi_create_double(env, total, &answer);
  return answer;
}

static napi_value stats(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  if (!made.list) return number(env, CLOSED);
  skiplist_stats measured = skiplist_measure(made.list);
  made.with->header[OUT_ENTRIES] = (double)measured.entries;
  made.with->header[OUT_LIVE] = (double)measured.live;
  made.with->header[OUT_BYTES] = (double)measured.bytes;
  return number(env, SKIPLIST_OK);
}

/* purge(list, bits): a status. The bit of a ref is ref % 8 of byte ref / 8. */
static napi_value purge(napi_env env, napi_callback_info info) {
  call made = open_call(env, info);
  if (!made.list) return number(env, CLOSED);
  size_t bytes = 0;
  const uint8_t *bits = array_data(env, made.arguments[1], napi_uint8_array, &bytes);
  return number(env, skiplist_purge(made.list, bits, bits ? (uint64_t)bytes * 8 : 0));
}

/* ---- images ---- */

#define PATH_BYTES_MAX 4096

/* False when it is no string, or one that is too long. */
static bool text_of(napi_env env, napi_value value, char *to, size_t room, size_t *length) {
  return napi_get_value_string_utf8(env, value, to, room, length) == napi_ok && *length < room - 1;
}

/* readLabel(path): its text, or a status of image.h. */
static napi_value read_label(napi_env env, napi_callback_info info) {
  napi_value value, answer = NULL;
  size_t count = 1, length;
  char path[PATH_BYTES_MAX];
  image_label label;
  napi_get_cb_info(env, info, &count, &value, NULL, NULL);
  if (count < 1 || !text_of(env, value, path, sizeof path, &length)) return number(env, IMAGE_IO);
  image_status status = image_read_label(path, &label);
  if (status != IMAGE_OK) return number(env, status);
  napi_create_string_utf8(env, (const char *)label.bytes, label.length, &answer);
  return answer;
}

/* open(path): a list, or a status of image.h. */
static napi_value open_image(napi_env env, napi_callback_info info) {
  napi_value value;
  size_t count = 1, length;
  char path[PATH_BYTES_MAX];
  skiplist *list;
  napi_get_cb_info(env, info, &count, &value, NULL, NULL);
  if (count < 1 || !text_of(env, value, path, sizeof path, &length)) return number(env, IMAGE_IO);
  image_status status = image_open(path, NULL, &list);
  return status == IMAGE_OK ? hold_new(env, list) : number(env, status);
}

/* A save under way: in a thread of the pool, with a reader of its own. */
typedef struct {
  shared *of;
  epoch_reader *reader;
  uint64_t seq;
  image_label label;
  char path[PATH_BYTES_MAX];
  image_status status;
  int reason;
  uint64_t bytes;
  napi_async_work work;
  napi_deferred answer;
} saving;

static void save_away(napi_env env, void *data) {
  (void)env;
  saving *self = data;
  self->status =
      image_write(self->of->list, self->reader, self->seq, &self->label, self->path, &self->bytes);
  self->reason = self->status == IMAGE_NO_MEMORY ? ENOMEM : errno;
}

static void free_saving(saving *self) {
  if (self->reader) skiplist_reader_close(self->reader);
  if (self->of) share_drop(self->of);
  free(self);
}

/* Resolves with the bytes written, or minus the system's number of what went wrong. */
static void save_done(napi_env env, napi_status status, void *data) {
  saving *self = data;
  napi_value answer = NULL;
  bool saved = status == napi_ok && self->status == IMAGE_OK;
  double told = saved ? (double)self->bytes : -(double)(status == napi_ok ? self->reason : ECANCELED);
  napi_create_double(env, told, &answer);
  napi_resolve_deferred(env, self->answer, answer);
  napi_delete_async_work(env, self->work);
  free_saving(self);
}

/* Takes the path and the label in; false when they are no strings, or too long. */
static bool take_texts(napi_env env, saving *self, const napi_value *values) {
  size_t length;
  if (!text_of(env, values[0], self->path, sizeof self->path, &length)) return false;
  if (!text_of(env, values[1], (char *)self->label.bytes, IMAGE_LABEL_MAX, &length)) return false;
  self->label.length = (uint32_t)length;
  return true;
}

static bool start_saving(napi_env env, saving *self, napi_value *promise) {
  napi_value name;
  self->reader = skiplist_reader_open(self->of->list);
  if (!self->reader) return false;
  if (napi_create_string_utf8(env, "jdbx:save", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (napi_create_async_work(env, NULL, name, save_away, save_done, self, &self->work) != napi_ok) {
    return false;
  }
  if (napi_create_promise(env, &self->answer, promise) == napi_ok &&
      napi_queue_async_work(env, self->work) == napi_ok) {
    return true;
  }
  napi_delete_async_work(env, self->work);
  return false;
}

/* save(list, path, label): a promise; null when it could not begin. The seq stands in the header. */
static napi_value save(napi_env env, napi_callback_info info) {
  napi_value values[3], promise = NULL;
  size_t count = 3;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  const arrays *with = arrays_of(env);
  if (!with->header || count < 3) return nothing(env);
  if (napi_get_value_external(env, values[0], &data) != napi_ok) return nothing(env);
  const holding *held = data;
  saving *self = held->of ? calloc(1, sizeof(saving)) : NULL;
  if (!self) return nothing(env);
  self->of = share_take(held->of);
  self->seq = (uint64_t)with->header[IN_SEQ] + 1;
  if (take_texts(env, self, values + 1) && start_saving(env, self, &promise)) return promise;
  free_saving(self);
  return nothing(env);
}

#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

NAPI_MODULE_INIT() {
  const napi_property_descriptor methods[] = {
      METHOD("bind", bind),       METHOD("create", create),   METHOD("attach", attach),
      METHOD("handle", handle),   METHOD("close", close_list), METHOD("apply", apply),
      METHOD("revert", revert),   METHOD("release", release), METHOD("read", read),
      METHOD("count", count),     METHOD("stats", stats),     METHOD("purge", purge),
      METHOD("first", first),
      METHOD("save", save),       METHOD("open", open_image), METHOD("readLabel", read_label),
  };
  arrays *with = calloc(1, sizeof(arrays));
  if (!with || napi_set_instance_data(env, with, free_arrays, NULL) != napi_ok) {
    free(with);
    return NULL;
  }
  napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
  shared_define(env, exports);
  pages_define(env, exports);
  return exports;
}
