import { BLOCK_ENTRIES, type Block } from './block.js';
import type { Span } from './bounds.js';
import type { Lives } from './lives.js';

/** How many entries of `span` live at `seq`. */
export function countVisible({ low, high }: Span, seq: number): number {
  let total = 0;
  let { block, at } = low;
  while (block !== high.block) {
    total += countInBlock(block, at, block.size, seq);
    block = block.next[0] as Block;
    at = 0;
  }
  return total + countInBlock(block, at, high.at, seq);
}

function countInBlock(block: Block, from: number, to: number, seq: number): number {
  if (block.allLive(seq)) return to - from;
  const { born, died } = block;
  let total = 0;
  for (let at = from; at < to; at++) {
    if ((born[at] as number) <= seq && seq < (died[at] as number)) total++;
  }
  return total;
}

/** A block's objects and columns: 20 bytes an entry, 8 a key's pointer, and their headers. */
const BLOCK_BYTES = BLOCK_ENTRIES * (20 + 8) + 700;
const STRING_HEADER_BYTES = 16;
const GRAVE_BYTES = 48;

/** Walks every block, so its time grows with the index. */
export function measure(lives: Lives): {
  readonly entries: number;
  readonly live: number;
  readonly bytes: number;
} {
  let bytes = lives.dead * GRAVE_BYTES;
  for (const block of lives.list.blocks()) bytes += BLOCK_BYTES + keyBytes(block);
  return { entries: lives.living + lives.dead, live: lives.living, bytes };
}

/** A key that equals its neighbour's shares its string. */
function keyBytes({ keys }: Block): number {
  let bytes = 0;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as string;
    if (at === 0 || keys[at - 1] !== key)
      bytes += STRING_HEADER_BYTES + Math.ceil(key.length / 8) * 8;
  }
  return bytes;
}
