import { findSpan, toBounds } from './bounds.js';
import { checkRef, checkSeq } from './checks.js';
import type {
  ChangeList,
  CreateIndex,
  FirstOptions,
  IndexChange,
  IndexCursor,
  KeyRange,
  KeySpan,
  OrderedIndex,
} from './contract.js';
import { ListCursor } from './cursor.js';
import { firstRead, TIED, toRange } from './first-read.js';
import { toKeyText } from './key-text.js';
import { Lives } from './lives.js';
import { countVisible, measure } from './measure.js';

/**
 * An empty ordered index in plain TypeScript, held in this thread's heap.
 * Used where no binary fits, and the twin that the native one is tested against.
 */
export const createPortableIndex: CreateIndex = () => new PortableIndex();

class PortableIndex implements OrderedIndex {
  #lives: Lives | undefined = new Lives();

  apply(list: ChangeList, seq: number): void {
    const lives = this.#open();
    checkSeq(seq);
    const changes = [...list];
    let done = 0;
    try {
      for (; done < changes.length; done++) step(lives, changes[done] as IndexChange, seq);
    } catch (error) {
      while (done > 0) stepBack(lives, changes[--done] as IndexChange, seq);
      throw error;
    }
  }

  revert(list: ChangeList, seq: number): void {
    const lives = this.#open();
    checkSeq(seq);
    const changes = [...list];
    let left = changes.length;
    try {
      for (; left > 0; left--) stepBack(lives, changes[left - 1] as IndexChange, seq);
    } catch (error) {
      for (; left < changes.length; left++) step(lives, changes[left] as IndexChange, seq);
      throw error;
    }
  }

  scan(range: KeyRange, seq: number): IndexCursor {
    this.#open();
    checkSeq(seq);
    const bounds = toBounds(range);
    return new ListCursor(() => this.#open().list, bounds, seq, range.reverse === true);
  }

  first(span: KeySpan, seq: number, { wanted, reverse, distinct }: FirstOptions): number {
    if (wanted === 0) return 0;
    const cursor = this.scan(toRange(span, reverse), seq);
    const keys: Uint8Array[] | undefined = distinct ? [] : undefined;
    const count = cursor.next({ refs: firstRead.refs.subarray(0, wanted), keys });
    cursor.close();
    const isTied = keys?.some((key, at) => {
      const before = keys[at - 1];
      return before !== undefined && Buffer.compare(key, before) === 0;
    });
    return isTied ? TIED : count;
  }

  count(range: KeyRange, seq: number): number {
    checkSeq(seq);
    const span = findSpan(this.#open().list, toBounds(range));
    return span ? countVisible(span, seq) : 0;
  }

  release(seq: number): void {
    checkSeq(seq);
    this.#open().release(seq);
  }

  stats(): { readonly entries: number; readonly live: number; readonly bytes: number } {
    return measure(this.#open());
  }

  close(): void {
    this.#lives = undefined;
  }

  #open(): Lives {
    if (!this.#lives) throw new Error('the index is closed');
    return this.#lives;
  }
}

function step(lives: Lives, { kind, key, ref }: IndexChange, seq: number): void {
  checkRef(ref);
  if (kind === 'insert') lives.begin(toKeyText(key), ref, seq);
  else lives.end(toKeyText(key), ref, seq);
}

function stepBack(lives: Lives, { kind, key, ref }: IndexChange, seq: number): void {
  if (kind === 'insert') lives.undoBegin(toKeyText(key), ref, seq);
  else lives.undoEnd(toKeyText(key), ref, seq);
}
