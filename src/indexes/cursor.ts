import type { Block } from './block.js';
import { type Bounds, findSpan, type Span } from './bounds.js';
import type { IndexBatch, IndexCursor } from './contract.js';
import { fromKeyText } from './key-text.js';
import type { Gap, SkipList } from './skip-list.js';

/**
 * Reads the entries of its bounds that live at `seq`. What it has read is cut
 * off its bounds after each batch; so when the writer has moved entries in
 * between, finding the bounds again is all it takes to go on. At one `seq` a
 * `(key, ref)` has at most one visible life, so none is met twice.
 */
export class ListCursor implements IndexCursor {
  readonly #list: () => SkipList;
  readonly #seq: number;
  readonly #reverse: boolean;
  #bounds: Bounds;
  #span: Span | undefined;
  #version = -1;
  #done = false;

  /** @param list throws when the index is closed */
  constructor(list: () => SkipList, bounds: Bounds, seq: number, reverse: boolean) {
    this.#list = list;
    this.#bounds = bounds;
    this.#seq = seq;
    this.#reverse = reverse;
  }

  next(batch: IndexBatch): number {
    if (batch.refs.length === 0) throw new RangeError('expected a batch with room, got length 0');
    if (this.#done) return 0;
    const span = this.#seek();
    if (!span) return this.#end(0);
    return this.#reverse ? this.#readDown(span, batch) : this.#readUp(span, batch);
  }

  /** Lets go of the list, so that a forgotten cursor holds no memory. */
  close(): void {
    this.#done = true;
    this.#span = undefined;
  }

  #seek(): Span | undefined {
    const list = this.#list();
    if (this.#version !== list.version) {
      this.#version = list.version;
      this.#span = findSpan(list, this.#bounds);
    }
    return this.#span;
  }

  #readUp({ low, high }: Span, batch: IndexBatch): number {
    let { block, at } = low;
    let written = 0;
    for (;;) {
      const stop = block === high.block ? high.at : block.size;
      for (; at < stop; at++) {
        if (!this.#sees(block, at)) continue;
        write(batch, written++, block, at);
        if (written === batch.refs.length) return this.#pauseUp(block, at, high, written);
      }
      if (block === high.block) return this.#end(written);
      block = block.next[0] as Block;
      at = 0;
    }
  }

  #readDown({ low, high }: Span, batch: IndexBatch): number {
    let { block, at } = high;
    let written = 0;
    for (;;) {
      const stop = block === low.block ? low.at : 0;
      for (at--; at >= stop; at--) {
        if (!this.#sees(block, at)) continue;
        write(batch, written++, block, at);
        if (written === batch.refs.length) return this.#pauseDown(block, at, low, written);
      }
      if (block === low.block) return this.#end(written);
      block = block.previous[0] as Block;
      at = block.size;
    }
  }

  #sees(block: Block, at: number): boolean {
    return (block.born[at] as number) <= this.#seq && this.#seq < (block.died[at] as number);
  }

  #pauseUp(block: Block, at: number, high: Gap, written: number): number {
    const low = { key: block.keys[at] as string, ref: block.refs[at] as number };
    this.#bounds = { low, high: this.#bounds.high };
    this.#span = { low: { block, at: at + 1 }, high };
    return written;
  }

  #pauseDown(block: Block, at: number, low: Gap, written: number): number {
    const high = { key: block.keys[at] as string, ref: (block.refs[at] as number) - 1 };
    this.#bounds = { low: this.#bounds.low, high };
    this.#span = { low, high: { block, at } };
    return written;
  }

  #end(written: number): number {
    this.close();
    return written;
  }
}

function write(batch: IndexBatch, to: number, block: Block, at: number): void {
  batch.refs[to] = block.refs[at] as number;
  if (batch.keys) batch.keys[to] = fromKeyText(block.keys[at] as string);
}
