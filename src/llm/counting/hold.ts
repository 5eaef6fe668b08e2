import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Document, NewDocument } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import { takeDocument } from '../../documents/take-document.js';
import { realSleep } from '../sleep.js';
import { CallsFile, type Left } from './calls-file.js';

/** Says which process counts calls in its memory; nobody else counts while it is there. */
export interface HoldDocument extends Document {
  readonly _type: 'hold';
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
}

/** What counts in memory while the hold is this process's, and in documents while it is nobody's. */
export interface Counts {
  /** Writes all that memory holds beyond the documents. */
  write(draft: Draft): void;
  /** What was written is durable: memory forgets all of it. */
  clear(): void;
  /** Writes what a dead process had under way. */
  recoverInto(draft: Draft, left: Left): void;
}

export type Submit = <T>(plan: (draft: Draft) => T) => Promise<T>;

export interface HoldDeps {
  readonly submit: Submit;
  readonly get: (id: string) => Document | undefined;
  /** How many other processes have the store open. */
  readonly othersCount: () => number;
  /** Names this opener of the store. */
  readonly owner: string;
  /** Where the file of what is under way lies. Default: none is written. */
  readonly directory?: string | undefined;
}

const HOLD_ID = 'hold:calls';
/** How soon a process that counts in memory sees that it is not alone any more, in milliseconds. */
const LOOK_MS = 50;
/** A holder that has not given way after this long is taken for dead, in milliseconds. */
const GIVES_WAY_MS = 5_000;

/**
 * Who counts. A process that has the store to itself holds budgets and pools in memory, so a
 * call costs no commit before it goes out; where there are several, each call is counted in
 * documents, in commits that all of them see. The hold is a document, so the change from one
 * to the other is a commit too: the holder writes what it has under way and lets go as soon
 * as somebody else opens the store, and nobody counts in documents before.
 */
export class Hold {
  readonly #deps: HoldDeps;
  readonly #counts: Counts[] = [];
  /** Of what this process has under way; absent for a store that ends with the process. */
  readonly file: CallsFile | undefined;
  #mine = false;
  #taking: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: HoldDeps) {
    this.#deps = deps;
    const { directory, owner } = deps;
    this.file = directory === undefined ? undefined : new CallsFile(fileOf(directory, owner));
  }

  add(counts: Counts): void {
    this.#counts.push(counts);
  }

  /** True while memory counts. A process that was stopped for long may have lost the hold. */
  get isMine(): boolean {
    if (!this.#mine) return false;
    const isHeld = this.#holder()?.owner === this.#deps.owner;
    if (!isHeld) this.#drop();
    return isHeld;
  }

  /** True when memory counts as of a commit in the making. */
  isMineIn(draft: Draft): boolean {
    return (draft.get(HOLD_ID) as HoldDocument | undefined)?.owner === this.#deps.owner;
  }

  /**
   * Counts in memory, at once, or in a commit, whichever holds.
   *
   * @throws {JdbxError} what either throws
   */
  count<T>(inMemory: () => T, inStore: (draft: Draft) => T): T | Promise<T> {
    return this.isMine ? inMemory() : this.#countInTime(inMemory, inStore);
  }

  async #countInTime<T>(inMemory: () => T, inStore: (draft: Draft) => T): Promise<T> {
    for (;;) {
      if (this.isMine || ((await this.#take()) && this.isMine)) return inMemory();
      const plan = (draft: Draft) => (draft.get(HOLD_ID) ? undefined : { result: inStore(draft) });
      const counted = await this.#deps.submit(plan);
      if (counted) return counted.result;
    }
  }

  /** Writes down what a process that is dead had under way, if it counted in memory. */
  async recover(): Promise<void> {
    if (!this.isMine && this.#holder()) await this.#take();
  }

  /** Writes what memory counts, and lets go. */
  async release(): Promise<void> {
    await this.#taking?.catch(() => {});
    if (!this.isMine) return;
    this.#mine = false;
    this.#taking = this.#give().finally(() => {
      this.#taking = undefined;
    });
    await this.#taking;
  }

  #take(): Promise<boolean> {
    this.#taking ??= this.#wait().finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  /** Until nobody else holds: then true where this process is alone, and holds now. */
  async #wait(): Promise<boolean> {
    const giveUpAt = performance.now() + GIVES_WAY_MS;
    for (;;) {
      const isAlone = this.#deps.othersCount() === 0;
      const holder = this.#holder();
      if (!holder && !isAlone) return false;
      const isGone = isAlone || !holder || isDead(holder) || performance.now() > giveUpAt;
      if (isGone) return this.#takeFrom(holder, isAlone);
      await realSleep(LOOK_MS, NEVER);
    }
  }

  async #takeFrom(found: HoldDocument | undefined, takes: boolean): Promise<boolean> {
    const { submit, owner, directory } = this.#deps;
    const isTaken = await submit((draft) => {
      const holder = draft.get(HOLD_ID) as HoldDocument | undefined;
      if (holder?.owner !== found?.owner) return undefined;
      if (holder) this.#recoverInto(draft, holder);
      if (takes) draft.put(takeDocument(holdOf(owner)));
      else draft.remove(HOLD_ID);
      return true;
    });
    if (!isTaken) return this.#wait();
    if (found && directory !== undefined) new CallsFile(fileOf(directory, found.owner)).delete();
    if (takes) this.#begin();
    return takes;
  }

  #recoverInto(draft: Draft, { owner }: HoldDocument): void {
    const { directory } = this.#deps;
    const left = directory === undefined ? NOTHING : CallsFile.read(fileOf(directory, owner));
    for (const counts of this.#counts) counts.recoverInto(draft, left);
  }

  #begin(): void {
    this.#mine = true;
    this.#timer = setInterval(() => {
      // Whoever counts next hears of a store that fails.
      if (this.#deps.othersCount() > 0) this.release().catch(() => {});
    }, LOOK_MS);
    this.#timer.unref();
  }

  async #give(): Promise<boolean> {
    const { submit } = this.#deps;
    try {
      await submit((draft) => {
        if (!this.isMineIn(draft)) return;
        for (const counts of this.#counts) counts.write(draft);
        draft.remove(HOLD_ID);
      });
    } catch (error) {
      this.#mine = true;
      throw error;
    }
    this.#drop();
    return false;
  }

  #drop(): void {
    this.#mine = false;
    clearInterval(this.#timer);
    for (const counts of this.#counts) counts.clear();
    this.file?.delete();
  }

  #holder(): HoldDocument | undefined {
    return this.#deps.get(HOLD_ID) as HoldDocument | undefined;
  }
}

const NOTHING: Left = { calls: [], admitted: [] };
const NEVER = new AbortController().signal;

function holdOf(owner: string): NewDocument {
  return { _id: HOLD_ID, _type: 'hold', owner, host: hostname(), pid: process.pid };
}

function fileOf(directory: string, owner: string): string {
  return join(directory, `calls-${owner}.log`);
}

/** Known for sure only of processes of this machine. */
function isDead({ host, pid }: HoldDocument): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
