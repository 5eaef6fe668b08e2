import { JdbxError } from '../base/errors.js';
import { takeValue, type Value } from '../base/values.js';
import { readPlain } from './plain-values.js';

/**
 * Values come out of guests as JSON text in which a string that begins with U+0001 stands
 * for what JSON lacks: `\u0001d` + milliseconds is a date, `\u0001b` + base64
 * is bytes, and `\u0001s` + text is a string that itself begins with U+0001.
 * `guest/crossing.ts` and
 * `heap-reader.ts` are the other end; the way in is `guest-values.ts`.
 */
const MARK = '\u0001';
/** How the other end writes the mark; text without it needs no second look. */
const MARK_IN_JSON = '\\u0001';

/**
 * The value that a guest's text stands for, checked as if a stranger wrote it.
 *
 * @throws {JdbxError} GUEST_OUTPUT naming the path of what is not data
 */
export function decodeValue(text: string): Value {
  const plain = readPlain(text);
  if (plain !== undefined) return plain;
  try {
    const parsed: unknown = JSON.parse(text);
    return takeValue(text.includes(MARK_IN_JSON) ? unmark(parsed) : parsed);
  } catch (error) {
    const { path, message } = error as JdbxError;
    const reason = message.replace(/^[A-Z_]+(?: at [^:]+)?: /, '');
    throw new JdbxError('GUEST_OUTPUT', reason, { path, cause: error });
  }
}

/** Works in place on what `JSON.parse` made; `takeValue` then copies and checks it. */
function unmark(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? unmarkString(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  const container = value as Record<string, unknown>;
  for (const key of Object.keys(container)) {
    // Assigning to `__proto__` would set the prototype; `takeValue` refuses the key.
    if (key !== '__proto__') container[key] = unmark(container[key]);
  }
  return container;
}

function unmarkString(text: string): unknown {
  const body = text.slice(2);
  if (text[1] === 'd') return new Date(Number(body));
  if (text[1] === 'b') return new Uint8Array(Buffer.from(body, 'base64'));
  return body;
}
