import type { Intrinsics } from './intrinsics.js';

/**
 * Keeps lengths that a guest makes up from the engine. Where it allocates eight bytes an element
 * for a length that an object only says it has, the product may wrap around 32 bits, and it then
 * writes past a block that is too small: in `expand_fast_array` and
 * `js_proxy_get_own_property_names` of https://bellard.org/quickjs, 2025-09-13. So the methods
 * that do so are given a copy, made one by one, and so is what a proxy's `ownKeys` gives.
 */
export function boundLengths({
  apply,
  reflect,
  arrayPrototype,
  setPrototypeOf,
  defineProperty,
  ownKeys,
  GuestProxy,
  GuestRangeError,
  GuestTypeError,
}: Intrinsics): void {
  /** More than the memory of any guest could hold, and far from where the product wraps. */
  const LENGTH_MAX = 2 ** 26;
  type List = { readonly length: unknown; readonly [at: number]: unknown };
  type Method = (...args: never[]) => unknown;

  function lengthOf(list: List): number {
    const length = +(list.length as number);
    if (!(length > 0)) return 0;
    if (length > LENGTH_MAX) throw new GuestRangeError('invalid array length');
    return length - (length % 1);
  }

  /** Without a prototype, so that no setter of the guest's sees it. */
  function copyOf(list: List): unknown[] {
    const length = lengthOf(list);
    const copy: unknown[] = [];
    setPrototypeOf(copy, null);
    for (let at = 0; at < length; at++) copy[at] = list[at];
    return copy;
  }

  function define(holder: object, key: PropertyKey, value: unknown): void {
    const property = { __proto__: null, value, writable: true, configurable: true };
    defineProperty(holder, key, property as PropertyDescriptor);
  }

  const own = arrayPrototype as unknown as Record<string, Method>;
  const { toReversed, toSorted, toSpliced, with: replaced } = own as Record<string, Method>;
  const methods: Record<string, Method> = {
    toReversed(this: List) {
      return apply(toReversed as Method, copyOf(this), []);
    },
    toSorted(this: List, by: unknown) {
      return apply(toSorted as Method, copyOf(this), [by]);
    },
    with(this: List, index: unknown, value: unknown) {
      return apply(replaced as Method, copyOf(this), [index, value]);
    },
    toSpliced(this: List, _start: unknown, _count: unknown) {
      // biome-ignore lint/complexity/noArguments: how many there are tells what they mean
      return apply(toSpliced as Method, copyOf(this), arguments as never);
    },
  };
  const names = ownKeys(methods);
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    define(arrayPrototype, name, methods[name]);
  }

  function isObject(value: unknown): value is object {
    return typeof value === 'function' || (typeof value === 'object' && value !== null);
  }

  /** Stands before a handler: its traps as they are, but for the length of what `ownKeys` gives. */
  function guard(handler: unknown): unknown {
    if (!isObject(handler)) return handler;
    return new GuestProxy(
      { __proto__: null } as object,
      {
        __proto__: null,
        get: (_: object, key: PropertyKey) => {
          const trap = reflect.get(handler, key) as unknown;
          if (typeof trap !== 'function') return trap;
          return function (this: unknown) {
            // biome-ignore lint/complexity/noArguments: a rest parameter would be one more array
            const given = apply(trap as Method, handler, arguments as never) as unknown;
            if (key !== 'ownKeys') return given;
            // The engine would read the length of a text or a number.
            if (!isObject(given)) throw new GuestTypeError('not an object');
            return copyOf(given as List);
          };
        },
      } as ProxyHandler<object>,
    );
  }

  const { revocable } = GuestProxy;
  const make = (target: object, handler: object) =>
    apply(revocable, GuestProxy, [target, guard(handler)]) as unknown;
  define(make, 'name', 'revocable');
  define(GuestProxy, 'revocable', make);
  const guarded = new GuestProxy(GuestProxy, {
    __proto__: null,
    construct: (_: unknown, given: object[]) =>
      new GuestProxy(given[0] as object, guard(given[1]) as object),
  } as ProxyHandler<ProxyConstructor>);
  define(globalThis, 'Proxy', guarded);
}
