import type { GuestApi, Use } from './use.js';

/** `atob` and `btoa` (https://infra.spec.whatwg.org/#forgiving-base64). */
export function base64Api(use: Use): GuestApi['base64'] {
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const { DOMException } = use('domException');

  function refuse(text: string): never {
    throw new DOMException(text, 'InvalidCharacterError');
  }

  function btoa(data: unknown): string {
    const text = String(data);
    let result = '';
    for (let at = 0; at < text.length; at += 3) {
      const codes = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
      if (codes.some((code) => code > 255)) refuse('expected characters up to U+00FF');
      const [a, b, c] = codes.map((code) => code || 0) as [number, number, number];
      const word = (a << 16) | (b << 8) | c;
      const digits = [word >> 18, (word >> 12) & 63, (word >> 6) & 63, word & 63];
      const count = Math.min(text.length - at, 3) + 1;
      for (let place = 0; place < 4; place++) {
        result += place < count ? DIGITS[digits[place] as number] : '=';
      }
    }
    return result;
  }

  function atob(data: unknown): string {
    let text = String(data).replace(/[\t\n\f\r ]+/g, '');
    if (text.length % 4 === 0) text = text.replace(/={1,2}$/, '');
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) refuse('expected base64');
    let result = '';
    let word = 0;
    for (let at = 0; at < text.length; at++) {
      word = ((word << 6) | DIGITS.indexOf(text[at] as string)) & 0xffffff;
      const place = at & 3;
      if (place !== 0) result += String.fromCharCode((word >> (6 - 2 * place)) & 255);
    }
    return result;
  }
  return { atob, btoa };
}
