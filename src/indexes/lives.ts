import { ALIVE } from './block.js';
import { Graveyard } from './graveyard.js';
import { describeKey } from './key-text.js';
import { type Gap, SkipList } from './skip-list.js';

/**
 * When each entry of a list was true. The lives of one `(key, ref)` stand side
 * by side, oldest first: the last one tells whether it lives, and the first one
 * is the next to be freed. Every step has an exact inverse, or throws and
 * changes nothing.
 */
export class Lives {
  readonly list = new SkipList();
  readonly #graves = new Graveyard();
  #living = 0;

  get living(): number {
    return this.#living;
  }

  get dead(): number {
    return this.#graves.size;
  }

  begin(key: string, ref: number, seq: number): void {
    const gap = this.list.gapAfter(key, ref);
    const died = isLifeOf(gap, key, ref) ? diedAt(gap) : 0;
    if (died === ALIVE) fail('insert', key, ref, 'it lives already');
    if (died > seq) fail('insert', key, ref, `it died at seq ${died}, after seq ${seq}`);
    this.list.insert(gap, key, ref, seq);
    this.#living++;
  }

  undoBegin(key: string, ref: number, seq: number): void {
    const gap = this.list.gapAfter(key, ref);
    if (!isLifeOf(gap, key, ref) || bornAt(gap) !== seq || diedAt(gap) !== ALIVE) {
      fail('revert the insert of', key, ref, `it was not inserted last at seq ${seq}`);
    }
    this.list.removeBefore(gap);
    this.#living--;
  }

  end(key: string, ref: number, seq: number): void {
    const gap = this.list.gapAfter(key, ref);
    if (!isLifeOf(gap, key, ref) || diedAt(gap) !== ALIVE) {
      fail('remove', key, ref, 'it does not live');
    }
    if (bornAt(gap) > seq) fail('remove', key, ref, `it was born after seq ${seq}`);
    gap.block.setDied(gap.at - 1, seq);
    // The stored string, not the caller's copy of it.
    this.#graves.bury({ key: gap.block.keys[gap.at - 1] as string, ref, died: seq });
    this.#living--;
  }

  undoEnd(key: string, ref: number, seq: number): void {
    if (!this.#graves.exhume(key, ref, seq)) {
      fail('revert the removal of', key, ref, `it was not removed last, at seq ${seq}`);
    }
    const gap = this.list.gapAfter(key, ref);
    gap.block.setDied(gap.at - 1, ALIVE);
    this.#living++;
  }

  /** Frees the lives that ended at or before `seq`, oldest death first. */
  release(seq: number): void {
    for (let grave = this.#graves.takeUpTo(seq); grave; grave = this.#graves.takeUpTo(seq)) {
      const before = this.list.gapAfter(grave.key, grave.ref - 1);
      this.list.removeAfter(before);
    }
  }
}

function isLifeOf({ block, at }: Gap, key: string, ref: number): boolean {
  return at > 0 && block.holds(at - 1, key, ref);
}

function bornAt({ block, at }: Gap): number {
  return block.born[at - 1] as number;
}

function diedAt({ block, at }: Gap): number {
  return block.died[at - 1] as number;
}

function fail(verb: string, key: string, ref: number, reason: string): never {
  throw new Error(`cannot ${verb} the entry (key ${describeKey(key)}, ref ${ref}): ${reason}`);
}
