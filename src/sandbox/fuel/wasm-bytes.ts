/**
 * Reads and writes the pieces that a WebAssembly binary is made of
 * (https://webassembly.github.io/spec/core/binary/).
 */
export class WasmReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.isAtEnd) throw new WasmFormatError('it ends too early');
    return this.bytes[this.at++] as number;
  }

  /** An unsigned number of at most 32 bits, in groups of seven. */
  number(): number {
    let number = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const group = this.byte();
      number |= (group & 0x7f) << shift;
      if (group < 0x80) return number >>> 0;
    }
    throw new WasmFormatError('a number is too long');
  }

  /** Skips a number of any size and sign. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) throw new WasmFormatError('it ends too early');
  }

  /** What stands between two places. */
  since(start: number): Uint8Array {
    return this.bytes.subarray(start, this.at);
  }

  rest(): Uint8Array {
    return this.bytes.subarray(this.at, this.end);
  }
}

/** The binary is not one that can be metered, as far as is known here. */
export class WasmFormatError extends Error {
  override readonly name = 'WasmFormatError';
}

/** Grows as it is written. */
export class WasmWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  byte(byte: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
    return this;
  }

  number(number: number): this {
    let rest = number >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  put(bytes: ArrayLike<number>): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Bytes that are preceded by how many they are. */
  sized(bytes: ArrayLike<number>): this {
    return this.number(bytes.length).put(bytes);
  }

  text(text: string): this {
    return this.sized(new TextEncoder().encode(text));
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const bytes = new Uint8Array((this.#length + count) * 2);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}
