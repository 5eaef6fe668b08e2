import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { JdbxError } from '../../base/errors.js';
import type { Heartbeat } from '../contract.js';
import { storeFailure } from '../lmdb/failure.js';
import type { NativeLocks } from './native-locks.js';
import { type Kind, PAGE_BYTES, PLACES, SharedPage } from './page.js';

const FILE = 'jdbx.shared';

/** Bytes that are locked, counted from where the native part begins. */
const LOCK = { door: 0, write: 1, take: 2, chores: 3, place: 16 } as const;

/** How long a lock is waited for, if not said otherwise, before that fails with STORE_BUSY. */
const WAIT_MAX_MS = 30_000;
/** One wait on a thread of the pool; then the event loop may see to other things. */
const WAIT_STEP_US = 20_000;
/** Who wrote last lets the others go first for this long. */
const POLITE_US = 150;

/**
 * One opener's part in a store that several processes have open: its place in the shared
 * page and the locks. A place is its opener's as long as a lock on it is held, which the
 * kernel frees when the process dies, so pids decide nothing here.
 *
 * Order of the locks: the door, then write, then take.
 */
export class Sharing {
  readonly page: SharedPage;
  readonly #native: NativeLocks;
  readonly #file: number;
  readonly #place: number;
  readonly #path: string;
  readonly #waitMaxMs: number;
  #doesChores = false;

  /** @throws {JdbxError} STORE_IN_USE when this process has the store open; STORE_BUSY, STORE_READ_ONLY, STORE_FULL, STORE_IO */
  static async join(
    directory: string,
    kind: Kind,
    native: NativeLocks,
    waitMaxMs = WAIT_MAX_MS,
  ): Promise<Sharing> {
    const path = join(directory, FILE);
    let file: number | undefined;
    try {
      file = openSync(path, 'a+');
      closeSync(file);
      file = openSync(path, 'r+');
      return await enter({ file, path, native, waitMaxMs }, kind);
    } catch (thrown) {
      if (file !== undefined) closeSync(file);
      throw storeFailure(thrown, path);
    }
  }

  /** @internal Use `join`. */
  constructor({ file, path, native, waitMaxMs }: SharedFile, page: SharedPage, place: number) {
    this.page = page;
    this.#native = native;
    this.#file = file;
    this.#place = place;
    this.#path = path;
    this.#waitMaxMs = waitMaxMs;
  }

  /** True when nobody else had the write lock since this opener did. */
  get wroteLast(): boolean {
    return this.page.holder === this.#place + 1;
  }

  /** At once when the lock is free and nobody waits for it. @throws {JdbxError} STORE_BUSY */
  lockWrite(): Promise<void> | undefined {
    const polite = this.wroteLast && this.#someoneWaits();
    if (!polite && this.#try(LOCK.write)) return undefined;
    return this.#waitToWrite(polite);
  }

  /** Tells that the lock is this opener's now, after it caught up with the holder before. */
  signWrite(): void {
    this.page.holder = this.#place + 1;
  }

  unlockWrite(): void {
    this.#native.sharedFree(this.#file, LOCK.write);
  }

  /** True while another opener has the take lock. */
  isTaking(): boolean {
    return this.#native.sharedHeld(this.#file, LOCK.take) === 1;
  }

  /** @throws {JdbxError} STORE_BUSY */
  async lockTake(): Promise<void> {
    if (!this.#try(LOCK.take)) await this.#wait(LOCK.take, 0);
  }

  unlockTake(): void {
    this.#native.sharedFree(this.#file, LOCK.take);
  }

  /** True for one opener at a time, from its first look on until it closes or dies. */
  get doesChores(): boolean {
    this.#doesChores ||= this.#try(LOCK.chores);
    return this.#doesChores;
  }

  /** Tells the others what this opener has seen, so that the log keeps what follows. */
  saw(seq: number): void {
    this.page.setSeqAt(this.#place, seq);
  }

  /** The oldest commit that some living opener has seen last. */
  oldestSeen(): number {
    const seen = this.#living().map((place) => this.page.seqAt(place));
    return Math.min(this.page.seqAt(this.#place), ...seen);
  }

  /** How many others have the store open for writing. */
  othersCount(): number {
    return this.#living().filter((place) => this.page.kindAt(place) === 'opener').length;
  }

  /**
   * Keeps everyone from coming in while `work` is done, if no other process is in.
   *
   * @throws {JdbxError} STORE_IN_USE, STORE_BUSY
   */
  async behindDoor<T>(work: () => Promise<T>): Promise<T> {
    const path = this.#path;
    const [native, file, waitMaxMs] = [this.#native, this.#file, this.#waitMaxMs];
    await openDoor({ native, file, path, waitMaxMs });
    try {
      const others = this.pids().filter((pid) => pid !== process.pid);
      if (others.length > 0) refuseOthers(path, others);
      return await work();
    } finally {
      native.sharedFree(file, LOCK.door);
    }
  }

  /** The pids of everyone here, this opener included, as each knows itself. */
  pids(): number[] {
    return [this.#place, ...this.#living()].map((place) => this.page.pidAt(place));
  }

  /** This opener's place, from 0 on. */
  get place(): number {
    return this.#place;
  }

  beat(token: number, hasDuties: boolean): void {
    this.page.beatAt(this.#place, token, hasDuties);
  }

  /** Of the others that live, if they are stopped or not. */
  heartbeats(): Heartbeat[] {
    return this.#living()
      .filter((place) => this.page.kindAt(place) === 'opener')
      .map((place) => ({ place, ...this.page.heartbeatAt(place) }));
  }

  close(): void {
    this.page.clear(this.#place);
    // Now, and not when the buffer is collected: the file's disk may be about to go.
    this.#native.sharedForget(this.page.buffer);
    closeSync(this.#file);
  }

  #living(): number[] {
    return livingPlaces(this.page, this.#native, this.#file, this.#place);
  }

  #try(lock: number): boolean {
    return tryLock(this.#native, this.#file, lock, this.#path);
  }

  #someoneWaits(): boolean {
    const { places } = this.page;
    for (let place = 0; place < places; place++) {
      if (place !== this.#place && this.page.isWaitingAt(place)) return true;
    }
    return false;
  }

  async #waitToWrite(polite: boolean): Promise<void> {
    // At once: until a thread of the pool is at it, the holder may come and go many times.
    this.page.setWaitingAt(this.#place, true);
    try {
      await this.#wait(LOCK.write, polite ? POLITE_US : 0);
    } finally {
      this.page.setWaitingAt(this.#place, false);
    }
    // Nobody went first: the marks were left by the dead. The living renew theirs.
    if (!polite || !this.wroteLast) return;
    for (let place = 0; place < this.page.places; place++) {
      if (place !== this.#place) this.page.setWaitingAt(place, false);
    }
  }

  async #wait(lock: number, firstUs: number): Promise<void> {
    const markAt = lock === LOCK.write ? SharedPage.waitingAt(this.#place) : UNUSED_AT;
    const until = performance.now() + this.#waitMaxMs;
    for (let first = firstUs; performance.now() < until; first = 0) {
      const { buffer } = this.page;
      const wait = this.#native.sharedWait(buffer, markAt, this.#file, lock, first, WAIT_STEP_US);
      const answer = await wait;
      if (answer === 1) return;
      if (answer < 0) throw storeFailure({ code: -answer }, this.#path);
    }
    refuseBusy(this.#path, this.#waitMaxMs, lock === LOCK.write ? this.#writer : undefined);
  }

  /** The pid of who had the write lock last, as it knows itself. */
  get #writer(): number | undefined {
    const place = this.page.holder - 1;
    return place < 0 || place === this.#place ? undefined : this.page.pidAt(place);
  }
}

/** A mark that nobody reads. */
const UNUSED_AT = 64;

interface SharedFile {
  readonly file: number;
  readonly path: string;
  readonly native: NativeLocks;
  readonly waitMaxMs: number;
}

/** Through the door one by one: whoever comes in sees all that are in, or that there is nobody. */
async function enter(shared: SharedFile, kind: Kind): Promise<Sharing> {
  const { file, path, native } = shared;
  await openDoor(shared);
  try {
    lengthen(file);
    const buffer = native.sharedMap(file, PAGE_BYTES);
    if (!buffer) throw new JdbxError('STORE_IO', `expected to map ${path} into memory`);
    const page = new SharedPage(buffer);
    const living = livingPlaces(page, native, file, -1);
    if (living.length === 0) page.wipe();
    if (kind === 'opener') refuseOwn(page, living, path);
    const place = takePlace(native, file, path);
    page.enter(place, process.pid, kind);
    return new Sharing(shared, page, place);
  } finally {
    native.sharedFree(file, LOCK.door);
  }
}

/** Nobody stays in the door for longer than a few calls of the system. */
async function openDoor({ native, file, path, waitMaxMs }: SharedFile): Promise<void> {
  const until = performance.now() + waitMaxMs;
  while (!tryLock(native, file, LOCK.door, path)) {
    if (performance.now() > until) refuseBusy(path, waitMaxMs);
    await setTimeout(1);
  }
}

/** Written, not cut to length: a page that finds no room on the disk would end the process. */
function lengthen(file: number): void {
  const { size } = fstatSync(file);
  if (size < PAGE_BYTES)
    writeSync(file, Buffer.alloc(PAGE_BYTES - size), 0, PAGE_BYTES - size, size);
}

function refuseOwn(page: SharedPage, living: readonly number[], path: string): void {
  const own = living.find(
    (place) => page.pidAt(place) === process.pid && page.kindAt(place) === 'opener',
  );
  if (own === undefined) return;
  throw new JdbxError(
    'STORE_IN_USE',
    `expected ${path} not to be open in this process, or in one of the same number elsewhere`,
  );
}

function refuseOthers(path: string, pids: readonly number[]): never {
  throw new JdbxError(
    'STORE_IN_USE',
    `expected nobody else to have ${path} open, but ${pids.length} ` +
      `${pids.length === 1 ? 'process has' : 'processes have'} (${pids.join(', ')})`,
    { details: { others: pids.length } },
  );
}

function takePlace(native: NativeLocks, file: number, path: string): number {
  for (let place = 0; place < PLACES; place++) {
    if (tryLock(native, file, LOCK.place + place, path)) return place;
  }
  throw new JdbxError('STORE_IN_USE', `expected at most ${PLACES} openers of ${path}`);
}

/** Places whose opener lives, but for one's own. */
function livingPlaces(page: SharedPage, native: NativeLocks, file: number, own: number): number[] {
  const living: number[] = [];
  for (let place = 0; place < page.places; place++) {
    if (place === own || page.pidAt(place) === 0) continue;
    if (native.sharedHeld(file, LOCK.place + place) === 1) living.push(place);
  }
  return living;
}

function tryLock(native: NativeLocks, file: number, lock: number, path: string): boolean {
  const answer = native.sharedTry(file, lock);
  if (answer < 0) throw storeFailure({ code: -answer }, path);
  return answer === 1;
}

function refuseBusy(path: string, waitMaxMs: number, pid?: number): never {
  const who = pid ? `process ${pid} (is it stopped?)` : 'another process';
  throw new JdbxError(
    'STORE_BUSY',
    `expected ${path} to be free within ${waitMaxMs} ms, but ${who} keeps it`,
  );
}
