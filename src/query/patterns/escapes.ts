import { literal, property, shorthand } from './char-sets.js';
import type { Scanner } from './scanner.js';

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7 };

/** The characters that an escape stands for, in JavaScript's class syntax. */
export interface Members {
  readonly text: string;
  readonly negated: boolean;
  /** The character, where it is one. */
  readonly point?: number;
}

/** A class such as `\d`, or one character, behind its backslash. */
export function readMembers(scanner: Scanner, unicode: boolean): Members {
  const kind = scanner.take(/[dwshvDWSHV]/y)?.[0];
  if (kind) {
    const text = shorthand(kind.toLowerCase(), unicode) as string;
    return { text, negated: kind !== kind.toLowerCase() };
  }
  const named = scanner.take(/([pP])(?:\{(\^?)(\w+)\}|(\w))/y);
  if (named) return { text: propertyMembers(scanner, named), negated: false };
  const point = escapedPoint(scanner);
  return { text: literal(point), negated: false, point };
}

function propertyMembers(
  scanner: Scanner,
  [, letter, caret, long, short]: RegExpExecArray,
): string {
  const negated = (letter === 'P') !== (caret === '^');
  const text = property((long ?? short) as string, negated);
  return text ?? scanner.fail(`the unknown property ${long ?? short}`);
}

function escapedPoint(scanner: Scanner): number {
  const hexadecimal = scanner.take(/x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{0,2}))/y);
  if (hexadecimal) return Number.parseInt(hexadecimal[1] ?? (hexadecimal[2] || '0'), 16);
  const octal = scanner.take(/0[0-7]{0,2}/y);
  if (octal) return Number.parseInt(octal[0], 8);
  const control = scanner.take(/c([A-Za-z])/y);
  if (control) return (control[1] as string).toUpperCase().charCodeAt(0) - 64;
  if (scanner.next === undefined) scanner.fail('a \\ at the end');
  const char = scanner.next;
  const known = ESCAPES[char];
  if (known === undefined && /[A-Za-z]/.test(char)) scanner.fail(`the unknown escape \\${char}`);
  const point = scanner.point();
  return known ?? point;
}
