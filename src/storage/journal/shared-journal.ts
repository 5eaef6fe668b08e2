import { JdbxError } from '../../base/errors.js';
import type { Commit, Heartbeat, Others } from '../contract.js';
import type { Sharing } from '../sharing/sharing.js';
import type { JournalReader } from './reader.js';
import type { TakingIn } from './taking-in.js';

/** The journal as one of several processes that write it in turn. */
export class SharedJournal implements Others {
  readonly #sharing: Sharing;
  readonly #reader: JournalReader;
  readonly #takingIn: TakingIn;
  /** What others committed and `absorb` has not given out yet. */
  #foreign: Commit[] = [];
  /** What one that died left, read here and not known to be durable yet. */
  #unpublished: Commit[] = [];
  #commits: number;
  #taken: number;
  #isLocked = false;

  constructor(sharing: Sharing, reader: JournalReader, takingIn: TakingIn) {
    this.#sharing = sharing;
    this.#reader = reader;
    this.#takingIn = takingIn;
    const { page } = sharing;
    this.#commits = page.commits;
    this.#taken = page.taken;
    sharing.saw(reader.seq);
  }

  get isLocked(): boolean {
    return this.#isLocked;
  }

  get haveCommitted(): boolean {
    return this.#sharing.page.commits !== this.#commits || this.#foreign.length > 0;
  }

  get count(): number {
    return this.#sharing.othersCount();
  }

  get doesChores(): boolean {
    return this.#sharing.doesChores;
  }

  get place(): number {
    return this.#sharing.place;
  }

  beat(token: number, hasDuties: boolean): void {
    this.#sharing.beat(token, hasDuties);
  }

  heartbeats(): readonly Heartbeat[] {
    return this.#sharing.heartbeats();
  }

  absorb(): readonly Commit[] {
    if (!this.#isLocked) this.#read();
    const commits = this.#foreign;
    this.#foreign = [];
    return commits;
  }

  lock(): Promise<void> | undefined {
    const waiting = this.#sharing.lockWrite();
    if (waiting) return waiting.then(() => this.#begin());
    // Nobody else has written since: nothing can have been left behind.
    if (this.#sharing.wroteLast && !this.#sharing.page.isBroken) {
      this.#isLocked = true;
      return undefined;
    }
    return this.#begin();
  }

  unlock(): void {
    this.#isLocked = false;
    this.#sharing.unlockWrite();
  }

  /** Tells the others of what was just written. */
  publish(): void {
    const { page } = this.#sharing;
    page.publish(this.#reader.seq);
    this.#commits = page.commits;
    this.#sharing.saw(this.#reader.seq);
  }

  /** After a failed flush nobody can know what is on the disk, so nobody may write. */
  break(): void {
    this.#sharing.page.break();
  }

  close(): void {
    this.#sharing.close();
  }

  async #begin(): Promise<void> {
    try {
      if (this.#sharing.page.isBroken) refuseBroken();
      await this.#adopt();
      this.#sharing.signWrite();
      this.#isLocked = true;
    } catch (error) {
      this.#sharing.unlockWrite();
      throw error;
    }
  }

  /**
   * Reads all that there is. A whole record that was never published is from a process that
   * died before it could tell; it is made durable and told now. A torn one is written over.
   */
  async #adopt(): Promise<void> {
    this.#read();
    const { page } = this.#sharing;
    this.#reader.catchUp(this.#reader.seq, this.#unpublished, true);
    if (this.#reader.seq === page.seq) return;
    try {
      const { journal, layers } = this.#reader;
      if (!layers.isEmpty) await journal.rewrite(Math.ceil(layers.bytes));
    } catch (error) {
      this.break();
      throw error;
    }
    this.#foreign.push(...this.#unpublished.splice(0));
    this.publish();
  }

  #read(): void {
    const { page } = this.#sharing;
    // The count first: what is published after it is read shows as new the next time.
    const { commits } = page;
    if (page.seq > this.#reader.seq) {
      // Somebody else adopted these.
      this.#foreign.push(...this.#unpublished.splice(0));
      this.#reader.catchUp(page.seq, this.#foreign);
      this.#sharing.saw(this.#reader.seq);
      this.#takingIn.schedule();
    }
    if (page.taken !== this.#taken) this.#renew(page.taken);
    this.#commits = commits;
  }

  /** Another process moved the engine behind on: what it holds need not be held here. */
  #renew(taken: number): void {
    this.#reader.layers.part();
    if (this.#reader.renew()) this.#taken = taken;
  }
}

function refuseBroken(): never {
  throw new JdbxError(
    'STORE_IO',
    'expected a sound journal, but a flush of it failed; close the store in every process',
  );
}
