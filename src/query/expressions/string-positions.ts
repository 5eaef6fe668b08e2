import { numberOf } from './numbers.js';
import { describe, isNil, listed, type Operators, refuse } from './operator.js';
import { text, textOf } from './strings.js';

/** Parts and places of text, by bytes of UTF-8 or by code points. */
export const STRING_POSITION_OPERATORS: Operators = {
  $substr: listed('$substr', 3, substringBytes),
  $substrBytes: listed('$substrBytes', 3, substringBytes),
  $substrCP: listed('$substrCP', 3, substringPoints),
  $indexOfBytes: listed('$indexOfBytes', [2, 4], indexOfBytes),
  $indexOfCP: listed('$indexOfCP', [2, 4], indexOfPoints),
};

/** True for the second and later bytes of a character. */
function continues(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** A negative length means the rest; neither end may fall inside a character. */
function substringBytes([value, start, length]: readonly unknown[], name: string): string {
  const bytes = Buffer.from(textOf(value, name));
  const from = Math.trunc(numberOf(start, name));
  const count = Math.trunc(numberOf(length, name));
  for (const place of [from, count])
    if (Math.abs(place) > Number.MAX_SAFE_INTEGER)
      refuse(name, 'a place within range', String(place));
  if (from < 0) refuse(name, 'a start from 0', String(from));
  if (from >= bytes.length) return '';
  const to = count < 0 ? bytes.length : Math.min(bytes.length, from + count);
  if (continues(bytes[from])) refuse(name, 'a start between characters', String(from));
  if (continues(bytes[to])) refuse(name, 'an end between characters', String(to));
  return bytes.toString('utf8', from, to);
}

function substringPoints([value, start, length]: readonly unknown[], name: string): string {
  const points = [...textOf(value, name)];
  const from = position(start, name);
  return points.slice(from, from + position(length, name)).join('');
}

function indexOfBytes([input, part, ...range]: readonly unknown[], name: string): number | null {
  if (isNil(input)) return null;
  const bytes = Buffer.from(text(input, name));
  const wanted = Buffer.from(text(part, name));
  const [from, to] = bounds(range, bytes.length, name);
  if (from > bytes.length || to < from) return -1;
  const at = bytes.subarray(0, to).indexOf(wanted, from);
  return wanted.length === 0 ? from : at;
}

function indexOfPoints([input, part, ...range]: readonly unknown[], name: string): number | null {
  if (isNil(input)) return null;
  const points = [...text(input, name)];
  const wanted = text(part, name);
  const [from, to] = bounds(range, points.length, name);
  if (from > points.length || to < from) return -1;
  const rest = points.slice(from).join('');
  const unit = rest.indexOf(wanted);
  const at = unit < 0 ? -1 : from + [...rest.slice(0, unit)].length;
  return at <= to && (at < to || wanted === '') ? at : -1;
}

/** The range to look in: start and end as far as they are given. An end past the text is its end. */
export function bounds(range: readonly unknown[], length: number, name: string): [number, number] {
  const [from = 0, to = length] = range.map((place) => position(place, name));
  return [from, Math.min(to, length)];
}

/** A whole number from 0 that fits 32 bits. */
function position(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0x7fffffff) {
    refuse(name, 'a whole number from 0', describe(value));
  }
  return value as number;
}
