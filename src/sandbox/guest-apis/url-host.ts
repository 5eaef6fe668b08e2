import type { GuestApi, Use } from './use.js';

/**
 * Hosts of URLs (https://url.spec.whatwg.org/#host-parsing): domains, IPv4 and IPv6
 * addresses, opaque hosts. Of internationalised domains it does what the language has:
 * NFKC, lower case and punycode, without the tables of UTS #46.
 */
export function urlHostApi(use: Use): GuestApi['urlHost'] {
  const { TextDecoder, TextEncoder } = use('textCoding');

  /** Percent-decodes to bytes, then reads these as UTF-8. */
  function percentDecode(text: string): string {
    if (!text.includes('%')) return text;
    const encoded = new TextEncoder().encode(text);
    const bytes: number[] = [];
    for (let at = 0; at < encoded.length; at++) {
      const byte = encoded[at] as number;
      const digits = String.fromCharCode(...encoded.subarray(at + 1, at + 3));
      if (byte === 37 && /^[0-9a-f]{2}$/i.test(digits)) {
        bytes.push(Number.parseInt(digits, 16));
        at += 2;
      } else bytes.push(byte);
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes));
  }

  /** Percent-encodes as UTF-8 what `mustEncode` says; everything outside of ASCII too. */
  function percentEncode(text: string, mustEncode: RegExp): string {
    let result = '';
    for (const character of text) {
      if (character > '~' || character < ' ') {
        const isAscii = character < '\x80';
        const code = character.charCodeAt(0);
        result += isAscii
          ? `%${code.toString(16).toUpperCase().padStart(2, '0')}`
          : encodeURIComponent(character);
      } else if (mustEncode.test(character)) {
        result += `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
      } else result += character;
    }
    return result;
  }

  /** RFC 3492: the part of an ASCII label after `xn--`. */
  function punycode(label: string): string {
    const codes = Array.from(label, (character) => character.codePointAt(0) as number);
    const basic = codes.filter((code) => code < 128);
    let result = String.fromCharCode(...basic) + (basic.length > 0 ? '-' : '');
    let n = 128;
    let delta = 0;
    let bias = 72;
    let done = basic.length;
    while (done < codes.length) {
      const next = Math.min(...codes.filter((code) => code >= n));
      delta += (next - n) * (done + 1);
      n = next;
      for (const code of codes) {
        if (code < n) delta++;
        if (code !== n) continue;
        result += variableLength(delta, bias);
        bias = adapt(delta, done + 1, done === basic.length);
        delta = 0;
        done++;
      }
      delta++;
      n++;
    }
    return result;
  }

  function variableLength(delta: number, bias: number): string {
    const DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789';
    let result = '';
    let left = delta;
    for (let k = 36; ; k += 36) {
      const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
      if (left < threshold) return result + DIGITS[left];
      result += DIGITS[threshold + ((left - threshold) % (36 - threshold))];
      left = Math.floor((left - threshold) / (36 - threshold));
    }
  }

  function adapt(delta: number, count: number, isFirst: boolean): number {
    let left = isFirst ? Math.floor(delta / 700) : delta >> 1;
    left += Math.floor(left / count);
    let k = 0;
    while (left > 455) {
      left = Math.floor(left / 35);
      k += 36;
    }
    return k + Math.floor((36 * left) / (left + 38));
  }

  function toAscii(domain: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
    if (/^[\x00-\x7f]*$/.test(domain)) return domain.toLowerCase();
    const mapped = domain
      .replace(/[\u00ad\u200b\u2060\ufeff]/g, '')
      .normalize('NFKC')
      .toLowerCase()
      .normalize('NFKC')
      .replace(/[\u3002\uff0e\uff61]/g, '.');
    return (
      mapped
        .split('.')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
        .map((label) => (/[^\x00-\x7f]/.test(label) ? `xn--${punycode(label)}` : label))
        .join('.')
    );
  }

  /** The number that a part of an IPv4 address stands for. */
  function numberOf(part: string): number | undefined {
    if (/^0x[0-9a-f]*$/i.test(part)) return Number.parseInt(part.slice(2) || '0', 16);
    if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
    return /^[1-9][0-9]*$/.test(part) ? Number(part) : undefined;
  }

  function endsInNumber(host: string): boolean {
    const parts = host.split('.');
    if (parts.at(-1) === '' && parts.length > 1) parts.pop();
    const last = parts.at(-1) as string;
    return /^[0-9]+$/.test(last) || /^0x[0-9a-f]*$/i.test(last);
  }

  function parseIpv4(host: string): string | undefined {
    const parts = host.split('.');
    if (parts.at(-1) === '' && parts.length > 1) parts.pop();
    if (parts.length > 4) return undefined;
    const numbers = parts.map(numberOf);
    const last = numbers.pop();
    if (last === undefined || last >= 256 ** (4 - numbers.length)) return undefined;
    let address = last;
    for (const [index, number] of numbers.entries()) {
      if (number === undefined || number > 255) return undefined;
      address += number * 256 ** (3 - index);
    }
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
  }

  /** Eight pieces out of a text; an address of IPv4 may stand for the last two. */
  function piecesOf(text: string): number[] | undefined {
    const halves = text.split('::');
    if (halves.length > 2) return undefined;
    const sides = halves.map((half, side) => piecesOfHalf(half, side === halves.length - 1));
    const [first, second] = sides;
    if (!first) return undefined;
    if (halves.length === 1) return first.length === 8 ? first : undefined;
    if (!second || first.length + second.length > 7) return undefined;
    return [...first, ...new Array(8 - first.length - second.length).fill(0), ...second];
  }

  function piecesOfHalf(half: string, isLast: boolean): number[] | undefined {
    if (half === '') return [];
    const pieces: number[] = [];
    const parts = half.split(':');
    for (const [index, part] of parts.entries()) {
      if (isLast && index === parts.length - 1 && part.includes('.')) {
        const bytes = part
          .split('.')
          .map((byte) => (/^(?:0|[1-9]\d{0,2})$/.test(byte) ? +byte : 256));
        if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) return undefined;
        const [a, b, c, d] = bytes as [number, number, number, number];
        pieces.push(a * 256 + b, c * 256 + d);
      } else {
        if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
        pieces.push(Number.parseInt(part, 16));
      }
    }
    return pieces;
  }

  /** The longest run of two or more zeros becomes `::`. */
  function serializeIpv6(pieces: readonly number[]): string {
    let start = -1;
    let length = 1;
    for (let at = 0; at < 8; at++) {
      let end = at;
      while (end < 8 && pieces[end] === 0) end++;
      if (end - at > length) [start, length] = [at, end - at];
    }
    const hex = (part: readonly number[]) => part.map((piece) => piece.toString(16)).join(':');
    if (start < 0) return hex(pieces);
    return `${hex(pieces.slice(0, start))}::${hex(pieces.slice(start + length))}`;
  }

  /** The host as URLs write it; undefined when it is none. */
  function parseHost(text: string, isOpaque: boolean): string | undefined {
    if (text.startsWith('[')) {
      const pieces = text.endsWith(']') ? piecesOf(text.slice(1, -1)) : undefined;
      return pieces && `[${serializeIpv6(pieces)}]`;
    }
    if (isOpaque) {
      if (/[\0\t\n\r #/:<>?@[\\\]^|]/.test(text)) return undefined;
      return percentEncode(text, /[^\s\S]/);
    }
    const domain = toAscii(percentDecode(text));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (domain === '' || /[\x00-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(domain)) return undefined;
    return endsInNumber(domain) ? parseIpv4(domain) : domain;
  }
  return { parseHost, percentDecode, percentEncode };
}
