import type { MemoryLayout } from './memory-layout.js';

/**
 * All that an instance's memory holds between two calls, either up to its last byte that is not
 * zero. Everything else in it is zero.
 */
export interface MemoryImage {
  readonly statics: Uint8Array;
  readonly heap: Uint8Array;
}

/** Copies what `memory` holds. The engine must be at rest: nothing of it on the stack. */
export function captureMemory(memory: Uint8Array, layout: MemoryLayout): MemoryImage {
  const { staticsEnd, heapStart } = layout;
  return {
    statics: usedOf(memory.subarray(0, staticsEnd)),
    heap: usedOf(memory.subarray(heapStart, readBreak(memory, layout))),
  };
}

function usedOf(part: Uint8Array): Uint8Array {
  return part.slice(0, part.findLastIndex((byte) => byte !== 0) + 1);
}

/**
 * Makes `memory` what it was when `image` was taken: the image is written, and
 * all that a call may have touched besides is zero again: of the stack, all from
 * `stackReach` on.
 */
export function restoreMemory(
  memory: Uint8Array,
  layout: MemoryLayout,
  image: MemoryImage,
  stackReach: number,
): void {
  const { heapStart, staticsEnd } = layout;
  const heapEnd = heapStart + image.heap.length;
  const touchedEnd = readBreak(memory, layout);
  memory.set(image.statics, 0);
  memory.fill(0, image.statics.length, staticsEnd);
  memory.fill(0, Math.max(stackReach, staticsEnd), heapStart);
  memory.set(image.heap, heapStart);
  if (touchedEnd > heapEnd) memory.fill(0, heapEnd, touchedEnd);
}

export function bytesOf({ statics, heap }: MemoryImage): number {
  return statics.length + heap.length;
}

function readBreak(memory: Uint8Array, { breakAt, heapStart }: MemoryLayout): number {
  let end = 0;
  for (let at = breakAt + 3; at >= breakAt; at--) end = end * 256 + (memory[at] as number);
  if (end < heapStart || end > memory.length) throw new Error('the heap’s end is damaged');
  return end;
}
