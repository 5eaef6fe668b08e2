import { createHash } from 'node:crypto';
import { toExtendedJson } from './extended-json.js';
import type { Value } from './values.js';

/**
 * One text for equal values: extended JSON with sorted keys and no spaces; keys that are whole
 * numbers stand first, by their size. Hashes of requests, audit links and large values are made
 * from it, so its form is part of the stored format.
 */
export function canonicalText(value: Value): string {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return JSON.stringify(value);
    default:
      return value === null ? 'null' : textOfParts(value);
  }
}

/** The SHA-256 of `canonicalText(value)`, in lower-case hexadecimal (64 characters). */
export function contentHash(value: Value): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

/** Written piece by piece, since a copy with sorted keys costs more than its text. */
function textOfParts(value: Exclude<Value, null>): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  if (value instanceof Date || value instanceof Uint8Array) return plainText(value);
  const object = value as { readonly [key: string]: Value };
  const keys = Object.keys(object);
  // A single key may read like a wrapper of extended JSON; whole numbers have an order of their own.
  if (keys.length === 1 ? keys[0]?.startsWith('$') : keys.some(isWholeNumber)) {
    return plainText(value);
  }
  if (keys.length === 0) return '{}';
  let text = '';
  for (const key of keys.sort()) {
    text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${canonicalText(object[key] as Value)}`;
  }
  return `${text}}`;
}

/** JavaScript puts such keys before all others. */
function isWholeNumber(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 48 && first <= 57;
}

function plainText(value: Value): string {
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
