import type { Engine } from '../contract.js';
import type { Sharing } from '../sharing/sharing.js';
import { mergeBatches, restOf } from './merge-batches.js';
import type { JournalReader } from './reader.js';

/** Log records that one batch drops at most: a log that was kept for a slow process may be long. */
const TRIM_MAX = 5_000;
/** So many commits more than wanted the log keeps for a process that does not come along. */
const BEHIND_MAX = 20_000;

/**
 * Moves commits from the journal's layers into the engine behind, off the write path. Of
 * several processes one does it at a time, under the take lock; the others drop their layers
 * when they see that the engine behind has them.
 */
export class TakingIn {
  readonly #behind: Engine;
  readonly #reader: JournalReader;
  readonly #options: { readonly layerMaxBytes: number; readonly idleMs: number };
  readonly #sharing: Sharing | undefined;
  #idle: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    behind: Engine,
    reader: JournalReader,
    options: { readonly layerMaxBytes: number; readonly idleMs: number },
    sharing: Sharing | undefined,
  ) {
    this.#behind = behind;
    this.#reader = reader;
    this.#options = options;
    this.#sharing = sharing;
  }

  /** Soon, when there is much to take in; else when nothing more comes for a while. */
  schedule(): void {
    clearTimeout(this.#idle);
    if (this.#isClosed || this.#reader.layers.isEmpty) return;
    if (this.#reader.layers.growingBytes >= this.#options.layerMaxBytes) this.#start();
    this.#wait();
  }

  /** Until the engine behind holds everything that is known here. */
  async finish(): Promise<void> {
    await this.#running?.catch(() => {});
    while (this.#behind.seq < this.#reader.seq) {
      this.#running = this.#run();
      await this.#running;
    }
  }

  /**
   * Until the engine behind holds everything, and then for as long as `work` takes: nobody
   * moves anything into it meanwhile.
   */
  async pauseFor<T>(work: () => Promise<T>): Promise<T> {
    await this.finish();
    const running = this.#locked(work);
    this.#running = running.then(() => {});
    // The caller hears of it.
    this.#running.catch(() => {});
    return running;
  }

  /** @param all takes everything in first */
  async close(all: boolean): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    if (all) await this.finish();
    else await this.#running?.catch(() => {});
  }

  #start(): void {
    if (this.#running || this.#isClosed || this.#sharing?.isTaking()) return;
    this.#running = this.#run();
    this.#running.then(
      () => this.schedule(),
      // It is tried again with the next commit, or at close, which reports it.
      () => {},
    );
  }

  #wait(): void {
    this.#idle = setTimeout(() => {
      // When another process is at it, what it takes in will be gone from here soon.
      if (this.#sharing?.isTaking()) this.#wait();
      else this.#start();
    }, this.#options.idleMs);
    this.#idle.unref();
  }

  #run(): Promise<void> {
    return this.#locked(() => this.#takeIn());
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.#sharing?.lockTake();
      try {
        return await work();
      } finally {
        this.#sharing?.unlockTake();
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #takeIn(): Promise<void> {
    this.#behind.refresh?.();
    const batches = this.#reader.layers.part();
    for (const batch of mergeBatches(batches)) {
      const rest = restOf(batch, this.#behind.seq);
      if (rest) await this.#behind.commit({ ...rest, logFrom: this.#logFrom(batch.logFrom) });
    }
    this.#sharing?.page.announceTaken();
    this.#reader.renew();
  }

  /**
   * The log keeps what some living process has not seen yet, within bounds: one that is stopped
   * for days must open the store again (STORE_BEHIND).
   */
  #logFrom(wanted: number): number {
    if (!this.#sharing) return wanted;
    const seen = Math.max(this.#sharing.oldestSeen() + 1, wanted - BEHIND_MAX);
    return Math.min(wanted, seen, this.#reader.baseLogStart + TRIM_MAX);
  }
}
