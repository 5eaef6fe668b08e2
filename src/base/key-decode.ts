import { JdbxError } from './errors.js';
import { TYPE_TAGS } from './value-types.js';
import type { Value } from './values.js';

/**
 * The inverse of `encodeKey`; the layout is drawn there. A missing value comes
 * back as null, and a key of fewer fields as fewer values.
 *
 * @throws {JdbxError} STORE_CORRUPT for bytes that `encodeKey` did not write
 */
export function decodeKey(key: Uint8Array, directions?: readonly (1 | -1)[]): Value[] {
  const reader = new KeyReader(key);
  const values: Value[] = [];
  while (!reader.done) values.push(reader.field(directions?.[values.length] === -1));
  return values;
}

class KeyReader {
  readonly #key: Uint8Array;
  #at = 0;
  /** 0xff inside a descending field, whose bytes are inverted; else 0. */
  #mask = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  get done(): boolean {
    return this.#at >= this.#key.length;
  }

  field(descends: boolean): Value {
    this.#mask = descends ? 0xff : 0;
    return this.#payload(this.#byte());
  }

  #payload(tag: number): Value {
    switch (tag) {
      case TYPE_TAGS.null:
        return null;
      case TYPE_TAGS.number:
        return this.#number();
      case TYPE_TAGS.string:
        return this.#text();
      case TYPE_TAGS.object:
        return this.#object();
      case TYPE_TAGS.array:
        return this.#array();
      case TYPE_TAGS.binary:
        return this.#binary();
      case TYPE_TAGS.boolean:
        return this.#byte() === 1;
      case TYPE_TAGS.date:
        return new Date(this.#number());
      default:
        return corrupt(`expected a type tag, got ${tag}`);
    }
  }

  #number(): number {
    const bytes = this.#bytes(8);
    const positive = (bytes[0] as number) >= 0x80;
    for (let at = 0; at < 8; at++) bytes[at] = (bytes[at] as number) ^ (positive ? 0 : 0xff);
    if (positive) bytes[0] = (bytes[0] as number) ^ 0x80;
    return new DataView(bytes.buffer).getFloat64(0);
  }

  #text(): string {
    const bytes: number[] = [];
    for (let byte = this.#byte(); byte !== 0; byte = this.#byte()) {
      bytes.push(byte === 1 ? this.#byte() - 1 : byte);
    }
    return Buffer.from(bytes).toString('utf8');
  }

  /** `fromEntries` defines properties, so no name can reach a setter. */
  #object(): Value {
    const entries: [string, Value][] = [];
    for (let tag = this.#byte(); tag !== 0; tag = this.#byte()) {
      const name = this.#text();
      entries.push([name, this.#payload(tag)]);
    }
    return Object.fromEntries(entries);
  }

  #array(): Value[] {
    const items: Value[] = [];
    for (let tag = this.#byte(); tag !== 0; tag = this.#byte()) items.push(this.#payload(tag));
    return items;
  }

  #binary(): Uint8Array {
    const length = this.#bytes(4);
    return this.#bytes(new DataView(length.buffer).getUint32(0));
  }

  #bytes(count: number): Uint8Array {
    if (this.#at + count > this.#key.length) corrupt('expected more bytes, got the end of the key');
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at++) bytes[at] = this.#byte();
    return bytes;
  }

  #byte(): number {
    const byte = this.#key[this.#at++];
    if (byte === undefined) corrupt('expected more bytes, got the end of the key');
    return byte ^ this.#mask;
  }
}

function corrupt(text: string): never {
  throw new JdbxError('STORE_CORRUPT', text, { path: 'index key' });
}
