/**
 * Keys inside the list are strings with one character a byte (latin1), which
 * V8 stores in one byte a character and compares like bytes. Measured at
 * 200,000 random keys of 18 bytes: 5 ns a comparison against 61 ns for
 * `Buffer.compare` (17 ns for a loop over bytes), and 47 bytes a key against
 * 232 for a `Uint8Array`. Making the bytes again for a covered scan costs
 * 80 ns a key, which is less than the comparisons of one seek.
 */
export function toKeyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

export function fromKeyText(text: string): Uint8Array {
  const key = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) key[at] = text.charCodeAt(at);
  return key;
}

/** For messages: the key in hexadecimal, the first 32 bytes of it. */
export function describeKey(text: string): string {
  const hex = Buffer.from(text.slice(0, 32), 'latin1').toString('hex');
  return text.length > 32 ? `${hex}… (${text.length} bytes)` : hex;
}
