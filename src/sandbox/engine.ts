import { RELEASE_SYNC } from 'quickjs-emscripten';
import { Meter } from './fuel/meter.js';

/** An address in an instance's memory: of bytes, or of a value, a context, a runtime. */
export type Pointer = number;

/** What the engine asks of its host while it runs. */
export interface EngineHost {
  /**
   * Function `id` was called with `count` arguments; gives the address of a new value, or 0 for
   * undefined.
   */
  callFunction(id: number, argumentsAt: Pointer, count: number): Pointer;
  shouldInterrupt(): boolean;
  /** Code imports this name: the address of its own code, as a text that the engine frees. */
  loadModule(name: string): Pointer;
}

/**
 * The engine's exports that are used here. They are called directly: the
 * library's own objects keep tables beside the memory, and restoring the memory
 * would not restore those.
 */
export interface EngineCalls {
  QTS_NewRuntime(): Pointer;
  QTS_RuntimeEnableInterruptHandler(runtime: Pointer): void;
  /** Modules that code imports are asked of the host, by the name as it is written. */
  QTS_RuntimeEnableModuleLoader(runtime: Pointer, normalizes: number): void;
  QTS_RuntimeSetMemoryLimit(runtime: Pointer, bytes: number): void;
  QTS_RuntimeSetMaxStackSize(runtime: Pointer, bytes: number): void;
  QTS_NewContext(runtime: Pointer, intrinsics: number): Pointer;
  QTS_Eval(
    context: Pointer,
    code: Pointer,
    byteCount: number,
    name: string,
    detectModule: number,
    flags: number,
  ): Pointer;
  QTS_NewFunction(
    context: Pointer,
    name: string,
    argumentCount: number,
    isConstructor: boolean,
    id: number,
  ): Pointer;
  QTS_NewString(context: Pointer, text: Pointer): Pointer;
  QTS_NewFloat64(context: Pointer, number: number): Pointer;
  QTS_GetString(context: Pointer, value: Pointer): Pointer;
  QTS_FreeCString(context: Pointer, text: Pointer): void;
  QTS_FreeValuePointer(context: Pointer, value: Pointer): void;
  /** The address of a copy of an `ArrayBuffer`'s bytes, which whoever asks frees. */
  QTS_GetArrayBuffer(context: Pointer, value: Pointer): Pointer;
  /** Takes over `bytes`, which were allocated here. */
  QTS_NewArrayBuffer(context: Pointer, bytes: Pointer, byteCount: number): Pointer;
  /** The data in an `ArrayBuffer` of the engine's binary objects; code is refused. */
  QTS_bjson_decode(context: Pointer, buffer: Pointer): Pointer;
  QTS_GetArrayBufferLength(context: Pointer, value: Pointer): number;
  QTS_GetProp(context: Pointer, object: Pointer, key: Pointer): Pointer;
  QTS_GetPropNumber(context: Pointer, object: Pointer, index: number): Pointer;
  /** Writes the `length` of an object to `lengthAt`. */
  QTS_GetLength(context: Pointer, lengthAt: Pointer, object: Pointer): number;
  QTS_GetUndefined(): Pointer;
  QTS_GetNull(): Pointer;
  QTS_DupValuePointer(context: Pointer, value: Pointer): Pointer;
  QTS_Call(
    context: Pointer,
    fn: Pointer,
    self: Pointer,
    argumentCount: number,
    argumentsAt: Pointer,
  ): Pointer;
  /** The exception that `result` stands for, or 0 when it is none. */
  QTS_ResolveException(context: Pointer, result: Pointer): Pointer;
  QTS_ArgvGetJSValueConstPointer(argumentsAt: Pointer, index: number): Pointer;
  /** The result that throws a copy of `error`. */
  QTS_Throw(context: Pointer, error: Pointer): Pointer;
  QTS_IsJobPending(runtime: Pointer): number;
  QTS_ExecutePendingJob(runtime: Pointer, jobsMax: number, contextOut: Pointer): Pointer;
}

export interface Engine {
  readonly calls: EngineCalls;
  /** Gives 0 when there is no room. */
  readonly malloc: (byteCount: number) => Pointer;
  readonly free: (at: Pointer) => void;
  /** Undefined when the module is not metered. */
  readonly meter: Meter | undefined;
}

/** What the library's loader takes and gives, as far as it matters here. */
interface LoaderOptions {
  readonly wasmMemory: WebAssembly.Memory;
  readonly print: () => void;
  readonly printErr: () => void;
  readonly instantiateWasm: (
    imports: object,
    done: (instance: WebAssembly.Instance, wasm: WebAssembly.Module) => void,
  ) => void;
}
interface LoadedModule {
  callbacks: unknown;
  _malloc(byteCount: number): Pointer;
  _free(at: Pointer): void;
}
type Loader = (options: LoaderOptions) => Promise<LoadedModule>;

/**
 * Instantiates QuickJS in `memory`, through the library's loader, which knows
 * the names of this build's imports and exports. `onInstantiated` is called
 * before the engine's first instruction.
 */
export async function loadEngine(
  wasm: WebAssembly.Module,
  memory: WebAssembly.Memory,
  host: EngineHost,
  onInstantiated: () => void = () => {},
): Promise<Engine> {
  const meter = new Meter(() => !host.shouldInterrupt());
  let isMetered = false;
  const load = (await RELEASE_SYNC.importModuleLoader()) as unknown as Loader;
  const module = await load({
    wasmMemory: memory,
    // An abort is reported as an error; the library need not print it too.
    print: () => {},
    printErr: () => {},
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(wasm, { ...imports, ...meter.imports });
      isMetered = meter.attach(instance.exports);
      onInstantiated();
      done(instance, wasm);
    },
  });
  module.callbacks = callbacksOf(host);
  const Calls = await RELEASE_SYNC.importFFI();
  const calls = new Calls(module as never) as unknown as EngineCalls;
  const { _malloc: malloc, _free: free } = module;
  return { calls, malloc, free, meter: isMetered ? meter : undefined };
}

function callbacksOf(host: EngineHost): object {
  return {
    callFunction: (
      _: unknown,
      _context: Pointer,
      _self: Pointer,
      count: number,
      argumentsAt: Pointer,
      id: number,
    ) => host.callFunction(id, argumentsAt, count),
    shouldInterrupt: () => (host.shouldInterrupt() ? 1 : 0),
    loadModuleSource: (_: unknown, _runtime: Pointer, _context: Pointer, name: string) =>
      host.loadModule(name),
    freeHostRef: () => {},
  };
}
