#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Where the locked bytes begin. */
#define LOCKS_AT ((off_t)1 << 40)

/* The pause between two tries grows up to this, so that waiting costs little and ends soon. */
#define PAUSE_FIRST_US 20
#define PAUSE_MAX_US 250

void *shared_map(int file, size_t bytes) {
  void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return page == MAP_FAILED ? NULL : page;
}

void shared_unmap(void *page, size_t bytes) { munmap(page, bytes); }

int shared_forget(void *page, size_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return mmap(page, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -errno : 0;
}

#ifdef F_OFD_SETLK

static struct flock lock_of(uint32_t lock, short type) {
  struct flock made;
  memset(&made, 0, sizeof made);
  made.l_type = type;
  made.l_whence = SEEK_SET;
  made.l_start = LOCKS_AT + (off_t)lock;
  made.l_len = 1;
  return made;
}

static int control(int file, int command, struct flock *lock) {
  int status;
  do status = fcntl(file, command, lock);
  while (status == -1 && errno == EINTR);
  return status == -1 ? -errno : 0;
}

int shared_lock_try(int file, uint32_t lock) {
  struct flock wanted = lock_of(lock, F_WRLCK);
  int status = control(file, F_OFD_SETLK, &wanted);
  if (status == -EAGAIN || status == -EACCES) return 0;
  return status == 0 ? 1 : status;
}

int shared_lock_free(int file, uint32_t lock) {
  struct flock wanted = lock_of(lock, F_UNLCK);
  return control(file, F_OFD_SETLK, &wanted);
}

int shared_lock_held(int file, uint32_t lock) {
  struct flock wanted = lock_of(lock, F_WRLCK);
  int status = control(file, F_OFD_GETLK, &wanted);
  return status < 0 ? status : wanted.l_type != F_UNLCK;
}

#else

int shared_lock_try(int file, uint32_t lock) {
  (void)file;
  (void)lock;
  return -ENOTSUP;
}

int shared_lock_free(int file, uint32_t lock) { return shared_lock_try(file, lock); }
int shared_lock_held(int file, uint32_t lock) { return shared_lock_try(file, lock); }

#endif

static void pause_us(uint32_t us) {
  struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
  nanosleep(&time, NULL);
}

static uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

int shared_lock_wait(int file, uint32_t lock, _Atomic uint32_t *waiting, uint32_t first_us,
                     uint32_t wait_us) {
  uint64_t end = now_us() + wait_us;
  int status = 0;
  if (first_us) pause_us(first_us);
  for (uint32_t pause = PAUSE_FIRST_US;; pause += pause / 2) {
    atomic_store(waiting, 1);
    status = shared_lock_try(file, lock);
    if (status != 0 || now_us() >= end) break;
    if (pause > PAUSE_MAX_US) pause = PAUSE_MAX_US;
    pause_us(pause);
  }
  /* Not in time: the mark stays, since the caller comes again. */
  if (status != 0) atomic_store(waiting, 0);
  return status;
}
