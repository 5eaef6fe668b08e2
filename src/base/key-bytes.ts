/**
 * Order-preserving bytes of index keys: comparing two keys byte by byte
 * (unsigned) gives what `compareValues` gives, field by field.
 *
 *   key      =  field field …                 one per indexed field
 *   field    =  tag payload                   every byte inverted when it descends
 *
 *   null     =  10                            also a missing value
 *   number   =  20  8 bytes                   IEEE 754 double, big-endian; a positive one
 *                                             with its sign bit set, a negative one with all
 *                                             bits inverted; -0 is 0, NaN is eight zero bytes
 *   string   =  30  text
 *   object   =  40  ( tag text payload )*  00 per property: type, name, value
 *   array    =  50  ( tag payload )*       00
 *   binary   =  60  4 bytes bytes             length first, big-endian
 *   boolean  =  70  00 | 01
 *   date     =  80  8 bytes                   milliseconds, written as a number
 *
 *   text     =  UTF-8 with 00 → 01 01 and 01 → 01 02, then 00
 *
 * No field's bytes are a prefix of another field's. So the first difference
 * between two compound keys lies in the first field that differs, inverting a
 * field reverses its order, and the key of the first n fields is a prefix of
 * every key that starts with these n values.
 *
 * This is a stored format, shared by every engine: changing a byte makes saved
 * indexes unreadable.
 */
import { KeyWriter } from './key-writer.js';
import { TYPE_TAGS, typeTag } from './value-types.js';
import type { Value, ValueObject } from './values.js';

export { decodeKey } from './key-decode.js';
export { compareKeys, prefixEnd, typeRange } from './key-ranges.js';
export { KeyWriter } from './key-writer.js';

const writer = new KeyWriter();

/**
 * The key of `values`, one a field. Fewer values than the index has fields give
 * the prefix of every key that starts with them.
 *
 * @param directions `-1` where the field descends; default all ascend
 * @throws {TypeError} for a lone surrogate, or for what no document can hold
 */
export function encodeKey(
  values: readonly (Value | undefined)[],
  directions?: readonly (1 | -1)[],
): Uint8Array {
  writer.reset();
  for (let field = 0; field < values.length; field++) {
    writeField(writer, values[field], directions?.[field] ?? 1);
  }
  return writer.take();
}

/** One field of a key, into a key under way. @throws {TypeError} as `encodeKey` */
export function writeField(to: KeyWriter, value: Value | undefined, direction: 1 | -1): void {
  const start = to.end;
  writeValue(to, value);
  if (direction === -1) to.invertFrom(start);
}

/** The byte that opens fields of the type class of `value`. */
export function typeByte(value: Value | undefined, direction: 1 | -1): number {
  return direction === 1 ? typeTag(value) : ~typeTag(value) & 0xff;
}

function writeValue(writer: KeyWriter, value: Value | undefined): void {
  const tag = typeTag(value);
  writer.byte(tag);
  writePayload(writer, tag, value);
}

function writePayload(writer: KeyWriter, tag: number, value: Value | undefined): void {
  switch (tag) {
    case TYPE_TAGS.null:
      break;
    case TYPE_TAGS.string:
      writer.text(value as string);
      break;
    case TYPE_TAGS.object:
      writeObject(writer, value as ValueObject);
      break;
    case TYPE_TAGS.array:
      writeArray(writer, value as readonly Value[]);
      break;
    case TYPE_TAGS.binary:
      writer.binary(value as Uint8Array);
      break;
    case TYPE_TAGS.boolean:
      writer.byte(value ? 1 : 0);
      break;
    default:
      writer.number(Number(value));
  }
}

function writeObject(writer: KeyWriter, object: ValueObject): void {
  for (const name of Object.keys(object)) {
    const tag = typeTag(object[name]);
    writer.byte(tag);
    writer.text(name);
    writePayload(writer, tag, object[name]);
  }
  writer.byte(0);
}

function writeArray(writer: KeyWriter, array: readonly Value[]): void {
  for (const item of array) writeValue(writer, item);
  writer.byte(0);
}
