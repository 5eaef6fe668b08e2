import type { Value } from './values.js';

/**
 * The type classes of values in their order, each with the byte that opens it
 * in a key. The numbers are part of the stored format of indexes: they never
 * change, and the gaps leave room for a type in between. 0x00 is no type: it
 * ends lists inside a key.
 */
export const TYPE_TAGS = {
  null: 0x10,
  number: 0x20,
  string: 0x30,
  object: 0x40,
  array: 0x50,
  binary: 0x60,
  boolean: 0x70,
  date: 0x80,
} as const;

export type TypeTag = (typeof TYPE_TAGS)[keyof typeof TYPE_TAGS];

/**
 * The tag of `value`'s type class; a missing value is null.
 * @throws {TypeError} for what no document can hold, such as a function
 */
export function typeTag(value: Value | undefined): TypeTag {
  switch (typeof value) {
    case 'undefined':
      return TYPE_TAGS.null;
    case 'number':
      return TYPE_TAGS.number;
    case 'string':
      return TYPE_TAGS.string;
    case 'boolean':
      return TYPE_TAGS.boolean;
    case 'object':
      return objectTag(value);
    default:
      throw new TypeError(`expected a value that a document can hold, got a ${typeof value}`);
  }
}

function objectTag(value: object | null): TypeTag {
  if (value === null) return TYPE_TAGS.null;
  if (Array.isArray(value)) return TYPE_TAGS.array;
  if (value instanceof Date) return TYPE_TAGS.date;
  if (value instanceof Uint8Array) return TYPE_TAGS.binary;
  return TYPE_TAGS.object;
}
