import type { GuestApi, Use } from './use.js';

/**
 * `structuredClone` (https://html.spec.whatwg.org/#structuredserializeinternal) for what
 * the language has; there is nothing to transfer to, so `transfer` must be empty.
 */
export function structuredCloneApi(use: Use): GuestApi['structuredClone'] {
  const { DOMException } = use('domException');
  const ERRORS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
  const tagOf = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get;

  function refuse(what: string): never {
    throw new DOMException(`${what} could not be cloned`, 'DataCloneError');
  }

  /** Whether `probe`, a method that only one kind of object has the slots for, takes it. */
  function passes(probe: () => unknown): boolean {
    try {
      probe();
      return true;
    } catch {
      return false;
    }
  }

  function copyPrimitive(value: unknown): unknown {
    return typeof value === 'symbol' ? refuse(String(value)) : value;
  }

  /** A copy of what holds no other values. What inherits from a kind only by name is no such. */
  function copySimple(value: object): object | undefined {
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (value instanceof Date && passes(() => value.getTime())) return new Date(value.getTime());
    for (const Kind of [
      Boolean,
      Number,
      String,
      BigInt,
      Symbol,
    ] as unknown as NumberConstructor[]) {
      if (!(value instanceof Kind) || !passes(() => Kind.prototype.valueOf.call(value))) continue;
      return Object(copyPrimitive(Kind.prototype.valueOf.call(value)));
    }
    return undefined;
  }

  class Cloner {
    readonly #copies = new Map<object, unknown>();

    clone(value: unknown): unknown {
      if (typeof value === 'function') refuse('a function');
      if (typeof value !== 'object' || value === null) return copyPrimitive(value);
      const known = this.#copies.get(value);
      return known === undefined ? this.#copy(value) : known;
    }

    #copy(value: object): unknown {
      if (Array.isArray(value)) return this.#copyProperties(value, [], value.length);
      const prototype = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === null) {
        return this.#copyProperties(value, {});
      }
      const simple = copySimple(value) ?? this.#copyView(value);
      if (simple !== undefined) {
        this.#copies.set(value, simple);
        return simple;
      }
      if (value instanceof Map && passes(() => value.has(0))) return this.#copyMap(value);
      if (value instanceof Set && passes(() => value.has(0))) return this.#copySet(value);
      if (value instanceof Error) return this.#copyError(value);
      for (const Kind of [WeakMap, WeakSet, WeakRef, Promise, SharedArrayBuffer]) {
        if (value instanceof Kind) refuse(`a ${Kind.name}`);
      }
      return this.#copyProperties(value, {});
    }

    #copyView(value: object): object | undefined {
      if (!ArrayBuffer.isView(value)) return undefined;
      const view = value as Uint8Array;
      const buffer = this.clone(view.buffer) as ArrayBuffer;
      const name = tagOf?.call(view) as 'Uint8Array' | undefined;
      if (name === undefined) return new DataView(buffer, view.byteOffset, view.byteLength);
      return new globalThis[name](buffer, view.byteOffset, view.length);
    }

    #copyMap(map: Map<unknown, unknown>): unknown {
      const copy = new Map();
      this.#copies.set(map, copy);
      for (const [key, item] of [...Map.prototype.entries.call(map)]) {
        copy.set(this.clone(key), this.clone(item));
      }
      return copy;
    }

    #copySet(set: Set<unknown>): unknown {
      const copy = new Set();
      this.#copies.set(set, copy);
      for (const item of [...Set.prototype.values.call(set)]) copy.add(this.clone(item));
      return copy;
    }

    #copyError(error: Error): unknown {
      const name = String(error.name);
      const Kind = ERRORS.find((each) => each.name === name) ?? Error;
      const copy = new Kind();
      this.#copies.set(error, copy);
      const set = (key: string, value: unknown) =>
        Object.defineProperty(copy, key, { value, writable: true, configurable: true });
      set('stack', String(error.stack ?? ''));
      if (Object.hasOwn(error, 'message')) set('message', String(error.message));
      if (Object.hasOwn(error, 'cause')) set('cause', this.clone(error.cause));
      return copy;
    }

    #copyProperties(value: object, copy: object, length?: number): unknown {
      this.#copies.set(value, copy);
      if (length !== undefined) (copy as unknown[]).length = length;
      for (const key of Object.keys(value)) {
        const item = this.clone((value as Record<string, unknown>)[key]);
        Object.defineProperty(copy, key, {
          value: item,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
      return copy;
    }
  }

  function structuredClone(...args: [unknown?, { transfer?: unknown[] }?]): unknown {
    if (args.length === 0) throw new TypeError('expected a value to clone');
    const [value, options] = args;
    if (options?.transfer !== undefined && [...options.transfer].length > 0) {
      refuse('a value to transfer');
    }
    return new Cloner().clone(value);
  }
  return { structuredClone };
}
