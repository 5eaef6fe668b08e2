import type { Attempt } from './attempt.js';

const KEEP = (from: string): string =>
  `function f(value) { ${from}; return { a: [1, 'x'], value } }`;
const HONEST = { a: [1, 'x'], value: { n: 1 } };
const args = [{ n: 1 }];

/** What is planted, and where; the result must still be what the guest built. */
const plants = [
  [
    'a setter on Object.prototype',
    'Object.defineProperty(Object.prototype, "n", { set() { throw 1 }, get() { return 7 }, configurable: true })',
  ],
  [
    'a getter for `a` on Object.prototype',
    'Object.defineProperty(Object.prototype, "zzz", { get() { throw 1 }, configurable: true })',
  ],
  ['toJSON on Object.prototype', 'Object.prototype.toJSON = () => "forged"'],
  ['toJSON on Array.prototype', 'Array.prototype.toJSON = () => "forged"'],
  ['toJSON on String.prototype', 'String.prototype.toJSON = () => "forged"'],
  ['toJSON on Number.prototype', 'Number.prototype.toJSON = () => 9'],
  ['toString on Array.prototype', 'Array.prototype.toString = () => "forged"'],
  ['join on Array.prototype', 'Array.prototype.join = () => "forged"'],
  ['Symbol.iterator on Array.prototype', 'Array.prototype[Symbol.iterator] = () => { throw 1 }'],
  ['Symbol.iterator on String.prototype', 'String.prototype[Symbol.iterator] = () => { throw 1 }'],
  ['Symbol.toPrimitive on Object.prototype', 'Object.prototype[Symbol.toPrimitive] = () => 666'],
  [
    'Symbol.species on Array',
    'Object.defineProperty(Array, Symbol.species, { value: function () { throw 1 } })',
  ],
  [
    'Symbol.hasInstance on Function.prototype',
    'try { Object.defineProperty(Object, Symbol.hasInstance, { value: () => true }) } catch {}',
  ],
  [
    'an index setter on Array.prototype',
    'Object.defineProperty(Array.prototype, "0", { set() { throw 1 }, configurable: true })',
  ],
  ['length on Object.prototype', 'Object.prototype.length = 1e9'],
  ['enumerable on Object.prototype', 'Object.prototype.enumerable = false'],
  [
    'value and get on Object.prototype',
    'Object.prototype.get = () => 1; Object.prototype.value = 2',
  ],
  ['then on Array.prototype', 'Array.prototype.zthen = 1'],
  ['a new JSON', 'globalThis.JSON = { stringify: () => "forged", parse: () => "forged" }'],
  [
    'a new Object.keys',
    'Object.keys = Object.entries = Object.getOwnPropertyNames = () => ["forged"]',
  ],
  ['a new Reflect.ownKeys', 'Reflect.ownKeys = () => ["forged"]; Reflect.apply = () => "forged"'],
  [
    'a new getOwnPropertyDescriptor',
    'Object.getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor = () => ({ value: "forged", enumerable: true })',
  ],
  ['a new getPrototypeOf', 'Object.getPrototypeOf = Reflect.getPrototypeOf = () => Date.prototype'],
  ['a new Array.isArray', 'Array.isArray = () => false'],
  [
    'a new Function.prototype.call and apply',
    'Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => "forged"',
  ],
  [
    'a new String.prototype.charCodeAt',
    'String.prototype.charCodeAt = () => 0; String.prototype.slice = () => "forged"',
  ],
  [
    'a new WeakMap',
    'WeakMap.prototype.get = WeakMap.prototype.set = () => ({ host: 0, refused: { path: "x", text: "y" } })',
  ],
  [
    'a frozen Object.prototype',
    'Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(globalThis)',
  ],
  [
    'a proxy as prototype of globalThis',
    'try { Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw 1 }, has() { throw 1 } })) } catch {}',
  ],
  [
    'a proxy as prototype of Object.prototype',
    'try { Object.setPrototypeOf(Object.prototype, new Proxy({}, {})) } catch {}',
  ],
  ['a null prototype for Array.prototype', 'Object.setPrototypeOf(Array.prototype, null)'],
  [
    'deleted built-ins',
    'for (const k of ["JSON","Object","Reflect","Array","String","Error","Date","Promise","WeakMap"]) delete globalThis[k]',
  ],
] as const;

export const PROTOTYPES: readonly Attempt[] = plants.map(([tried, plant]) => ({
  tried: `to forge its result by ${tried}`,
  code: KEEP(plant),
  args,
  // A getter for `n` on the prototype does not hide the argument's own.
  gives: HONEST,
}));
