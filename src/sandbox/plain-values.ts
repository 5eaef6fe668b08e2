import { VALUE_LIMITS, type Value } from '../base/values.js';

/** So long a name is within the limit in bytes, whatever its letters. */
const KEY_LENGTH_MAX = Math.floor(VALUE_LIMITS.keyBytesMax / 3);
const NOT_PLAIN = new Error('not plain data');

/**
 * The short way of `decodeValue`, for values that need no second look: one pass, no copy,
 * deeply frozen. Gives `undefined` for anything else, and the long way then decides, with a
 * reason.
 */
export function readPlain(text: string): Value | undefined {
  // Without escapes and lone surrogates in the text there are none in its strings.
  if (text.includes('\\u') || text.includes('__proto__') || !text.isWellFormed()) return undefined;
  try {
    return new PlainReader().own(JSON.parse(text), 0);
  } catch {
    return undefined;
  }
}

/** Whether somebody gave all objects of this process enumerable properties. */
export function objectsInherit(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

/** Checks and freezes what `JSON.parse` made, in place: nobody else has it. */
class PlainReader {
  #nodes = 0;
  readonly #inherits = objectsInherit();

  own(value: unknown, depth: number): Value {
    if (depth > VALUE_LIMITS.depthMax || ++this.#nodes > VALUE_LIMITS.nodesMax) throw NOT_PLAIN;
    if (typeof value === 'object' && value !== null) this.#ownObject(value, depth);
    // Infinity comes of too large a number; and a value holds no negative zero.
    else if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      throw NOT_PLAIN;
    }
    return value as Value;
  }

  #ownObject(object: object, depth: number): void {
    if (Array.isArray(object)) for (const item of object) this.own(item, depth + 1);
    else {
      // Several times faster than by a list of keys.
      for (const key in object) {
        if (this.#inherits && !Object.hasOwn(object, key)) continue;
        if (key.length > KEY_LENGTH_MAX) throw NOT_PLAIN;
        this.own((object as Record<string, unknown>)[key], depth + 1);
      }
    }
    Object.freeze(object);
  }
}
