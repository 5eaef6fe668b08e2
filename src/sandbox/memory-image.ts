import type { MemoryLayout } from './memory-layout.js';

/** All that an instance's memory holds between two calls. Everything else in it is zero. */
export interface MemoryImage {
  readonly statics: Uint8Array;
  readonly heap: Uint8Array;
}

/** Copies what `memory` holds. The engine must be at rest: nothing of it on the stack. */
export function captureMemory(memory: Uint8Array, layout: MemoryLayout): MemoryImage {
  const { staticsEnd, heapStart } = layout;
  const words = new Uint32Array(
    memory.buffer,
    heapStart,
    (readBreak(memory, layout) - heapStart) / 4,
  );
  const used = words.findLastIndex((word) => word !== 0) + 1;
  return {
    statics: memory.slice(0, staticsEnd),
    heap: memory.slice(heapStart, heapStart + used * 4),
  };
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
  memory.fill(0, Math.max(stackReach, staticsEnd), heapStart);
  memory.set(image.heap, heapStart);
  if (touchedEnd > heapEnd) memory.fill(0, heapEnd, touchedEnd);
}

export function bytesOf({ statics, heap }: MemoryImage): number {
  return statics.length + heap.length;
}

function readBreak(memory: Uint8Array, { breakAt, heapStart }: MemoryLayout): number {
  const end = new DataView(memory.buffer).getUint32(breakAt, true);
  if (end < heapStart || end > memory.length) throw new Error('the heap’s end is damaged');
  return end;
}
