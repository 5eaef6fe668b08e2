/*
 * Translates between JavaScript and shared.h; the other side of every call is
 * src/storage/sharing/native-locks.ts.
 */
#include "shared_binding.h"

#include <stdlib.h>

#include "shared.h"

static napi_value int_value(napi_env env, int32_t value) {
  napi_value made = NULL;
  napi_create_int32(env, value, &made);
  return made;
}

/* Reads up to five arguments as unsigned integers; what is missing is 0. */
static void read_numbers(napi_env env, napi_callback_info info, uint32_t *numbers, napi_value *values,
                         size_t wanted) {
  size_t count = wanted;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  for (size_t at = 0; at < wanted; at++) {
    numbers[at] = 0;
    if (at < count) napi_get_value_uint32(env, values[at], &numbers[at]);
  }
}

static void finalize_page(napi_env env, void *page, void *bytes) {
  (void)env;
  shared_unmap(page, (size_t)(uintptr_t)bytes);
}

/* sharedMap(file, bytes): an ArrayBuffer over the file's first bytes; null when that fails. */
static napi_value map(napi_env env, napi_callback_info info) {
  uint32_t numbers[2];
  napi_value values[2], made = NULL;
  read_numbers(env, info, numbers, values, 2);
  void *page = shared_map((int)numbers[0], numbers[1]);
  if (page) {
    void *hint = (void *)(uintptr_t)numbers[1];
    if (napi_create_external_arraybuffer(env, page, numbers[1], finalize_page, hint, &made) == napi_ok)
      return made;
    shared_unmap(page, numbers[1]);
  }
  napi_get_null(env, &made);
  return made;
}

/* sharedForget(page): whoever still holds the page reads and writes nothing that matters. */
static napi_value forget(napi_env env, napi_callback_info info) {
  uint32_t number;
  napi_value value;
  void *page = NULL;
  size_t bytes = 0;
  read_numbers(env, info, &number, &value, 1);
  if (napi_get_arraybuffer_info(env, value, &page, &bytes) != napi_ok) return NULL;
  return int_value(env, shared_forget(page, bytes));
}

static napi_value lock_call(napi_env env, napi_callback_info info, int (*verb)(int, uint32_t)) {
  uint32_t numbers[2];
  napi_value values[2];
  read_numbers(env, info, numbers, values, 2);
  return int_value(env, verb((int)numbers[0], numbers[1]));
}

/* sharedTry(file, lock), sharedFree(file, lock), sharedHeld(file, lock) */
static napi_value lock_try(napi_env env, napi_callback_info info) {
  return lock_call(env, info, shared_lock_try);
}

static napi_value lock_free(napi_env env, napi_callback_info info) {
  return lock_call(env, info, shared_lock_free);
}

static napi_value lock_held(napi_env env, napi_callback_info info) {
  return lock_call(env, info, shared_lock_held);
}

/* One wait, on a thread of the pool. */
typedef struct {
  int file;
  uint32_t lock, first_us, wait_us;
  _Atomic uint32_t *waiting;
  int status;
  napi_ref page; /* so that the memory stays */
  napi_deferred deferred;
  napi_async_work work;
} waiting_call;

static void wait_execute(napi_env env, void *data) {
  (void)env;
  waiting_call *call = data;
  call->status = shared_lock_wait(call->file, call->lock, call->waiting, call->first_us, call->wait_us);
}

static void wait_complete(napi_env env, napi_status status, void *data) {
  waiting_call *call = data;
  napi_resolve_deferred(env, call->deferred, int_value(env, status == napi_ok ? call->status : 0));
  napi_delete_reference(env, call->page);
  napi_delete_async_work(env, call->work);
  free(call);
}

/* sharedWait(page, offset of the waiting mark, file, lock, firstUs, waitUs): a promise of 1, 0 or -errno. */
static napi_value wait(napi_env env, napi_callback_info info) {
  uint32_t numbers[6];
  napi_value values[6], promise = NULL, name = NULL;
  void *page = NULL;
  size_t bytes = 0;
  read_numbers(env, info, numbers, values, 6);
  waiting_call *call = calloc(1, sizeof(waiting_call));
  if (!call) goto refused;
  if (napi_get_arraybuffer_info(env, values[0], &page, &bytes) != napi_ok) goto refused;
  if (numbers[1] % 4 != 0 || (size_t)numbers[1] + 4 > bytes) goto refused;
  call->waiting = (_Atomic uint32_t *)(void *)((uint8_t *)page + numbers[1]);
  call->file = (int)numbers[2];
  call->lock = numbers[3];
  call->first_us = numbers[4];
  call->wait_us = numbers[5];
  napi_create_string_utf8(env, "jdbx shared lock", NAPI_AUTO_LENGTH, &name);
  if (napi_create_reference(env, values[0], 1, &call->page) != napi_ok) goto refused;
  napi_create_promise(env, &call->deferred, &promise);
  napi_create_async_work(env, NULL, name, wait_execute, wait_complete, call, &call->work);
  napi_queue_async_work(env, call->work);
  return promise;

refused:
  free(call);
  napi_throw_type_error(env, NULL, "expected a page, the place of a mark, a file, a lock and times");
  return NULL;
}

#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

void shared_define(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      METHOD("sharedMap", map),        METHOD("sharedTry", lock_try), METHOD("sharedFree", lock_free),
      METHOD("sharedHeld", lock_held), METHOD("sharedWait", wait),
      METHOD("sharedForget", forget),
  };
  napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
}
