import type { Pointer } from './engine.js';
import { type Instance, MemoryUsedUp } from './instance.js';

/** The engine's flags for evaluating (`JS_EVAL_*` in its `quickjs.h`). */
export const EVAL = { script: 0, module: 1 } as const;

/** See `heap-reader.ts`. */
const TAG = { undefined: 3, exception: 6 } as const;

/** What evaluating or calling gave: the address of a value, or of what was thrown. */
export type Completion = { readonly value: Pointer } | { readonly thrown: Pointer };

/**
 * A context of the engine, by addresses. It holds no state of its own beside
 * the memory, so a context may be restored with it.
 */
export class GuestContext {
  readonly instance: Instance;
  readonly runtime: Pointer;
  readonly context: Pointer;
  /** A constant of the engine's, which lies in its statics. */
  #nullAt: Pointer | undefined;

  constructor(instance: Instance, runtime: Pointer, context: Pointer) {
    this.instance = instance;
    this.runtime = runtime;
    this.context = context;
  }

  evaluate(code: string, name: string, flags: number): Completion {
    const { instance, context } = this;
    const { at, byteCount } = instance.writeText(code);
    const result = instance.calls.QTS_Eval(context, at, byteCount, name, 0, flags);
    instance.free(at);
    return this.#completionOf(result);
  }

  call(fn: Pointer, args: readonly Pointer[]): Completion {
    const { instance, context } = this;
    const { calls } = instance;
    const argumentsAt = instance.writePointers(args);
    const result = calls.QTS_Call(context, fn, calls.QTS_GetUndefined(), args.length, argumentsAt);
    instance.free(argumentsAt);
    return this.#completionOf(result);
  }

  #completionOf(result: Pointer): Completion {
    const thrown = this.instance.calls.QTS_ResolveException(this.context, held(result));
    if (thrown !== 0) return { thrown };
    // An exception, but no room for a copy of it.
    if (this.#tagOf(result) === TAG.exception) throw new MemoryUsedUp();
    return { value: result };
  }

  #tagOf(value: Pointer): number {
    return this.instance.views.words[(value + 4) >>> 2] as number;
  }

  property(object: Pointer, name: string): Pointer {
    const key = this.string(name);
    const value = this.instance.calls.QTS_GetProp(this.context, object, key);
    this.free(key);
    return held(value);
  }

  /** Item `index` of a list; whoever asks frees it. */
  item(list: Pointer, index: number): Pointer {
    return held(this.instance.calls.QTS_GetPropNumber(this.context, list, index));
  }

  /** All of a list that the host made. */
  items(list: Pointer): Pointer[] {
    const { instance, context } = this;
    const lengthAt = instance.writePointers([0]);
    instance.calls.QTS_GetLength(context, lengthAt, list);
    const length = instance.views.words[lengthAt >>> 2] as number;
    instance.free(lengthAt);
    return Array.from({ length }, (_, index) => this.item(list, index));
  }

  /** The result of a function of the host that throws `error`, which is given up. */
  throw(error: Pointer): Pointer {
    const result = this.instance.calls.QTS_Throw(this.context, error);
    this.free(error);
    return held(result);
  }

  string(text: string): Pointer {
    const { at } = this.instance.writeText(text);
    const value = this.instance.calls.QTS_NewString(this.context, at);
    this.instance.free(at);
    return held(value);
  }

  /** A value that `encodeForGuest` wrote. */
  value(text: string): Completion {
    const { calls } = this.instance;
    const at = this.instance.writeBytes(text);
    const buffer = held(calls.QTS_NewArrayBuffer(this.context, at, text.length));
    const value = calls.QTS_bjson_decode(this.context, buffer);
    this.free(buffer);
    return this.#completionOf(value);
  }

  number(number: number): Pointer {
    return held(this.instance.calls.QTS_NewFloat64(this.context, number));
  }

  null(): Pointer {
    const { calls } = this.instance;
    this.#nullAt ??= calls.QTS_GetNull();
    return held(calls.QTS_DupValuePointer(this.context, this.#nullAt));
  }

  fn(name: string, argumentCount: number, id: number): Pointer {
    const { calls } = this.instance;
    return held(calls.QTS_NewFunction(this.context, name, argumentCount, false, id));
  }

  /** Looks at the value's tag in memory. */
  isUndefined(value: Pointer): boolean {
    return this.#tagOf(value) === TAG.undefined;
  }

  /** The text of a value that is a string. */
  text(value: Pointer): string {
    const at = this.instance.calls.QTS_GetString(this.context, value);
    const text = this.instance.readText(at);
    this.instance.calls.QTS_FreeCString(this.context, at);
    return text;
  }

  /** The bytes of a value that is an `ArrayBuffer`. @throws {MemoryUsedUp} */
  bytes(value: Pointer): Uint8Array {
    const { instance, context } = this;
    const count = instance.calls.QTS_GetArrayBufferLength(context, value);
    const at = instance.calls.QTS_GetArrayBuffer(context, value);
    if (at === 0) throw new MemoryUsedUp();
    const bytes = instance.views.plain.slice(at, at + count);
    instance.free(at);
    return bytes;
  }

  /** Argument number `index` of a function of the host that is being called. */
  argumentAt(argumentsAt: Pointer, index: number): Pointer {
    return this.instance.calls.QTS_ArgvGetJSValueConstPointer(argumentsAt, index);
  }

  free(value: Pointer): void {
    this.instance.calls.QTS_FreeValuePointer(this.context, value);
  }

  /** Runs at most so many promise jobs; one that throws ends the round. */
  runJobs(jobsMax: number): void {
    const contextOut = this.instance.writePointers([0]);
    this.free(this.instance.calls.QTS_ExecutePendingJob(this.runtime, jobsMax, contextOut));
    this.instance.free(contextOut);
  }

  get hasJobs(): boolean {
    return this.instance.calls.QTS_IsJobPending(this.runtime) !== 0;
  }
}

/** The engine has no room to say what came of it, which must not be taken for a value. */
function held(value: Pointer): Pointer {
  if (value === 0) throw new MemoryUsedUp();
  return value;
}
