import { VALUE_LIMITS, type Value } from '../base/values.js';

/**
 * The short ways of `values-crossing.ts`, for values that need no second look:
 * one pass, no copy. Each gives `undefined` for anything else, and the long way
 * then decides, with a reason.
 */

const MARK = '\u0001';
/** What JSON escapes, and surrogates, which may be lone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/;
/** So long a name is within the limit in bytes, whatever its letters. */
const KEY_LENGTH_MAX = Math.floor(VALUE_LIMITS.keyBytesMax / 3);
const NOT_PLAIN = new Error('not plain data');

/** The text of a value. */
export function writePlain(value: unknown): string | undefined {
  return attempt(() => new PlainWriter().write(value, 0));
}

/** The value of a text, deeply frozen. */
export function readPlain(text: string): Value | undefined {
  // Without escapes and lone surrogates in the text there are none in its strings.
  if (text.includes('\\u') || text.includes('__proto__') || !text.isWellFormed()) return undefined;
  return attempt(() => new PlainReader().own(JSON.parse(text), 0));
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Counts what both check: nesting (which also ends cycles) and the number of values. */
class PlainWalk {
  #nodes = 0;

  protected count(depth: number): void {
    if (depth > VALUE_LIMITS.depthMax || ++this.#nodes > VALUE_LIMITS.nodesMax) throw NOT_PLAIN;
  }
}

class PlainWriter extends PlainWalk {
  write(value: unknown, depth: number): string {
    this.count(depth);
    switch (typeof value) {
      case 'string':
        return NEEDS_CARE.test(value) ? writeCareful(value) : `"${value}"`;
      case 'number':
        if (!Number.isFinite(value)) throw NOT_PLAIN;
        return `${value}`;
      case 'boolean':
        return value ? 'true' : 'false';
      case 'object':
        return value === null ? 'null' : this.#writeObject(value, depth);
      default:
        throw NOT_PLAIN;
    }
  }

  #writeObject(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#writeArray(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null)
      return this.#writeFields(value, depth);
    if (value instanceof Date) return writeDate(value);
    if (value instanceof Uint8Array) return `"\\u0001b${Buffer.from(value).toString('base64')}"`;
    throw NOT_PLAIN;
  }

  #writeArray(items: readonly unknown[], depth: number): string {
    let text = '';
    for (let index = 0; index < items.length; index++) {
      if (index > 0) text += ',';
      text += this.write(items[index] ?? null, depth + 1);
    }
    return `[${text}]`;
  }

  #writeFields(object: object, depth: number): string {
    if (Object.getOwnPropertySymbols(object).length > 0) throw NOT_PLAIN;
    let text = '';
    for (const key of Object.keys(object)) {
      const item = (object as Record<string, unknown>)[key];
      if (item === undefined) continue;
      if (key.length > KEY_LENGTH_MAX || key === '__proto__' || NEEDS_CARE.test(key)) {
        throw NOT_PLAIN;
      }
      if (text !== '') text += ',';
      text += `"${key}":${this.write(item, depth + 1)}`;
    }
    return `{${text}}`;
  }
}

function writeCareful(text: string): string {
  if (!text.isWellFormed()) throw NOT_PLAIN;
  return JSON.stringify(text.startsWith(MARK) ? `${MARK}s${text}` : text);
}

function writeDate(date: Date): string {
  const time = date.getTime();
  if (Number.isNaN(time)) throw NOT_PLAIN;
  return `"\\u0001d${time}"`;
}

/** Checks and freezes what `JSON.parse` made, in place: nobody else has it. */
class PlainReader extends PlainWalk {
  own(value: unknown, depth: number): Value {
    this.count(depth);
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
      for (const key of Object.keys(object)) {
        if (key.length > KEY_LENGTH_MAX) throw NOT_PLAIN;
        this.own((object as Record<string, unknown>)[key], depth + 1);
      }
    }
    Object.freeze(object);
  }
}
