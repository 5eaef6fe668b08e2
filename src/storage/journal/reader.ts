import { JdbxError } from '../../base/errors.js';
import { wholeCommit } from '../bodies/packed-commit.js';
import type { Commit, EngineSnapshot } from '../contract.js';
import { SharedSnapshot } from '../shared-snapshot.js';
import type { Journal, JournaledBatch } from './journal.js';
import { Layers } from './layers.js';
import { JournalSnapshot } from './snapshot.js';

/** How often a reader looks again when the files changed turns under its eyes. */
const LOOKS_MAX = 100;

/**
 * What one process knows of a store: a snapshot of the engine behind, and on top of it, in
 * layers, what the journal held beyond that when it was last read. `seq` moves only by
 * `catchUp` and `add`, so whatever stands above sees no commit by surprise; the snapshot
 * behind is never newer than `seq`.
 */
export class JournalReader {
  readonly journal: Journal;
  readonly layers = new Layers();
  readonly #open: () => EngineSnapshot;
  #base: SharedSnapshot;
  #isResting = false;
  #seq: number;

  /**
   * Takes its first place behind commit `upTo`, or the newest that there is.
   *
   * @param open a fresh snapshot of the engine behind
   * @throws {JdbxError} STORE_CORRUPT
   */
  constructor(journal: Journal, open: () => EngineSnapshot, upTo: number, strict: boolean) {
    this.journal = journal;
    this.#open = open;
    this.#base = new SharedSnapshot(open());
    this.#seq = this.baseSeq;
    this.#take(journal.find(this.#seq, upTo, strict));
  }

  /** The newest commit that is known here. */
  get seq(): number {
    return this.#seq;
  }

  /** The newest commit that the snapshot behind holds. */
  get baseSeq(): number {
    return this.#base.engine.seq;
  }

  /** Where the log of the snapshot behind begins. */
  get baseLogStart(): number {
    return this.#base.engine.logStart();
  }

  /**
   * @param onClose is told when the snapshot is closed
   * @param seq not newer than what is known here, nor older than what the engine behind shows
   */
  snapshot(onClose = () => {}, seq: number = this.#seq): EngineSnapshot {
    const base = this.#base.take();
    return new JournalSnapshot(base.engine, this.layers.list, seq, () => {
      base.release();
      onClose();
    });
  }

  /** A batch that this process wrote itself. */
  add({ batch, bytes }: JournaledBatch): void {
    this.layers.add(batch, bytes);
    this.#seq = batch.commits.at(-1)?.seq ?? this.#seq;
  }

  /**
   * Reads on, to commit `upTo` at least; `beyond` takes in whatever whole records follow,
   * which only the holder of the write lock may.
   *
   * @param into gets what was new, oldest first, also when the rest cannot be had: `seq` is past it
   * @throws {JdbxError} STORE_BEHIND when the log is cut; STORE_CORRUPT when commits are nowhere to be found
   */
  catchUp(upTo: number, into: Commit[], beyond = false): void {
    const limit = beyond ? Number.POSITIVE_INFINITY : upTo;
    this.#take(this.journal.next(this.#seq, limit), into);
    for (let look = 0; this.#seq < upTo; look++) {
      if (look === LOOKS_MAX) refuseGap(this.#seq + 1, upTo);
      // The files went on without us. What they held before is in the engine behind, with its log.
      for (const commit of this.#catchUpBehind()) into.push(commit);
      this.#take(this.journal.find(this.#seq, limit, false), into);
    }
  }

  /**
   * Moves on to what `target` says, for a reader that need not hear what changed: so it
   * never depends on the log, and may rest between two snapshots.
   *
   * @throws {JdbxError} STORE_CORRUPT when commits are nowhere to be found
   */
  follow(target: () => number): void {
    let upTo = 0;
    for (let look = 0; look < LOOKS_MAX; look++) {
      this.#wake();
      upTo = Math.max(target(), this.#seq);
      this.#take(this.journal.next(this.#seq, upTo));
      if (this.#seq < upTo) this.#take(this.journal.find(this.#seq, upTo, false));
      if (this.#seq >= upTo) return;
    }
    refuseGap(this.#seq + 1, upTo);
  }

  /**
   * Reads on to commit `seq`, which was acknowledged; false when the snapshot behind shows
   * more than that already, so that nobody can see the store as it was then.
   *
   * @throws {JdbxError} STORE_CORRUPT when commits are nowhere to be found
   */
  reach(seq: number): boolean {
    if (this.#isResting) this.#wake();
    for (let look = 0; look < LOOKS_MAX; look++) {
      if (this.baseSeq > seq) return false;
      this.#take(this.journal.next(this.#seq, seq));
      if (this.#seq < seq) this.#take(this.journal.find(this.#seq, seq, false));
      if (this.#seq >= seq) return true;
      this.#wake();
    }
    return refuseGap(this.#seq + 1, seq);
  }

  /** Lets go of the snapshot behind, whose pages could not be used again. Only for one that follows. */
  rest(): void {
    if (!this.#isResting) this.#base.release();
    this.#isResting = true;
  }

  /**
   * Moves the snapshot behind on; layers that it holds go. Not if it would show more than
   * `seq`: then false.
   */
  renew(): boolean {
    const fresh = this.#open();
    if (fresh.seq > this.#seq) {
      fresh.close();
      return false;
    }
    this.#replace(fresh);
    return true;
  }

  close(): void {
    this.rest();
    this.journal.close();
  }

  /** @param into gets the commits with their documents. Default: nobody wants them now */
  #take(found: readonly JournaledBatch[], into?: Commit[]): void {
    for (const each of found) {
      this.add(each);
      if (into) for (const commit of each.batch.commits) into.push(wholeCommit(commit));
    }
  }

  #catchUpBehind(): Commit[] {
    const fresh = this.#open();
    const commits = fresh.seq > this.#seq ? [...fresh.log(this.#seq)] : [];
    const [first] = commits;
    if (first && first.seq !== this.#seq + 1) {
      fresh.close();
      refuseBehind(this.#seq, first.seq);
    }
    this.#seq = Math.max(this.#seq, fresh.seq);
    this.#replace(fresh);
    return commits;
  }

  #wake(): void {
    const fresh = this.#open();
    this.#seq = Math.max(this.#seq, fresh.seq);
    this.layers.part();
    this.#replace(fresh);
  }

  #replace(fresh: EngineSnapshot): void {
    this.rest();
    this.#base = new SharedSnapshot(fresh);
    this.#isResting = false;
    this.layers.drop(fresh.seq);
  }
}

function refuseBehind(seen: number, start: number): never {
  throw new JdbxError(
    'STORE_BEHIND',
    `expected to go on from commit ${seen}, but other processes went on without this one and the ` +
      `change log now starts at ${start}; close the store and open it again`,
    { details: { seen, log_start: start } },
  );
}

function refuseGap(expected: number, got: number): never {
  throw new JdbxError(
    'STORE_CORRUPT',
    `expected commit ${expected} in the journal or the log, the next to be had is ${got}`,
  );
}
