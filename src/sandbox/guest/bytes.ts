// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { Intrinsics } from './intrinsics.js';

/** Base64 in both directions, which the engine lacks. */
export function createBytes({ GuestBytes, charCodeAt, typedArrayLength }: Intrinsics) {
  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const fromBase64 = new GuestBytes(128);
  for (let index = 0; index < 64; index++) fromBase64[charCodeAt(BASE64, index)] = index;

  function encode(bytes: Uint8Array): string {
    const count = typedArrayLength(bytes);
    let text = '';
    for (let index = 0; index < count; index += 3) {
      const first = bytes[index] as number;
      const second = index + 1 < count ? (bytes[index + 1] as number) : 0;
      const third = index + 2 < count ? (bytes[index + 2] as number) : 0;
      const word = (first << 16) | (second << 8) | third;
      text += BASE64[word >> 18];
      text += BASE64[(word >> 12) & 63];
      text += index + 1 < count ? BASE64[(word >> 6) & 63] : '=';
      text += index + 2 < count ? BASE64[word & 63] : '=';
    }
    return text;
  }

  function decode(text: string): Uint8Array {
    let end = text.length;
    while (end > 0 && text[end - 1] === '=') end--;
    const bytes = new GuestBytes((end * 3) >> 2);
    let word = 0;
    let at = 0;
    for (let index = 0; index < end; index++) {
      word = ((word << 6) | (fromBase64[charCodeAt(text, index)] as number)) & 0xffffff;
      const place = index & 3;
      if (place !== 0) bytes[at++] = (word >> (6 - 2 * place)) & 255;
    }
    return bytes;
  }

  return { encode, decode };
}

export type Bytes = ReturnType<typeof createBytes>;
