// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { Intrinsics } from './intrinsics.js';

/** A readable, bounded text of any value, made without running the guest's getters. */
export function createInspect({
  ownKeys,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  isArray,
  stringify,
  slice,
  toText,
  getTime,
  toISOString,
  typedArrayTag,
  typedArrayLength,
  isFiniteNumber,
}: Intrinsics): (value: unknown) => string {
  const DEPTH_MAX = 4;
  const ITEMS_MAX = 100;
  const LENGTH_MAX = 4_000;
  let room = 0;

  function show(value: unknown, depth: number): string {
    if (room <= 0) return '…';
    const text = describe(value, depth);
    room -= text.length;
    return text;
  }

  function describe(value: unknown, depth: number): string {
    if (typeof value === 'string')
      return depth === 0 ? value : stringify(slice(value, 0, LENGTH_MAX));
    if (typeof value === 'bigint') return '' + value + 'n';
    if (typeof value === 'function') return '[function]';
    if (typeof value !== 'object' || value === null) return toText(value);
    const date = dateText(value);
    if (date !== undefined) return date;
    if (typedArrayTag(value) !== undefined) return '[' + typedArrayLength(value) + ' bytes]';
    const error = errorText(value);
    if (error !== undefined) return error;
    if (depth > DEPTH_MAX) return isArray(value) ? '[…]' : '{…}';
    return isArray(value) ? showArray(value, depth) : showObject(value, depth);
  }

  function dateText(value: object): string | undefined {
    try {
      const time = getTime(value);
      return isFiniteNumber(time) ? toISOString(value) : 'Invalid Date';
    } catch {
      return undefined;
    }
  }

  function ownText(holder: object, key: string): string | undefined {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    const value: unknown = descriptor && hasOwn(descriptor, 'value') ? descriptor.value : undefined;
    return typeof value === 'string' ? value : undefined;
  }

  /** Errors are told by their own `stack` and `message`, which are data in this engine. */
  function errorText(value: object): string | undefined {
    const stack = ownText(value, 'stack');
    const message = ownText(value, 'message');
    if (stack === undefined) return undefined;
    const prototype = getPrototypeOf(value);
    const name = ownText(value, 'name') ?? (prototype ? ownText(prototype, 'name') : undefined);
    if (message === undefined && name === undefined) return undefined;
    return (name ?? 'Error') + ': ' + (message ?? '');
  }

  function showProperty(holder: object, key: string | symbol, depth: number): string {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    if (descriptor === undefined) return 'undefined';
    return hasOwn(descriptor, 'value') ? show(descriptor.value, depth + 1) : '[accessor]';
  }

  function showArray(value: object, depth: number): string {
    const count = getOwnPropertyDescriptor(value, 'length')?.value as number;
    let text = '';
    for (let index = 0; index < count && index < ITEMS_MAX && room > 0; index++) {
      text += (index === 0 ? '' : ', ') + showProperty(value, '' + index, depth);
    }
    return '[' + text + (count > ITEMS_MAX ? ', …' : '') + ']';
  }

  function showObject(value: object, depth: number): string {
    const names = ownKeys(value);
    let text = '';
    for (let index = 0; index < names.length && index < ITEMS_MAX && room > 0; index++) {
      const key = names[index] as string | symbol;
      text += (index === 0 ? '' : ',') + ' ' + toText(key) + ': ' + showProperty(value, key, depth);
    }
    return (
      '{' + text + (names.length > ITEMS_MAX ? ', …' : '') + (names.length > 0 ? ' ' : '') + '}'
    );
  }

  return (value) => {
    // A proxy's trap may print while it is being printed.
    const outer = room;
    room = LENGTH_MAX;
    const text = slice(show(value, 0), 0, LENGTH_MAX);
    room = outer;
    return text;
  };
}
