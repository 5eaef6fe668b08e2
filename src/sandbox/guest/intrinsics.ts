/**
 * Everything in this folder becomes text and runs inside the guest's realm,
 * before the guest's own code. So each function stands alone: it may use its
 * parameters and the language, no import and no module variable. And because
 * the guest may later replace any built-in, the code here calls no method by
 * name on a value, uses no iterator (no spread, `for…of` or destructured
 * array), no template literal (the engine joins one by `String.prototype.concat`)
 * and reads no property that could come from `Object.prototype`.
 */

/** The built-ins as they are before the guest can touch them, as plain functions of `this`. */
export function captureIntrinsics() {
  const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const { setPrototypeOf, defineProperty } = Reflect;
  const { freeze, hasOwn } = Object;
  const { stringify, parse } = JSON;

  type Unbound<F> = F extends (this: infer _T, ...args: infer A) => infer R
    ? (self: unknown, ...args: A) => R
    : never;
  function unbind<F extends (...args: never[]) => unknown>(method: F): Unbound<F> {
    return ((self: unknown, ...args: unknown[]) => apply(method, self, args)) as Unbound<F>;
  }
  function getter(prototype: object, key: PropertyKey): (self: unknown) => unknown {
    return unbind(getOwnPropertyDescriptor(prototype, key)?.get as () => unknown);
  }
  const typedArray = getPrototypeOf(Uint8Array.prototype) as object;

  return {
    apply,
    ownKeys,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    setPrototypeOf,
    defineProperty,
    freeze,
    hasOwn,
    stringify,
    parse,
    reflect: {
      apply,
      ownKeys,
      getOwnPropertyDescriptor,
      defineProperty,
      deleteProperty: Reflect.deleteProperty,
      get: Reflect.get,
      set: Reflect.set,
      has: Reflect.has,
    },
    arraySort: Array.prototype.sort as (this: unknown, by: unknown) => unknown,
    isArray: Array.isArray,
    objectPrototype: Object.prototype,
    arrayPrototype: Array.prototype,
    GuestError: Error,
    GuestRangeError: RangeError,
    GuestTypeError: TypeError,
    GuestDate: Date,
    GuestBytes: Uint8Array,
    GuestProxy: Proxy,
    GuestMap: WeakMap,
    toText: String,
    isFiniteNumber: Number.isFinite,
    weakGet: unbind(WeakMap.prototype.get),
    weakSet: unbind(WeakMap.prototype.set),
    charCodeAt: unbind(String.prototype.charCodeAt),
    includes: unbind(String.prototype.includes),
    slice: unbind(String.prototype.slice as (from: number, to?: number) => string),
    getTime: unbind(Date.prototype.getTime),
    toISOString: unbind(Date.prototype.toISOString),
    regExpSource: getter(RegExp.prototype, 'source'),
    typedArrayTag: getter(typedArray, Symbol.toStringTag),
    typedArrayLength: getter(typedArray, 'length') as (self: unknown) => number,
  };
}

export type Intrinsics = ReturnType<typeof captureIntrinsics>;
