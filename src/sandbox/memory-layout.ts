import { loadEngine } from './engine.js';

/**
 * Where things lie in an instance's linear memory:
 *
 * ```
 * 0          staticsEnd            heapStart          break           size
 * | statics … | 0   ← engine's stack | heap … in use → | never used: 0 |
 * ```
 *
 * Statics and heap are what a memory image holds; the stack is empty between
 * calls; the break (how far the heap ever reached) is itself a word of the
 * statics, at `breakAt`.
 */
export interface MemoryLayout {
  readonly staticsEnd: number;
  readonly heapStart: number;
  readonly breakAt: number;
}

export const PAGE_BYTES = 65_536;
/** What the binary asks for at its start. */
export const MEMORY_INITIAL_BYTES = 256 * PAGE_BYTES;

/** More than the engine's whole binary, and so than its data. */
const DATA_BYTES_MAX = 2 ** 20;
const PROBE_BYTES = 4 * 2 ** 20;
const DO_NOTHING = { callFunction: () => 0, shouldInterrupt: () => false, loadModule: () => 0 };

/**
 * Finds the layout by looking: the break is the one word that pointed past the
 * data before the engine began, and past a large block after that block was
 * allocated. What it held first is where the heap starts.
 *
 * @throws {Error} when a build of the engine is laid out in another way
 */
export async function measureLayout(wasm: WebAssembly.Module): Promise<MemoryLayout> {
  const pages = MEMORY_INITIAL_BYTES / PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const words = new Uint32Array(memory.buffer);
  let before = new Uint32Array();
  const engine = await loadEngine(wasm, memory, DO_NOTHING, () => {
    const data = words.subarray(0, DATA_BYTES_MAX / Uint32Array.BYTES_PER_ELEMENT);
    before = data.slice(0, data.findLastIndex((word) => word !== 0) + 1);
  });
  const blockEnd = engine.malloc(PROBE_BYTES) + PROBE_BYTES;
  const found = [...before.keys()].filter((at) => {
    const [first, later] = [before[at] as number, words[at] as number];
    return (
      first > before.byteLength &&
      first < blockEnd - PROBE_BYTES &&
      later >= blockEnd &&
      later <= MEMORY_INITIAL_BYTES
    );
  });
  const [at] = found;
  if (at === undefined || found.length > 1) throw new Error('the engine’s heap cannot be found');
  return layoutOf(before.byteLength, before[at] as number, at * Uint32Array.BYTES_PER_ELEMENT);
}

/** Variables that begin as zero follow the data; they are few. */
const ZERO_VARIABLES_BYTES = 16 * 2 ** 10;

function layoutOf(dataBytes: number, heapStart: number, breakAt: number): MemoryLayout {
  const staticsEnd = Math.ceil((dataBytes + ZERO_VARIABLES_BYTES) / 4_096) * 4_096;
  if (staticsEnd > heapStart / 2) throw new Error('the engine’s stack cannot be found');
  return { staticsEnd, heapStart, breakAt };
}
