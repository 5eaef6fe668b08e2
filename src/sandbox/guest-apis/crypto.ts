import type { ApiHooks, GuestApi, Use } from './use.js';

/**
 * The part of `crypto` (https://w3c.github.io/webcrypto/) that a replay can repeat: random
 * values come from the run's seed, so they are unique and even, and NOT secret.
 */
export function cryptoApi(use: Use, hooks: ApiHooks): GuestApi['crypto'] {
  const { DOMException } = use('domException');
  const BYTES_MAX = 65_536;
  const ALGORITHMS = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
  const INTEGERS = /^(?:Big)?(?:Int|Uint)\d+(?:Clamped)?Array$/;

  function fill(bytes: Uint8Array): Uint8Array {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = hooks.random32();
      for (let place = 0; place < 4 && at + place < bytes.length; place++) {
        bytes[at + place] = word >>> (8 * place);
      }
    }
    return bytes;
  }

  function getRandomValues<T>(array: T): T {
    const view = array as unknown as Uint8Array;
    if (!ArrayBuffer.isView(view) || !INTEGERS.test(view[Symbol.toStringTag] ?? '')) {
      throw new DOMException('expected an array of integers', 'TypeMismatchError');
    }
    if (view.byteLength > BYTES_MAX) {
      throw new DOMException(`expected at most ${BYTES_MAX} bytes`, 'QuotaExceededError');
    }
    fill(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return array;
  }

  /** Version 4 of RFC 9562. */
  function randomUUID(): string {
    const bytes = fill(new Uint8Array(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  async function digest(algorithm: string | { name: string }, data: unknown): Promise<ArrayBuffer> {
    const name = String(typeof algorithm === 'object' ? algorithm.name : algorithm).toUpperCase();
    if (!ALGORITHMS.includes(name)) {
      throw new DOMException(`expected one of ${ALGORITHMS.join(', ')}`, 'NotSupportedError');
    }
    const hex = hooks.digest(name, copyOf(data));
    const bytes = new Uint8Array(hex.length / 2);
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16);
    }
    return bytes.buffer;
  }

  function copyOf(data: unknown): ArrayBuffer {
    if (data instanceof ArrayBuffer) return data;
    if (!ArrayBuffer.isView(data)) throw new TypeError('expected an ArrayBuffer or a view of one');
    const { byteOffset, byteLength } = data;
    return (data.buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
  }

  const subtle = Object.freeze({ digest });
  return { crypto: Object.freeze({ getRandomValues, randomUUID, subtle }) };
}
