import { definitionKey, TYPE_INDEX_KEY } from './definition-key.js';
import type { IndexSaves, SavedCommit, SaveItem } from './index-saves.js';
import { markOf } from './index-tail.js';
import { nextRefOf } from './open-indexes.js';
import type { View } from './view.js';

/** Catching up with so many changed documents takes about 0.3 s. */
export const SAVE_AFTER = 20_000;
/**
 * A quarter of that is worth it at close; and of a store with fewer documents nothing is
 * saved, as building its indexes takes less than a tenth of a second.
 */
const SHARE_AT_CLOSE = 0.25;
/** A round is followed by a pause of this many times its own length, so that load is not doubled. */
const PAUSE_TIMES = 10;
const PAUSE_AFTER_FAILURE_MS = 60_000;

export interface SaverOptions {
  readonly saves: IndexSaves;
  readonly view: () => View;
  /** Of several processes that have the store open, one saves. */
  readonly maySave: () => boolean;
  /** Changed documents after which a round is written. */
  readonly saveAfter: number;
  /** How many commits the change log keeps: a save that it does not reach back to is lost. */
  readonly logCommits: number;
  /** The commit of the round that the store was opened from. */
  readonly savedSeq: number | undefined;
  /** Documents that no save shows. */
  readonly unsaved: number;
}

/**
 * Saves the indexes when enough has changed. The writing is done by other threads from a
 * snapshot: it stalls neither readers nor writers. What cannot be saved, for lack of room
 * say, is tried again later; the store goes on.
 */
export class IndexSaver {
  readonly #options: SaverOptions;
  #savedSeq: number;
  #unsaved: number;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #closed = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#savedSeq = options.savedSeq ?? 0;
    this.#unsaved = options.unsaved;
    this.#schedule(options.savedSeq ?? 0);
  }

  /** The commit of the newest round. */
  get savedSeq(): number {
    return this.#savedSeq;
  }

  /** Counts what was published. */
  note(changes: number, seq: number): void {
    this.#unsaved += changes;
    this.#schedule(seq);
  }

  /** Saves what is worth it, and waits for it. Nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#underWay;
    if (this.#unsaved >= this.#documentsMin) await this.#save();
  }

  #schedule(seq: number): void {
    if (this.#closed || this.#timer || this.#underWay || !this.#isDue(seq)) return;
    const wait = Math.max(0, this.#notBefore - performance.now());
    this.#timer = setTimeout(() => this.#begin(), wait);
    this.#timer.unref();
  }

  #isDue(seq: number): boolean {
    if (this.#unsaved >= this.#options.saveAfter) return true;
    return seq - this.#savedSeq > this.#options.logCommits / 2 && this.#unsaved > 0;
  }

  get #documentsMin(): number {
    return this.#options.saveAfter * SHARE_AT_CLOSE;
  }

  #begin(): void {
    this.#timer = undefined;
    this.#underWay = this.#save().finally(() => {
      this.#underWay = undefined;
    });
  }

  /** Never fails: a save is worth time, and no more. */
  async #save(): Promise<void> {
    const started = performance.now();
    if (!this.#options.maySave()) {
      this.#notBefore = started + PAUSE_AFTER_FAILURE_MS;
      return;
    }
    let view: View | undefined;
    try {
      view = this.#options.view();
      const { saves } = this.#options;
      const commit = commitOf(view);
      if (!commit || view.typeIndex.stats().live < this.#documentsMin) return;
      const unsaved = this.#unsaved;
      if ((saves.rounds()[0] ?? 0) < commit.seq) await saves.write(itemsOf(view), commit);
      this.#savedSeq = commit.seq;
      this.#unsaved -= unsaved;
      const length = performance.now() - started;
      this.#notBefore = performance.now() + PAUSE_TIMES * length;
    } catch {
      this.#notBefore = performance.now() + PAUSE_AFTER_FAILURE_MS;
    } finally {
      view?.close();
    }
  }
}

/** What names the view's commit; `undefined` when the store is empty. */
function commitOf(view: View): SavedCommit | undefined {
  const mark = markOf(view.engine, view.seq);
  return mark === undefined ? undefined : { seq: view.seq, mark, nextRef: nextRefOf(view.engine) };
}

/** Two index documents may ask for the same keys: one file serves both. */
function itemsOf(view: View): SaveItem[] {
  const type = { index: view.typeIndex, definition: TYPE_INDEX_KEY, multikey: false };
  const items = new Map<string, SaveItem>([[TYPE_INDEX_KEY, type]]);
  for (const { index, definition, multikey } of view.allIndexes()) {
    const key = definitionKey(definition);
    items.set(key, { index, definition: key, multikey });
  }
  return [...items.values()];
}
