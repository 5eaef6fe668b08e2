import { isPlainObject } from '../base/values.js';

/** A deep copy that may be changed. Dates and bytes are copied too; `undefined` in an array becomes null. */
export function thaw<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return Array.from(value, (item) => (item === undefined ? null : copy(item)));
  if (value instanceof Date) return new Date(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (!isPlainObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) if (value[key] !== undefined) out[key] = copy(value[key]);
  return out;
}
