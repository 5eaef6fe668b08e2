import { createHash } from 'node:crypto';
import { toExtendedJson } from './extended-json.js';
import type { Value } from './values.js';

/**
 * One text for equal values: extended JSON with sorted keys and no spaces.
 * Hashes of requests, audit links and large values are made from it, so its
 * form is part of the stored format.
 */
export function canonicalText(value: Value): string {
  return JSON.stringify(sortKeys(toExtendedJson(value)));
}

/** The SHA-256 of `canonicalText(value)`, in lower-case hexadecimal (64 characters). */
export function contentHash(value: Value): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Record<string, unknown>;
  const out: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(source).sort()) out[key] = sortKeys(source[key]);
  return out;
}
