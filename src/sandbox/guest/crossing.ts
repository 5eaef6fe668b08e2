// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { Bytes } from './bytes.js';
import type { Origin } from './failures.js';
import type { Intrinsics } from './intrinsics.js';

export interface CrossingLimits {
  readonly depthMax: number;
  readonly nodesMax: number;
  /** Rough size of the text, in UTF-16 units; the host measures exactly. */
  readonly lengthMax: number;
}

/**
 * The guest's end of `values-crossing.ts`: turns the guest's values into text
 * and back. Only data is read, by descriptor, each property once: no getter,
 * `toJSON`, iterator or setter of the guest runs (a proxy's traps may, and what
 * they answer is data like any other). The engine's `JSON.stringify` is given
 * strings alone, since for objects it reads an array that inherits from the
 * guest's `Array.prototype`.
 */
export function createCrossing(
  {
    ownKeys,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    setPrototypeOf,
    hasOwn,
    isArray,
    isFiniteNumber,
    objectPrototype,
    stringify,
    getTime,
    regExpSource,
    typedArrayTag,
    typedArrayLength,
    slice,
  }: Intrinsics,
  makeError: (message: string, code: string, origin: Origin) => Error,
  bytes: Bytes,
  limits: CrossingLimits,
) {
  const MARK = '\u0001';

  /** The way from the root to the value at hand: keys, and the objects that hold them. */
  let keys: (string | number)[] = bare([]);
  let ancestors: object[] = bare([]);
  let depth = 0;
  let nodes = 0;
  let length = 0;

  /** Without a prototype, an array has neither setters nor `toJSON` that a guest could plant. */
  function bare<T>(array: T[]): T[] {
    setPrototypeOf(array, null);
    return array;
  }

  function refuse(expected: string, got: string): never {
    let path = '';
    for (let index = 0; index < depth; index++) {
      path += index === 0 ? keys[index] : '.' + keys[index];
    }
    const text = 'expected ' + expected + ', got ' + got;
    const message = path === '' ? text : 'at ' + path + ': ' + text;
    const origin = { __proto__: null, refused: { __proto__: null, path, text } };
    throw makeError(message, 'GUEST_OUTPUT', origin as Origin);
  }

  function spend(size: number): void {
    length += size;
    if (++nodes > limits.nodesMax) refuse('at most ' + limits.nodesMax + ' values', 'more');
    if (length > limits.lengthMax) refuse('at most ' + limits.lengthMax + ' bytes', 'more');
  }

  /** JSON text of `value`; the path in refusals begins with `root`, when given. */
  function encode(value: unknown, root?: string): string {
    // Reading a cursor or a proxy may encode another value in between.
    const outer = { keys, ancestors, depth, nodes, length };
    keys = bare([]);
    ancestors = bare([]);
    depth = nodes = length = 0;
    if (root !== undefined) keys[depth++] = root;
    try {
      return write(value);
    } finally {
      ({ keys, ancestors, depth, nodes, length } = outer);
    }
  }

  function write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        spend(value.length + 3);
        return stringify(value[0] === MARK ? MARK + 's' + value : value);
      case 'number':
        spend(2);
        return isFiniteNumber(value) ? '' + value : refuse('a finite number', '' + value);
      case 'boolean':
      case 'undefined':
        spend(5);
        return value === undefined ? 'null' : '' + value;
      case 'object':
        return value === null ? 'null' : writeObject(value);
      default:
        return refuse('data', 'a ' + typeof value);
    }
  }

  function writeObject(value: object): string {
    spend(3);
    const prototype = getPrototypeOf(value);
    const isList = isArray(value);
    if (!isList && prototype !== objectPrototype && prototype !== null) {
      return writeBuiltIn(value, prototype);
    }
    for (let index = 0; index < depth; index++) {
      if (ancestors[index] === value) refuse('a tree', 'a cycle');
    }
    if (depth >= limits.depthMax)
      refuse('at most ' + limits.depthMax + ' levels of nesting', 'more');
    ancestors[depth] = value;
    return isList ? writeArray(value) : writePlain(value);
  }

  function writeBuiltIn(value: object, prototype: object): string {
    if (typedArrayTag(value) === 'Uint8Array') return writeBytes(value as Uint8Array);
    const time = timeOf(value);
    if (time === undefined) return refuse('data', nameOf(value, prototype));
    return isFiniteNumber(time)
      ? stringify(MARK + 'd' + time)
      : refuse('a valid date', 'an invalid date');
  }

  function writeBytes(value: Uint8Array): string {
    spend((typedArrayLength(value) * 4) / 3);
    return stringify(MARK + 'b' + bytes.encode(value));
  }

  /** Milliseconds of a real date; `undefined` for anything else. */
  function timeOf(value: object): number | undefined {
    try {
      return getTime(value);
    } catch {
      return undefined;
    }
  }

  function writeArray(value: object): string {
    const count = getOwnPropertyDescriptor(value, 'length')?.value as number;
    let text = '[';
    for (let index = 0; index < count; index++) {
      text += (index === 0 ? '' : ',') + descend(index, readData(value, index));
    }
    return text + ']';
  }

  function writePlain(value: object): string {
    const names = ownKeys(value);
    let text = '';
    for (let index = 0; index < names.length; index++) {
      const key = names[index] as string | symbol;
      if (typeof key === 'symbol') refuse('string keys only', 'a symbol key');
      const item = readData(value, key);
      if (item === undefined) continue;
      if (key === '__proto__') refuse('another property name', '"__proto__"');
      spend(key.length + 4);
      text += (text === '' ? '' : ',') + stringify(key) + ':' + descend(key, item);
    }
    return '{' + text + '}';
  }

  /** The value of an own, enumerable data property; an accessor is refused, not run. */
  function readData(holder: object, key: string | number): unknown {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    if (descriptor === undefined || !descriptor.enumerable) return undefined;
    if (hasOwn(descriptor, 'value')) return descriptor.value;
    keys[depth++] = key;
    return refuse('data', 'an accessor');
  }

  function descend(key: string | number, item: unknown): string {
    keys[depth++] = key;
    const text = write(item);
    depth--;
    return text;
  }

  function nameOf(value: object, prototype: object): string {
    if (isRegExp(value)) return 'a regular expression (write { $regex: "…" } in a filter)';
    const made = getOwnPropertyDescriptor(prototype, 'constructor');
    const maker: unknown = made && hasOwn(made, 'value') ? made.value : undefined;
    const named = typeof maker === 'function' ? getOwnPropertyDescriptor(maker, 'name') : undefined;
    const name: unknown = named && hasOwn(named, 'value') ? named.value : undefined;
    return typeof name === 'string' && name !== ''
      ? 'an instance of ' + slice(name, 0, 100)
      : 'an instance of a class';
  }

  function isRegExp(value: object): boolean {
    try {
      return typeof regExpSource(value) === 'string';
    } catch {
      return false;
    }
  }

  return { encode };
}
