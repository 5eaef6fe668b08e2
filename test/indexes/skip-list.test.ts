/**
 * The shape of the list, which its answers do not show: a wrong link high up
 * costs time first and answers much later. Random inserts and removals over
 * many blocks, then every link and every invariant is checked.
 */
import { describe, expect, test } from 'vitest';
import { BLOCK_ENTRIES, type Block } from '#jdbx/indexes/block.js';
import { SkipList } from '#jdbx/indexes/skip-list.js';
import { HEIGHT_MAX, TowerHeights } from '#jdbx/indexes/tower-heights.js';

function insert(list: SkipList, key: number, ref = 1): void {
  list.insert(list.gapAfter(text(key), ref), text(key), ref, 1);
}

function text(key: number): string {
  return String.fromCharCode(key >> 16, (key >> 8) & 255, key & 255);
}

function checkLinks(list: SkipList): void {
  const blocks = [...list.blocks()];
  for (let level = 0; level < HEIGHT_MAX; level++) {
    let left: Block = list.head;
    for (const block of blocks.filter(({ height }) => height > level)) {
      expect(left.next[level] === block && block.previous[level] === left).toBe(true);
      left = block;
    }
    expect(left.next[level]).toBeUndefined();
  }
  for (const block of [list.head, ...blocks]) {
    expect(block.next.length).toBe(block.height);
    expect(block.previous.length).toBe(block.height);
  }
}

function checkFill(list: SkipList): void {
  expect(list.head.size).toBe(0);
  for (const block of list.blocks()) {
    expect(block.size).toBeGreaterThan(0);
    expect(block.size).toBeLessThanOrEqual(BLOCK_ENTRIES);
    const next = block.next[0];
    if (next) expect(block.size + next.size).toBeGreaterThan(BLOCK_ENTRIES / 2);
  }
}

function keysOf(list: SkipList): string[] {
  return [...list.blocks()].flatMap(({ keys }) => keys);
}

describe('a skip list of blocks', () => {
  test('keeps its order, links and fill through random inserts and removals', () => {
    const list = new SkipList();
    const held = new Set<number>();
    let state = 7;
    for (let phase = 0; phase < 6; phase++) {
      for (let step = 0; step < 20_000; step++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        const key = (state >>> 4) % 30_000;
        const grows = state >>> 28 < (phase % 2 === 0 ? 12 : 4);
        if (grows && !held.has(key)) insert(list, key);
        if (grows) held.add(key);
        else if (held.delete(key)) list.removeBefore(list.gapAfter(text(key), 1));
      }
      checkLinks(list);
      checkFill(list);
      expect(keysOf(list)).toEqual([...held].sort((a, b) => a - b).map(text));
    }
  });

  test('fills its blocks when keys ascend', () => {
    const list = new SkipList();
    for (let key = 0; key < BLOCK_ENTRIES * 20; key++) insert(list, key);
    expect([...list.blocks()].map(({ size }) => size)).toEqual(Array(20).fill(BLOCK_ENTRIES));
    checkLinks(list);
  });

  test('is empty again when all its entries are removed, from either end', () => {
    const list = new SkipList();
    for (let key = 0; key < 5_000; key++) insert(list, key);
    for (let key = 0; key < 2_500; key++) list.removeAfter(list.gapAfter('', 0));
    checkFill(list);
    for (let key = 0; key < 2_500; key++) list.removeBefore(list.endGap());
    checkLinks(list);
    expect(keysOf(list)).toEqual([]);
    expect(list.endGap()).toEqual({ block: list.head, at: 0 });
  });

  test('changes its version with every move of an entry, and with no search', () => {
    const list = new SkipList();
    const before = list.version;
    insert(list, 1);
    expect(list.version).not.toBe(before);
    const inserted = list.version;
    list.gapAfter(text(1), 1);
    expect(list.version).toBe(inserted);
    list.removeBefore(list.endGap());
    expect(list.version).not.toBe(inserted);
  });
});

test('tower heights repeat with their seed, and each level is about a quarter of the one below', () => {
  const draw = (seed: number) => {
    const heights = new TowerHeights(seed);
    return Array.from({ length: 40_000 }, () => heights.next());
  };
  const heights = draw(3);
  expect(draw(3)).toEqual(heights);
  expect(draw(4)).not.toEqual(heights);
  const atLeast = (height: number) => heights.filter((drawn) => drawn >= height).length;
  for (const height of [2, 3, 4]) {
    const share = atLeast(height) / atLeast(height - 1);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
  }
  expect(Math.min(...heights)).toBe(1);
  expect(Math.max(...heights)).toBeLessThanOrEqual(HEIGHT_MAX);
});
