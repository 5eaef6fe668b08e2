/*
 * Preloaded into a process: tells of what it does to the files below JDBX_SHIM_DIR, and
 * lets chosen calls fail. No part of the package; the durability tests compile it.
 *
 * Records go to JDBX_SHIM_LOG, in the order in which the calls were done:
 *
 *   W path offset length flushed \n bytes    written; flushed by itself (O_DSYNC) or not
 *   T path size \n                           cut or grown
 *   B thread path \n                         a flush begins: it covers what was written before
 *   S thread path \n                         ... and is done
 *   A length \n bytes                        the process tells of something (JDBX_SHIM_ACK)
 *
 * JDBX_SHIM_FAIL is `call:part of the path:errno:n:times`: call `write` or `flush`, its nth
 * match and the next ones fail with that error, so many times.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -2;
static long fail_seen;

static void open_log(void) {
  const char *path = getenv("JDBX_SHIM_LOG");
  if (log_fd == -2) {
    log_fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  }
}

/* 1: a file of the store, 2: where the process tells of things, 0: neither. */
static int kind_of(int fd, char *path, size_t size) {
  const char *dir = getenv("JDBX_SHIM_DIR");
  const char *ack = getenv("JDBX_SHIM_ACK");
  char link[64];
  ssize_t length;
  if (!dir || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (ack && strcmp(path, ack) == 0) return 2;
  return strncmp(path, dir, strlen(dir)) == 0;
}

static void put(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t done = syscall(SYS_write, log_fd, at, length);
    if (done <= 0) abort();
    at += done;
    length -= (size_t)done;
  }
}

static void record(const struct iovec *parts, int count, size_t length, const char *format, ...) {
  char head[4400];
  int saved = errno;
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(head, sizeof head, format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&lock);
  open_log();
  if (log_fd >= 0) {
    put(head, (size_t)size);
    for (int at = 0; at < count && length > 0; at++) {
      size_t part = parts[at].iov_len < length ? parts[at].iov_len : length;
      put(parts[at].iov_base, part);
      length -= part;
    }
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
}

static int must_fail(const char *call, const char *path) {
  const char *rule = getenv("JDBX_SHIM_FAIL");
  char wanted[16], part[256];
  int code;
  long first, times, seen;
  if (!rule || sscanf(rule, "%15[^:]:%255[^:]:%d:%ld:%ld", wanted, part, &code, &first, &times) != 5) return 0;
  if (strcmp(wanted, call) != 0 || !strstr(path, part)) return 0;
  seen = __sync_add_and_fetch(&fail_seen, 1);
  if (seen < first || seen >= first + times) return 0;
  errno = code;
  return 1;
}

static ssize_t wrote(int fd, int kind, const char *path, const struct iovec *parts, int count,
                     int64_t offset, ssize_t done) {
  if (done <= 0) return done;
  if (kind == 2) record(parts, count, (size_t)done, "A %zd\n", done);
  else record(parts, count, (size_t)done, "W %s %lld %zd %d\n", path, (long long)offset, done,
              (fcntl(fd, F_GETFL) & O_DSYNC) != 0);
  return done;
}

static int64_t place_of(int fd) { return lseek(fd, 0, SEEK_CUR); }

#define WRITER(name, arguments, call, parts, count, offset)                        \
  ssize_t name arguments {                                                         \
    static ssize_t(*next) arguments;                                               \
    char path[4096];                                                               \
    int kind = kind_of(fd, path, sizeof path);                                     \
    if (!next) next = dlsym(RTLD_NEXT, #name);                                     \
    if (kind == 0) return next call;                                               \
    if (kind == 1 && must_fail("write", path)) return -1;                          \
    ssize_t done = next call;                                                      \
    return wrote(fd, kind, path, parts, count, offset, done);                      \
  }

#define ONE (&(struct iovec){(void *)bytes, length})
WRITER(write, (int fd, const void *bytes, size_t length), (fd, bytes, length), ONE, 1, place_of(fd) - done)
WRITER(pwrite, (int fd, const void *bytes, size_t length, off_t at), (fd, bytes, length, at), ONE, 1, at)
WRITER(pwrite64, (int fd, const void *bytes, size_t length, off64_t at), (fd, bytes, length, at), ONE, 1, at)
WRITER(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), parts, count, place_of(fd) - done)
WRITER(pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at), parts, count, at)
WRITER(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), parts, count, at)

#define FLUSHER(name)                                                              \
  int name(int fd) {                                                               \
    static int (*next)(int);                                                       \
    char path[4096];                                                               \
    if (!next) next = dlsym(RTLD_NEXT, #name);                                     \
    if (kind_of(fd, path, sizeof path) != 1) return next(fd);                      \
    long thread = syscall(SYS_gettid);                                             \
    record(NULL, 0, 0, "B %ld %s\n", thread, path);                                \
    if (must_fail("flush", path)) return -1;                                       \
    int failed = next(fd);                                                         \
    if (!failed) record(NULL, 0, 0, "S %ld %s\n", thread, path);                   \
    return failed;                                                                 \
  }
FLUSHER(fsync)
FLUSHER(fdatasync)

#define CUTTER(name, type)                                                         \
  int name(int fd, type size) {                                                    \
    static int (*next)(int, type);                                                 \
    char path[4096];                                                               \
    if (!next) next = dlsym(RTLD_NEXT, #name);                                     \
    int kind = kind_of(fd, path, sizeof path);                                     \
    int failed = next(fd, size);                                                   \
    if (!failed && kind == 1) record(NULL, 0, 0, "T %s %lld\n", path, (long long)size); \
    return failed;                                                                 \
  }
CUTTER(ftruncate, off_t)
CUTTER(ftruncate64, off64_t)
