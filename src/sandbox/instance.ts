import { type Engine, type EngineHost, loadEngine, type Pointer } from './engine.js';
import { FuelSpent } from './fuel/meter.js';
import { captureMemory, type MemoryImage, restoreMemory } from './memory-image.js';
import { MEMORY_INITIAL_BYTES, type MemoryLayout, PAGE_BYTES } from './memory-layout.js';

/** No cap is below this, so that a guest that runs out of memory has made it grow before. */
const MEMORY_CAP_MIN_BYTES = 384 * PAGE_BYTES;

/** The engine and what it runs on, which every instance of a worker shares. */
export interface EngineParts {
  readonly wasm: WebAssembly.Module;
  readonly layout: MemoryLayout;
}

export interface MemoryViews {
  /** A plain array of bytes copies and clears faster than a buffer does. */
  readonly plain: Uint8Array;
  readonly bytes: Buffer;
  readonly words: Uint32Array;
}

/** Thrown where there is no memory left to copy a text into. */
export class MemoryUsedUp extends Error {}

/**
 * One QuickJS with its own linear memory, whose maximum is the real memory
 * limit of the guests that run in it: the engine's own count misses what array
 * buffers and strings take.
 */
export class Instance {
  readonly memoryBytesMax: number;
  /** The engine's questions go to whichever realm runs. */
  readonly host: { current: EngineHost };
  readonly #engine: Engine;
  readonly #memory: WebAssembly.Memory;
  readonly #layout: MemoryLayout;
  #views: MemoryViews;
  /** What the memory equals now, unless something has run since. */
  #equals: MemoryImage | undefined;

  private constructor(
    engine: Engine,
    memory: WebAssembly.Memory,
    layout: MemoryLayout,
    host: { current: EngineHost },
    bytesMax: number,
  ) {
    this.#engine = engine;
    this.#memory = memory;
    this.#layout = layout;
    this.#views = viewsOf(memory);
    this.host = host;
    this.memoryBytesMax = bytesMax;
  }

  static async create({ wasm, layout }: EngineParts, memoryBytes: number): Promise<Instance> {
    const bytesMax = capFor(memoryBytes);
    const memory = new WebAssembly.Memory({
      initial: MEMORY_INITIAL_BYTES / PAGE_BYTES,
      maximum: bytesMax / PAGE_BYTES,
    });
    const host = { current: NOBODY };
    const engine = await loadEngine(wasm, memory, {
      callFunction: (id, argumentsAt, count) => host.current.callFunction(id, argumentsAt, count),
      shouldInterrupt: () => host.current.shouldInterrupt(),
      loadModule: (name) => host.current.loadModule(name),
    });
    return new Instance(engine, memory, layout, host, bytesMax);
  }

  get calls(): Engine['calls'] {
    return this.#engine.calls;
  }

  /** Linear memory never shrinks, so an instance that has grown is not worth keeping. */
  get hasGrown(): boolean {
    return this.bytes.length > MEMORY_INITIAL_BYTES;
  }

  /** Whether hardly any memory is left to grow into: the likely cause of a trap. */
  get isNearlyFull(): boolean {
    return this.bytes.length > this.memoryBytesMax * 0.9;
  }

  /** The whole linear memory, to look at. They are others after the memory has grown. */
  get views(): MemoryViews {
    // A memory that grows leaves its old buffer empty.
    if (this.#views.bytes.length === 0) this.#views = viewsOf(this.#memory);
    return this.#views;
  }

  get bytes(): Buffer {
    return this.views.bytes;
  }

  capture(): MemoryImage {
    return captureMemory(this.views.plain, this.#layout);
  }

  /** Writes an image back, unless nothing has run since that was done. */
  restore(image: MemoryImage): void {
    if (this.#equals === image) return;
    this.#equals = undefined;
    // How deep the stack of an engine without a meter was is not known.
    const { meter } = this.#engine;
    restoreMemory(this.views.plain, this.#layout, image, meter?.stackReach ?? 0);
    meter?.resetStack();
    this.#equals = image;
  }

  /** Whether `restore` also sets right what a trap or a stop inside of the engine left. */
  get isRecoverable(): boolean {
    return this.#engine.meter !== undefined && !this.hasGrown;
  }

  /** Lets a realm run in here. */
  enter(host: EngineHost): void {
    this.#equals = undefined;
    this.host.current = host;
    this.#engine.meter?.fill();
  }

  /** Ends what runs in here at once, if that can be mended; called by what the engine calls. */
  leave(): void {
    if (this.#engine.meter) throw new FuelSpent('the call is over');
  }

  /** Copies a text into memory, ended by a zero byte; whoever asks frees it. */
  writeText(text: string): { at: Pointer; byteCount: number } {
    const byteCount = Buffer.byteLength(text);
    const at = this.#engine.malloc(byteCount + 1);
    if (at === 0) throw new MemoryUsedUp();
    const { bytes } = this;
    bytes.write(text, at, byteCount, 'utf8');
    bytes[at + byteCount] = 0;
    return { at, byteCount };
  }

  /** Copies bytes, given as the characters of a text, into memory; whoever asks frees them. */
  writeBytes(text: string): Pointer {
    const at = this.#engine.malloc(text.length + 1);
    if (at === 0) throw new MemoryUsedUp();
    this.bytes.write(text, at, text.length, 'latin1');
    return at;
  }

  /** The text that ends at the next zero byte. */
  readText(at: Pointer): string {
    const { bytes } = this;
    return bytes.toString('utf8', at, bytes.indexOf(0, at));
  }

  /** Copies addresses into memory, as an array of arguments is passed; whoever asks frees it. */
  writePointers(pointers: readonly Pointer[]): Pointer {
    const at = this.#engine.malloc(pointers.length * 4 + 4);
    if (at === 0) throw new MemoryUsedUp();
    const { words } = this.views;
    for (let index = 0; index < pointers.length; index++) {
      words[(at >>> 2) + index] = pointers[index] as Pointer;
    }
    return at;
  }

  free(at: Pointer): void {
    this.#engine.free(at);
  }
}

function viewsOf({ buffer }: WebAssembly.Memory): MemoryViews {
  return {
    plain: new Uint8Array(buffer),
    bytes: Buffer.from(buffer),
    words: new Uint32Array(buffer),
  };
}

/** Answers while no realm runs. */
export const NOBODY: EngineHost = {
  callFunction: () => 0,
  shouldInterrupt: () => false,
  loadModule: () => 0,
};

/** The maximum of the linear memory, in bytes, for a limit. */
export function capFor(memoryBytes: number): number {
  const pages = Math.ceil(Math.max(memoryBytes, MEMORY_CAP_MIN_BYTES) / PAGE_BYTES);
  return pages * PAGE_BYTES;
}
