import * as crypto from 'node:crypto';
import { toExtendedJson } from './extended-json.js';
import type { Value } from './values.js';

/**
 * One text for equal values: extended JSON with sorted keys and no spaces.
 * Hashes of requests, audit links and large values are made from it, so its
 * form is part of the stored format.
 */
export function canonicalText(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return listText(value);
  const keys = sorted(Object.keys(value));
  return isPlain(value, keys) ? objectText(value, keys) : textOfCopy(value);
}

/** The SHA-256 of `canonicalText(value)`, in lower-case hexadecimal (64 characters). */
export function contentHash(value: Value): string {
  return textHash(canonicalText(value));
}

/**
 * The SHA-256 of a text, in lower-case hexadecimal (64 characters). In one call where the
 * platform has it: half the time for texts of this size.
 */
export const textHash: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => crypto.createHash('sha256').update(text).digest('hex');

function objectText(value: { readonly [key: string]: Value }, keys: readonly string[]): string {
  let text = '';
  for (const key of keys) {
    const item = value[key];
    if (item !== undefined)
      text += `${text === '' ? '{' : ','}${nameText(key)}${canonicalText(item)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function listText(list: readonly (Value | undefined)[]): string {
  let text = '';
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    text += `${at === 0 ? '' : ','}${item === undefined ? 'null' : canonicalText(item)}`;
  }
  return `[${text}]`;
}

/** Sorted in place. Most objects are small: moving their names about costs less than a call of `sort`. */
function sorted(names: string[]): string[] {
  if (names.length > FEW) return names.sort();
  for (let end = 1; end < names.length; end++) {
    const name = names[end] as string;
    let at = end;
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
    names[at] = name;
  }
  return names;
}

const FEW = 40;

/** As `JSON.stringify`, which takes longer for a short text that needs no escape. */
function quoted(text: string): string {
  return text.length < SHORT && UNESCAPED.test(text) ? `"${text}"` : JSON.stringify(text);
}

const SHORT = 80;
const UNESCAPED = /^[ !#-[\]-~]*$/;

/** A name and the colon behind it. They are few and come again and again, unless they are data. */
function nameText(name: string): string {
  const known = nameTexts.get(name);
  if (known !== undefined) return known;
  const text = `${quoted(name)}:`;
  if (nameTexts.size === NAMES_MAX) nameTexts.clear();
  if (name.length < SHORT) nameTexts.set(name, text);
  return text;
}

const NAMES_MAX = 2_000;
const nameTexts = new Map<string, string>();

/**
 * True where keys in their order are all there is to it: no date or bytes, no object that
 * reads like one, and no key that is a number, which the language puts before all others.
 * Digits and the dollar sort before all letters, so the first key tells.
 */
function isPlain(
  value: object,
  keys: readonly string[],
): value is { readonly [key: string]: Value } {
  if (value instanceof Date || value instanceof Uint8Array) return false;
  const [first] = keys;
  return first === undefined || first.charCodeAt(0) > CODE_OF_NINE;
}

const CODE_OF_NINE = 57;

function textOfCopy(value: Value): string {
  return JSON.stringify(sortKeys(toExtendedJson(value)));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Record<string, unknown>;
  const out: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(source).sort()) out[key] = sortKeys(source[key]);
  return out;
}
