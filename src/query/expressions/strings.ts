import { compareStrings } from '../../base/order.js';
import { describe, isNil, listed, named, type Operators, refuse } from './operator.js';

/**
 * Text, as MongoDB has it: case is of ASCII letters only, positions are bytes of
 * UTF-8 or code points.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/#string-expression-operators
 */
export const STRING_OPERATORS: Operators = {
  $concat: listed('$concat', [0, Number.POSITIVE_INFINITY], concat),
  $toUpper: listed('$toUpper', 1, ([value], name) => upper(textOf(value, name))),
  $toLower: listed('$toLower', 1, ([value], name) => lower(textOf(value, name))),
  $strcasecmp: listed('$strcasecmp', 2, ([left, right], name) =>
    Math.sign(compareStrings(upper(textOf(left, name)), upper(textOf(right, name)))),
  ),
  $strLenBytes: listed('$strLenBytes', 1, ([value], name) => Buffer.byteLength(text(value, name))),
  $strLenCP: listed('$strLenCP', 1, ([value], name) => [...text(value, name)].length),
  $split: listed('$split', 2, split),
  $replaceOne: replacer('$replaceOne', (input, find, by) => input.replace(find, () => by)),
  $replaceAll: replacer('$replaceAll', (input, find, by) => input.replaceAll(find, () => by)),
  $trim: trimmer('$trim', true, true),
  $ltrim: trimmer('$ltrim', true, false),
  $rtrim: trimmer('$rtrim', false, true),
};

function concat(parts: readonly unknown[], name: string): string | null {
  let out = '';
  for (const part of parts) {
    if (isNil(part)) return null;
    out += text(part, name);
  }
  return out;
}

/** A string and nothing else. */
export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') refuse(name, 'a string', describe(value));
  return value;
}

/** What the older operators take as text: numbers and dates too, and nothing as empty. */
export function textOf(value: unknown, name: string): string {
  if (isNil(value)) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number') return shortText(value);
  return text(value, name);
}

/** As conversions write numbers: with an exponent from 1e16 on and below 1e-4. */
export function numberText(value: number): string {
  const named = notFinite(value);
  if (named !== undefined) return named;
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  return withExponent(value.toExponential());
}

/** As the older operators write numbers: six digits, unless it is a whole one of 32 bits. */
function shortText(value: number): string {
  const named = notFinite(value);
  if (named !== undefined) return named;
  if ((value | 0) === value) return String(value);
  const text = value.toPrecision(6);
  const size = Math.abs(value);
  if (size >= 1e-4 && !text.includes('e')) return text.replace(/\.?0+$/, '');
  return withExponent(value.toExponential(5).replace(/\.?0+e/, 'e'));
}

function notFinite(value: number): string | undefined {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? undefined : String(value);
}

/** An exponent has two digits at least. */
function withExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function upper(input: string): string {
  return input.replace(/[a-z]+/g, (part) => part.toUpperCase());
}

function lower(input: string): string {
  return input.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

function split([input, separator]: readonly unknown[], name: string): string[] | null {
  if (isNil(input) || isNil(separator)) return null;
  if (text(separator, name) === '') refuse(name, 'a separator', 'empty text');
  return text(input, name).split(separator as string);
}

function replacer(name: string, replace: (input: string, find: string, by: string) => string) {
  return named(name, ['input!', 'find!', 'replacement!'], ({ input, find, replacement }) => {
    const parts = [input, find, replacement];
    for (const part of parts) if (!isNil(part)) text(part, name);
    if (parts.some(isNil)) return null;
    return replace(input as string, find as string, replacement as string);
  });
}

const SPACES =
  '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a';

function trimmer(name: string, start: boolean, end: boolean) {
  return named(name, ['input!', 'chars'], ({ input, chars }, given) => {
    if (isNil(input)) return null;
    text(input, name);
    if (given('chars') && isNil(chars)) return null;
    const points = [...(input as string)];
    const drop = new Set(given('chars') ? text(chars, name) : SPACES);
    let [from, to] = [0, points.length];
    while (start && from < to && drop.has(points[from] as string)) from++;
    while (end && to > from && drop.has(points[to - 1] as string)) to--;
    return points.slice(from, to).join('');
  });
}
