import { constants } from 'node:os';
import { requireNative } from '../../base/native-file.js';

/** What `native/shared_binding.c` exports. Answers below zero are minus errno. */
export interface NativeLocks {
  sharedMap(file: number, bytes: number): ArrayBuffer | null;
  /** Lets go of the file; the memory stays, and means nothing any more. */
  sharedForget(page: ArrayBuffer): number;
  /** 1: ours; 0: another opener has it. */
  sharedTry(file: number, lock: number): number;
  sharedFree(file: number, lock: number): number;
  /** 1: another opener has it. */
  sharedHeld(file: number, lock: number): number;
  /** Resolves with 1 when it got the lock, 0 when not in time. Sets the mark at `markAt` while it waits. */
  sharedWait(
    page: ArrayBuffer,
    markAt: number,
    file: number,
    lock: number,
    firstUs: number,
    waitUs: number,
  ): Promise<number>;
}

/** A descriptor that nothing opens. */
const NO_FILE = 2 ** 31 - 1;

/** The locks, where the binary loads and the system has them; else one process opens a store alone. */
export const nativeLocks: NativeLocks | undefined = findLocks();

function findLocks(): NativeLocks | undefined {
  const native = requireNative();
  if (typeof native === 'string' || !('sharedTry' in native)) return undefined;
  const locks = native as NativeLocks;
  // A system without these locks says so before it looks at the file.
  return locks.sharedTry(NO_FILE, 0) === -constants.errno.EBADF ? locks : undefined;
}
