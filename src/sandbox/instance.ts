import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSWASMModule,
  RELEASE_SYNC,
} from 'quickjs-emscripten';

const PAGE_BYTES = 65_536;
/** What the binary asks for at its start. */
const MEMORY_INITIAL_BYTES = 256 * PAGE_BYTES;
/** No cap is below this, so that a guest that runs out of memory has made it grow before. */
const MEMORY_CAP_MIN_BYTES = 384 * PAGE_BYTES;

/** Options of the engine's loader that the library passes on but does not declare. */
const SILENT: object = { print: () => {}, printErr: () => {} };

/**
 * One QuickJS with its own linear memory, whose maximum is the real memory
 * limit of the guests that run in it: the engine's own count misses what array
 * buffers and strings take.
 */
export class Instance {
  readonly engine: QuickJSWASMModule;
  readonly memoryBytesMax: number;
  readonly #memory: WebAssembly.Memory;

  private constructor(engine: QuickJSWASMModule, memory: WebAssembly.Memory, bytesMax: number) {
    this.engine = engine;
    this.#memory = memory;
    this.memoryBytesMax = bytesMax;
  }

  static async create(wasm: WebAssembly.Module, memoryBytes: number): Promise<Instance> {
    const bytesMax = capFor(memoryBytes);
    const memory = new WebAssembly.Memory({
      initial: MEMORY_INITIAL_BYTES / PAGE_BYTES,
      maximum: bytesMax / PAGE_BYTES,
    });
    const variant = newVariant(RELEASE_SYNC, {
      wasmModule: wasm,
      wasmMemory: memory,
      // An abort is reported as an error; the library need not print it too.
      emscriptenModule: SILENT,
    });
    return new Instance(await newQuickJSWASMModuleFromVariant(variant), memory, bytesMax);
  }

  /** Linear memory never shrinks, so an instance that has grown is not worth keeping. */
  get hasGrown(): boolean {
    return this.#memory.buffer.byteLength > MEMORY_INITIAL_BYTES;
  }

  /** Whether hardly any memory is left to grow into: the likely cause of a trap. */
  get isNearlyFull(): boolean {
    return this.#memory.buffer.byteLength > this.memoryBytesMax * 0.9;
  }
}

/** The maximum of the linear memory, in bytes, for a limit. */
export function capFor(memoryBytes: number): number {
  const pages = Math.ceil(Math.max(memoryBytes, MEMORY_CAP_MIN_BYTES) / PAGE_BYTES);
  return pages * PAGE_BYTES;
}
