import { encodeValue } from './values-crossing.js';

/** Texts of values that nobody can change any more. They go with the values. */
const texts = new WeakMap<object, string>();
/** Longer lists are made into text as the one value that they are. */
const LIST_MAX = 10_000;

/**
 * The text of what a host function answers. A document that is frozen to its last part is read
 * by many guests, and made into text once; so are those in a list, which itself is new each time.
 *
 * @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE
 */
export function encodeAnswer(value: unknown): string {
  if (!Array.isArray(value) || value.length > LIST_MAX) return textOf(value) ?? encodeValue(value);
  const parts: string[] = [];
  for (const item of value) {
    const part = textOf(item);
    if (part === undefined) return encodeValue(value);
    parts.push(part);
  }
  return `[${parts.join(',')}]`;
}

/** Undefined for what may still change. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const known = texts.get(value);
  if (known !== undefined || !isFrozenThrough(value)) return known;
  const text = encodeValue(value);
  texts.set(value, text);
  return text;
}

/** Dates and bytes never are. */
function isFrozenThrough(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!Object.isFrozen(value) || value instanceof Date || ArrayBuffer.isView(value)) return false;
  return Object.values(value).every(isFrozenThrough);
}
