import type { Document } from '../../base/document.js';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The value at a dotted path of plain objects. */
export function valueAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value;
}

/**
 * The time that a field tells, in milliseconds since the epoch: of a date, of an ISO 8601 text
 * with its zone, or of the earliest of several. What tells no time never expires.
 */
export function timeAt(document: Document, path: string): number | undefined {
  const value = valueAt(document, path);
  const times = (Array.isArray(value) ? value : [value]).flatMap((each) => timeOf(each) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string' || !ISO.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
