import { BLOCK_ENTRIES, Block } from './block.js';
import { HEIGHT_MAX, TowerHeights } from './tower-heights.js';

/** Two neighbours together at or below this become one block. */
const MERGE_ENTRIES_MAX = BLOCK_ENTRIES / 2;

/** A place between entries: after the first `at` entries of `block`. */
export interface Gap {
  readonly block: Block;
  readonly at: number;
}

/**
 * A skip list of blocks, ordered by key, then ref, then age. It knows where
 * entries stand; what their lives mean is its owner's business.
 *
 *   level 2  head ───────────────────────► C
 *   level 1  head ─────────► B ──────────► C
 *   level 0  head ◄─► A ◄─► B ◄─► … ◄───► C      links go both ways on every level
 *
 * Invariants: no linked block is empty but `head`, which always is; each block's
 * last entry is at or before the next one's first; two neighbours hold more than
 * half a block together, so removal leaves no long tail of thin blocks.
 */
export class SkipList {
  readonly head = new Block(HEIGHT_MAX);
  readonly #heights = new TowerHeights();
  #version = 0;

  /** Grows whenever an entry moves, so that whoever holds a gap can tell that it is stale. */
  get version(): number {
    return this.#version;
  }

  /** The gap after every entry at or before `(key, ref)`; its `block` holds the entry before it. */
  gapAfter(key: string, ref: number): Gap {
    let block = this.head;
    for (let level = HEIGHT_MAX - 1; level >= 0; level--) {
      let next = block.next[level];
      while (next?.atOrBefore(0, key, ref)) {
        block = next;
        next = block.next[level];
      }
    }
    return { block, at: block.countAtOrBefore(key, ref) };
  }

  /** The gap after the last entry. */
  endGap(): Gap {
    let block = this.head;
    for (let level = HEIGHT_MAX - 1; level >= 0; level--) {
      for (let next = block.next[level]; next; next = block.next[level]) block = next;
    }
    return { block, at: block.size };
  }

  insert(gap: Gap, key: string, ref: number, born: number): void {
    const { block, at } = this.#room(gap);
    // Entries of one key share its string, which keeps indexes of few values small.
    const before = at > 0 ? block.keys[at - 1] : undefined;
    block.insert(at, before === key ? before : key, ref, born);
    this.#version++;
  }

  /** Removes the entry that follows `gap`, which must exist. */
  removeAfter({ block, at }: Gap): void {
    if (at < block.size) this.#remove(block, at);
    else this.#remove(block.next[0] as Block, 0);
  }

  /** Removes the entry that `gap` stands after. */
  removeBefore({ block, at }: Gap): void {
    this.#remove(block, at - 1);
  }

  #remove(block: Block, at: number): void {
    block.remove(at);
    this.#version++;
    if (block.size === 0) this.#unlink(block);
    else this.#mergeAround(block);
  }

  *blocks(): Generator<Block> {
    for (let block = this.head.next[0]; block; block = block.next[0]) yield block;
  }

  /** The same gap in a block that can take one more entry. */
  #room(gap: Gap): Gap {
    if (gap.block === this.head) {
      const first = this.head.next[0] ?? this.#linkAfter(this.head);
      return first.full ? this.#split(first, 0) : { block: first, at: 0 };
    }
    return gap.block.full ? this.#split(gap.block, gap.at) : gap;
  }

  #split(block: Block, at: number): Gap {
    // Ascending keys (dates, counters) leave full blocks behind, not halves.
    const appends = at === block.size && block.next[0] === undefined;
    const middle = appends ? at : BLOCK_ENTRIES / 2;
    const right = this.#linkAfter(block);
    block.moveTail(middle, right);
    return at > middle || appends ? { block: right, at: at - middle } : { block, at };
  }

  #linkAfter(neighbour: Block): Block {
    const block = new Block(this.#heights.next());
    let left = neighbour;
    for (let level = 0; level < block.height; level++) {
      // Climb back to the nearest tower of this level; `head` has them all.
      while (left.height <= level) left = left.previous[left.height - 1] as Block;
      join(block, left.next[level], level);
      join(left, block, level);
    }
    return block;
  }

  #unlink(block: Block): void {
    for (let level = 0; level < block.height; level++) {
      join(block.previous[level] as Block, block.next[level], level);
    }
  }

  #mergeAround(block: Block): void {
    const next = block.next[0];
    const previous = block.previous[0] as Block;
    if (next) this.#mergeInto(block, next);
    if (previous !== this.head) this.#mergeInto(previous, block);
  }

  #mergeInto(left: Block, right: Block): void {
    if (left.size + right.size > MERGE_ENTRIES_MAX) return;
    right.moveTail(0, left);
    this.#unlink(right);
  }
}

function join(left: Block, right: Block | undefined, level: number): void {
  left.next[level] = right;
  if (right) right.previous[level] = left;
}
