import type { MemoryLayout } from './memory-layout.js';

/** All that an instance's memory holds between two calls. Everything else in it is zero. */
export interface MemoryImage {
  readonly statics: Uint8Array;
  readonly heap: Uint8Array;
}

/**
 * How far below its limit the engine's stack may reach: what it does not count
 * are the frames of its own last few functions.
 */
const STACK_SLACK_BYTES = 64 * 2 ** 10;

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
 * all that a call may have touched besides is zero again. `stackBytes` is the
 * stack limit of the call that ran in between.
 */
export function restoreMemory(
  memory: Uint8Array,
  layout: MemoryLayout,
  image: MemoryImage,
  stackBytes: number,
): void {
  const { heapStart } = layout;
  const heapEnd = heapStart + image.heap.length;
  const touchedEnd = readBreak(memory, layout);
  memory.set(image.statics, 0);
  memory.fill(0, heapStart - stackBytes - STACK_SLACK_BYTES, heapStart);
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
