/*
 * What several processes need to share one store on one machine: a page of memory
 * backed by a file, and locks that the kernel frees when their holder dies.
 *
 *   process A             file                process B
 *   page ───────────► first bytes ◄─────────── page         shared_map: one memory
 *   descriptor ──► locks on far bytes ◄── descriptor        shared_lock_*: one holder each
 *
 * A lock belongs to an open file description, not to a process: two openers in one
 * process exclude each other as two processes do, and a lock ends with the last
 * descriptor of its description. Locked bytes lie far behind the file's end; nothing
 * is ever stored there.
 *
 * Everything here may be called from any thread. Answers below zero are minus errno.
 * Who maps unmaps; the file may be closed before that.
 */
#ifndef JDBX_SHARED_H
#define JDBX_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The first `bytes` of the file as shared memory; NULL when that fails. The file must be that long. */
void *shared_map(int file, size_t bytes);
void shared_unmap(void *page, size_t bytes);
/* Lets go of the file at once, and leaves memory of no meaning at the page's address. */
int shared_forget(void *page, size_t bytes);

/* 1: the lock is ours now, or was; 0: another opener has it. */
int shared_lock_try(int file, uint32_t lock);
int shared_lock_free(int file, uint32_t lock);
/* 1: another opener has it; 0: nobody, or this one. */
int shared_lock_held(int file, uint32_t lock);

/*
 * Waits for a lock at most `wait_us`, and at least `first_us` before the first try: who just
 * had the lock lets others go first. While it waits, `waiting` is set to 1 again and again, so
 * that the holder sees it and a mark left by the dead can be wiped. 1: got it; 0: not in time.
 */
int shared_lock_wait(int file, uint32_t lock, _Atomic uint32_t *waiting, uint32_t first_us,
                     uint32_t wait_us);

#endif
