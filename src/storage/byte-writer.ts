/** The most that the buffer keeps between two uses. */
const KEPT_BYTES_MAX = 2 ** 22;
const FIRST_BYTES = 2 ** 16;

/**
 * Bytes in the making, in a buffer that is used again: msgpack
 * (https://github.com/msgpack/msgpack/blob/master/spec.md) written by hand where its form is
 * known, which takes a fraction of what a packer takes for lists within lists.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #end = 0;

  /** Where the next byte goes. */
  get end(): number {
    return this.#end;
  }

  /** Begins anew, `start` bytes from the front, which hold anything. */
  restart(start: number): void {
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.#end = start;
  }

  /** A copy of all that was written. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.#end);
    this.#bytes.copy(copy, 0, 0, this.#end);
    return copy;
  }

  /** The beginning of a list of so many values. */
  list(length: number): void {
    const bytes = this.#room(5);
    if (length < 16) bytes[this.#end++] = 0x90 | length;
    else this.#tagged(0xdd, length);
  }

  number(value: number): void {
    const bytes = this.#room(9);
    if (value >= 0 && value < 0x80 && Number.isInteger(value)) bytes[this.#end++] = value;
    else if (value >>> 0 === value) this.#tagged(0xce, value);
    else {
      bytes[this.#end] = 0xcb;
      this.#end = bytes.writeDoubleBE(value, this.#end + 1);
    }
  }

  boolean(value: boolean): void {
    this.#room(1)[this.#end++] = value ? 0xc3 : 0xc2;
  }

  text(text: string): void {
    const lengthMax = 3 * text.length;
    const bytes = this.#room(5 + lengthMax);
    const tagBytes = lengthMax < 0x100 ? 2 : 5;
    const length = bytes.write(text, this.#end + tagBytes, 'utf8');
    if (tagBytes === 2) this.#shortTagged(0xd9, length);
    else this.#tagged(0xdb, length);
    this.#end += length;
  }

  /** The bytes of a value, as bytes. */
  bytes(source: Uint8Array, start = 0, end = source.length): void {
    this.#room(5);
    if (end - start < 0x100) this.#shortTagged(0xc4, end - start);
    else this.#tagged(0xc6, end - start);
    this.raw(source, start, end);
  }

  /** Bytes as they are: a value that was packed elsewhere. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    const bytes = this.#room(end - start);
    Buffer.prototype.copy.call(source, bytes, this.#end, start, end);
    this.#end += end - start;
  }

  #shortTagged(tag: number, value: number): void {
    this.#bytes[this.#end++] = tag;
    this.#bytes[this.#end++] = value;
  }

  #tagged(tag: number, value: number): void {
    this.#bytes[this.#end] = tag;
    this.#end = this.#bytes.writeUInt32BE(value, this.#end + 1);
  }

  #room(bytes: number): Buffer {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return this.#bytes;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    return larger;
  }
}
