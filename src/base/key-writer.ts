const KEPT_BYTES_MAX = 65_536;
/** What is copied byte by byte, as long as that costs less than a call. */
const SHORT = 64;

/**
 * A growing buffer with the parts that keys are made of; `key-bytes.ts` draws
 * them. Keys are built in one buffer that is used again and copied out at their
 * exact size, so a key costs one allocation.
 */
export class KeyWriter {
  #bytes = new Uint8Array(1_024);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  get end(): number {
    return this.#end;
  }

  reset(): void {
    this.#end = 0;
    // One huge key must not hold its memory for ever.
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#resize(KEPT_BYTES_MAX);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }

  /** What was written, up to `end`, until the next reset. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Writes its first `length` bytes once more. */
  again(length: number): void {
    this.#reserve(length);
    if (length > SHORT) this.#bytes.copyWithin(this.#end, 0, length);
    else
      for (let at = 0; at < length; at++) this.#bytes[this.#end + at] = this.#bytes[at] as number;
    this.#end += length;
  }

  /**
   * Makes of what was written since `start` the least key above all that begin with it. Keys
   * hold a byte below 0xff: that of a type.
   */
  raise(start: number): void {
    while (this.#end > start && this.#bytes[this.#end - 1] === 0xff) this.#end--;
    if (this.#end > start) (this.#bytes[this.#end - 1] as number)++;
  }

  /** Inverts what was written since `start`, which reverses its order. */
  invertFrom(start: number): void {
    for (let at = start; at < this.#end; at++) this.#bytes[at] = ~(this.#bytes[at] as number);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = byte;
  }

  number(number: number): void {
    this.#reserve(8);
    const at = this.#end;
    this.#end += 8;
    if (Number.isNaN(number)) {
      this.#bytes.fill(0, at, this.#end);
      return;
    }
    this.#view.setFloat64(at, number === 0 ? 0 : number);
    this.#view.setUint32(at, this.#view.getUint32(at) ^ (number >= 0 ? 0x80000000 : 0xffffffff));
    if (number < 0) this.#view.setUint32(at + 4, ~this.#view.getUint32(at + 4));
  }

  binary(bytes: Uint8Array): void {
    this.#reserve(4 + bytes.length);
    this.#view.setUint32(this.#end, bytes.length);
    this.#bytes.set(bytes, this.#end + 4);
    this.#end += 4 + bytes.length;
  }

  text(text: string): void {
    // A UTF-16 unit takes at most three bytes.
    this.#reserve(text.length * 3 + 1);
    const plain = this.#plainText(text);
    if (plain < text.length) this.#textFrom(text, plain);
    this.#bytes[this.#end++] = 0;
  }

  /** Writes characters of one byte up to the first other one, and says where that is. */
  #plainText(text: string): number {
    const bytes = this.#bytes;
    const start = this.#end;
    let at = 0;
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x80 || unit <= 1) break;
      bytes[start + at] = unit;
    }
    this.#end = start + at;
    return at;
  }

  #textFrom(text: string, from: number): void {
    for (let at = from; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x80 && unit > 1) this.#bytes[this.#end++] = unit;
      else if (unit <= 1) this.#escape(unit);
      else if (this.#character(text.codePointAt(at) as number)) at++;
    }
  }

  #escape(unit: number): void {
    this.#bytes[this.#end++] = 1;
    this.#bytes[this.#end++] = unit + 1;
  }

  /** Writes UTF-8 of two to four bytes; true when the character took two units. */
  #character(point: number): boolean {
    if (point >= 0xd800 && point <= 0xdfff) {
      throw new TypeError('expected a well-formed string, got a lone surrogate');
    }
    if (point < 0x800) this.#bytes[this.#end++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x10000) this.#bytes[this.#end++] = 0xe0 | (point >> 12);
      else {
        this.#bytes[this.#end++] = 0xf0 | (point >> 18);
        this.#bytes[this.#end++] = 0x80 | ((point >> 12) & 0x3f);
      }
      this.#bytes[this.#end++] = 0x80 | ((point >> 6) & 0x3f);
    }
    this.#bytes[this.#end++] = 0x80 | (point & 0x3f);
    return point >= 0x10000;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed > this.#bytes.length) this.#resize(Math.max(needed, this.#bytes.length * 2));
  }

  #resize(bytes: number): void {
    const resized = new Uint8Array(bytes);
    resized.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = resized;
    this.#view = new DataView(resized.buffer);
  }
}
