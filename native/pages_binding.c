/*
 * Translates between JavaScript and pages.h; the other side of every call is
 * src/storage/lmdb/native-pages.ts. Page numbers and transactions are doubles, exact up to 2^53;
 * -1 is no page.
 */
#include "pages_binding.h"

#include <stdlib.h>
#include <string.h>

#include "pages.h"

/* Keys looked up by one call of the C side. */
#define PART 64

typedef struct {
  uint8_t *bytes;
  size_t length;
  napi_ref held; /* so that the memory stays */
} array;

/* A file, and the arrays through which its keys and values pass. */
typedef struct {
  pages *file;
  array keys, places, values;
} holding;

static void unbind(napi_env env, array *bound) {
  if (bound->held) napi_delete_reference(env, bound->held);
  *bound = (array){0};
}

static bool bind_array(napi_env env, napi_value value, napi_typedarray_type wanted, array *into) {
  napi_typedarray_type type;
  array found = {0};
  void *bytes = NULL;
  if (napi_get_typedarray_info(env, value, &type, &found.length, &bytes, NULL, NULL) != napi_ok) return false;
  if (type != wanted || napi_create_reference(env, value, 1, &found.held) != napi_ok) return false;
  unbind(env, into);
  found.bytes = bytes;
  *into = found;
  return true;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  holding *held = data;
  pages_close(held->file);
  unbind(env, &held->keys);
  unbind(env, &held->places);
  unbind(env, &held->values);
  free(held);
}

/* The arguments; NULL unless the first is a file that is open. */
static holding *open_call(napi_env env, napi_callback_info info, napi_value *values, size_t wanted) {
  size_t count = wanted;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count < wanted || napi_get_value_external(env, values[0], &data) != napi_ok) return NULL;
  holding *held = data;
  return held->file ? held : NULL;
}

static napi_value number(napi_env env, double value) {
  napi_value made = NULL;
  napi_create_double(env, value, &made);
  return made;
}

static double to_double(uint64_t page) { return page == PAGES_NONE ? -1 : (double)page; }

static uint64_t to_page(napi_env env, napi_value value) {
  double page = -1;
  napi_get_value_double(env, value, &page);
  return page >= 0 && page < 9007199254740992.0 ? (uint64_t)page : PAGES_NONE;
}

/* pagesOpen(file): what the others take; null when it is no file of LMDB as we know it. */
static napi_value open_file(napi_env env, napi_callback_info info) {
  napi_value values[1], made = NULL;
  size_t count = 1;
  int32_t file = -1;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count == 1) napi_get_value_int32(env, values[0], &file);
  holding *held = calloc(1, sizeof(holding));
  if (held) held->file = pages_open(file);
  if (held && held->file && napi_create_external(env, held, finalize, NULL, &made) == napi_ok) return made;
  if (held) pages_close(held->file);
  free(held);
  napi_get_null(env, &made);
  return made;
}

/* pagesClose(pages): unmaps the file. */
static napi_value close_file(napi_env env, napi_callback_info info) {
  napi_value values[1];
  holding *held = open_call(env, info, values, 1);
  if (!held) return NULL;
  pages_close(held->file);
  held->file = NULL;
  return NULL;
}

/* pagesBind(pages, keys, places, values): where find reads and writes, until the next. */
static napi_value bind(napi_env env, napi_callback_info info) {
  napi_value values[4];
  holding *held = open_call(env, info, values, 4);
  bool bound = held && bind_array(env, values[1], napi_uint8_array, &held->keys) &&
               bind_array(env, values[2], napi_uint32_array, &held->places) &&
               bind_array(env, values[3], napi_uint8_array, &held->values);
  if (!bound) napi_throw_type_error(env, NULL, "expected pages, bytes, places and bytes");
  return NULL;
}

/* pagesMetas(pages, numbers): transaction and root of both meta pages into four doubles. */
static napi_value metas(napi_env env, napi_callback_info info) {
  napi_value values[2];
  napi_typedarray_type type;
  size_t length = 0;
  void *numbers = NULL;
  holding *held = open_call(env, info, values, 2);
  if (!held || napi_get_typedarray_info(env, values[1], &type, &length, &numbers, NULL, NULL) != napi_ok) return NULL;
  if (type != napi_float64_array || length < 4) return NULL;
  pages_meta found[2];
  pages_metas(held->file, found);
  for (size_t n = 0; n < 2; n++) {
    ((double *)numbers)[2 * n] = to_double(found[n].transaction);
    ((double *)numbers)[2 * n + 1] = to_double(found[n].root);
  }
  return NULL;
}

/* pagesTable(pages, root, name): the root of a table in the tree of tables; -1 when there is none. */
static napi_value table(napi_env env, napi_callback_info info) {
  napi_value values[3];
  char name[64];
  size_t length = 0;
  holding *held = open_call(env, info, values, 3);
  if (!held || napi_get_value_string_utf8(env, values[2], name, sizeof name, &length) != napi_ok)
    return number(env, -1);
  uint64_t root = to_page(env, values[1]);
  return number(env, to_double(pages_table(held->file, root, (const uint8_t *)name, (uint32_t)length)));
}

/* Copies the values out; how many had room. One that never has is left out, as one that is not there. */
static size_t copy_out(const holding *held, const pages_lookup *lookups, size_t count, size_t *used,
                       uint32_t *ends) {
  for (size_t n = 0; n < count; n++) {
    size_t length = lookups[n].value ? lookups[n].length : 0;
    if (length > held->values.length) length = 0;
    if (length > held->values.length - *used) return n;
    if (length > 0) memcpy(held->values.bytes + *used, lookups[n].value, length);
    *used += length;
    ends[n] = (uint32_t)*used;
  }
  return count;
}

/*
 * pagesFind(pages, root, from, to): the values of the keys from `from` to before `to`.
 *
 *   keys     one after the other
 *   places   where each key ends; then, in the second half, where each value ends
 *   values   one after the other, from 0 on; one that is not there, or has no room at all, is empty
 *
 * The number of the first key that was not answered, since the room was used up; -1 when the
 * file is damaged.
 */
static napi_value find(napi_env env, napi_callback_info info) {
  napi_value values[4];
  uint32_t from = 0, to = 0;
  holding *held = open_call(env, info, values, 4);
  if (!held || !held->values.bytes) return number(env, -1);
  napi_get_value_uint32(env, values[2], &from);
  napi_get_value_uint32(env, values[3], &to);
  size_t half = held->places.length / 2;
  if (from > to || to > half) return number(env, -1);
  uint64_t root = to_page(env, values[1]);
  uint32_t *ends = (uint32_t *)(void *)held->places.bytes;
  pages_lookup lookups[PART];
  size_t used = 0;
  for (size_t at = from; at < to;) {
    size_t count = to - at < PART ? to - at : PART;
    for (size_t n = 0; n < count; n++) {
      size_t start = at + n == 0 ? 0 : ends[at + n - 1], end = ends[at + n];
      if (start > end || end > held->keys.length) return number(env, -1);
      lookups[n] = (pages_lookup){.key = held->keys.bytes + start, .key_length = (uint32_t)(end - start)};
    }
    if (!pages_find(held->file, root, lookups, count)) return number(env, -1);
    size_t copied = copy_out(held, lookups, count, &used, ends + half + at);
    at += copied;
    if (copied < count) return number(env, (double)at);
  }
  return number(env, to);
}

#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

void pages_define(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      METHOD("pagesOpen", open_file), METHOD("pagesClose", close_file), METHOD("pagesBind", bind),
      METHOD("pagesMetas", metas),    METHOD("pagesTable", table),      METHOD("pagesFind", find),
  };
  napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
}
