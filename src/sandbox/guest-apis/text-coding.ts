import type { GuestApi } from './use.js';

/** `TextEncoder` and `TextDecoder` for UTF-8 (https://encoding.spec.whatwg.org/). */
export function textCodingApi(): GuestApi['textCoding'] {
  const CHUNK = 4096;
  const LABELS = /^(?:unicode-1-1-utf-8|unicode11utf8|unicode20utf8|utf-8|utf8|x-unicode20utf8)$/i;

  /** Bytes of a text, in which a lone surrogate counts as U+FFFD. */
  function byteLength(text: string): number {
    let count = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.codePointAt(at) as number;
      if (code > 0xffff) at++;
      count += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    }
    return count;
  }

  /** Writes whole characters until one has no room. */
  function write(text: string, bytes: Uint8Array): { read: number; written: number } {
    let to = 0;
    let at = 0;
    while (at < text.length) {
      const found = text.codePointAt(at) as number;
      const units = found > 0xffff ? 2 : 1;
      const code = found >= 0xd800 && found <= 0xdfff ? 0xfffd : found;
      const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (to + size > bytes.length) break;
      if (size === 1) bytes[to++] = code;
      else {
        bytes[to++] = (0xf00 >> size) | (code >> (6 * (size - 1)));
        for (let left = size - 2; left >= 0; left--)
          bytes[to++] = 0x80 | ((code >> (6 * left)) & 63);
      }
      at += units;
    }
    return { read: at, written: to };
  }

  class TextEncoder {
    get encoding(): string {
      return 'utf-8';
    }

    encode(input: unknown = ''): Uint8Array {
      const text = String(input);
      const bytes = new Uint8Array(byteLength(text));
      write(text, bytes);
      return bytes;
    }

    encodeInto(source: unknown, destination: Uint8Array): { read: number; written: number } {
      if (!(destination instanceof Uint8Array)) throw new TypeError('expected a Uint8Array');
      return write(String(source), destination);
    }
  }

  function bytesOf(input: unknown): Uint8Array {
    if (input === undefined) return new Uint8Array(0);
    if (ArrayBuffer.isView(input)) {
      return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    }
    if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) {
      return new Uint8Array(input as ArrayBuffer);
    }
    throw new TypeError('expected an ArrayBuffer or a view of one');
  }

  /** The decoder of the standard, byte by byte, so that text may end inside a character. */
  class TextDecoder {
    readonly #fatal: boolean;
    readonly #ignoreBOM: boolean;
    #needed = 0;
    #seen = 0;
    #code = 0;
    #lower = 0x80;
    #upper = 0xbf;
    #isStreaming = false;
    #bomSeen = false;
    #text = '';
    #units: number[] = [];

    constructor(label: unknown = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
      if (!LABELS.test(String(label).trim())) {
        throw new RangeError(`expected the encoding utf-8, got ${String(label)}`);
      }
      this.#fatal = Boolean(options.fatal);
      this.#ignoreBOM = Boolean(options.ignoreBOM);
    }

    get encoding(): string {
      return 'utf-8';
    }

    get fatal(): boolean {
      return this.#fatal;
    }

    get ignoreBOM(): boolean {
      return this.#ignoreBOM;
    }

    decode(input?: unknown, options: { stream?: boolean } = {}): string {
      const bytes = bytesOf(input);
      if (!this.#isStreaming) this.#reset();
      this.#isStreaming = Boolean(options.stream);
      this.#text = '';
      this.#units = [];
      for (let at = 0; at < bytes.length; at++) if (this.#take(bytes[at] as number)) at--;
      if (!this.#isStreaming && this.#needed > 0) {
        this.#needed = 0;
        this.#fault();
      }
      this.#flush();
      return this.#text;
    }

    #reset(): void {
      this.#startCharacter();
      this.#bomSeen = false;
    }

    #startCharacter(): void {
      this.#needed = this.#seen = this.#code = 0;
      this.#lower = 0x80;
      this.#upper = 0xbf;
    }

    /** True when the byte is to be looked at again, as the first of a character. */
    #take(byte: number): boolean {
      if (this.#needed === 0) {
        this.#begin(byte);
        return false;
      }
      if (byte < this.#lower || byte > this.#upper) {
        this.#startCharacter();
        this.#fault();
        return true;
      }
      this.#lower = 0x80;
      this.#upper = 0xbf;
      this.#code = (this.#code << 6) | (byte & 63);
      if (++this.#seen === this.#needed) {
        const code = this.#code;
        this.#startCharacter();
        this.#emit(code);
      }
      return false;
    }

    #begin(byte: number): void {
      if (byte < 0x80) this.#emit(byte);
      else if (byte < 0xc2 || byte > 0xf4) this.#fault();
      else this.#beginLong(byte);
    }

    #beginLong(byte: number): void {
      if (byte === 0xe0) this.#lower = 0xa0;
      if (byte === 0xed) this.#upper = 0x9f;
      if (byte === 0xf0) this.#lower = 0x90;
      if (byte === 0xf4) this.#upper = 0x8f;
      this.#needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      this.#code = byte & (0x3f >> this.#needed);
    }

    #fault(): void {
      if (this.#fatal) {
        this.#reset();
        this.#isStreaming = false;
        throw new TypeError('expected valid UTF-8');
      }
      this.#emit(0xfffd);
    }

    #emit(code: number): void {
      const isFirst = !this.#bomSeen;
      this.#bomSeen = true;
      if (isFirst && code === 0xfeff && !this.#ignoreBOM) return;
      if (code > 0xffff) {
        this.#units.push(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
      } else this.#units.push(code);
      if (this.#units.length >= CHUNK) this.#flush();
    }

    #flush(): void {
      this.#text += String.fromCharCode.apply(null, this.#units);
      this.#units = [];
    }
  }
  return { TextEncoder, TextDecoder };
}
