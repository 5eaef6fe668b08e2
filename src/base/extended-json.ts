import { JdbxError } from './errors.js';
import { isPlainObject, type Value } from './values.js';

/**
 * The text form of values: JSON, with MongoDB Extended JSON (v2, relaxed) for
 * what JSON lacks: `{"$date": "2026-01-31T10:00:00.000Z"}` and
 * `{"$binary": {"base64": "…", "subType": "00"}}`.
 * https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
 *
 * A plain object that reads like one of these wrappers is written with one more
 * `$`: the object `{ $date: 'x' }` becomes `{"$$date": "x"}`. Reading takes it
 * off again, so every value comes back equal.
 */
export function stringifyValue(value: Value, indent?: number): string {
  return JSON.stringify(toExtendedJson(value), undefined, indent);
}

/**
 * @throws {SyntaxError} for text that is not JSON
 * @throws {JdbxError} INVALID_DOCUMENT for a malformed `$date` or `$binary`
 */
export function parseValue(text: string): unknown {
  return fromExtendedJson(JSON.parse(text));
}

/** Replaces dates and bytes by their wrappers; every other value stays as it is. */
export function toExtendedJson(value: Value): unknown {
  if (value instanceof Date) return { $date: dateText(value) };
  if (value instanceof Uint8Array) {
    return { $binary: { base64: Buffer.from(value).toString('base64'), subType: '00' } };
  }
  if (Array.isArray(value)) return value.map(toExtendedJson);
  if (isPlainObject(value)) {
    const prefix = WRAPPER_OR_ESCAPED.test(onlyKey(value) ?? '') ? '$' : '';
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [prefix + key, toExtendedJson(item as Value)]),
    );
  }
  return value;
}

/** The inverse of `toExtendedJson`, over parsed JSON. */
export function fromExtendedJson(json: unknown, path = ''): unknown {
  if (Array.isArray(json)) {
    return json.map((item, index) => fromExtendedJson(item, join(path, index)));
  }
  if (!isPlainObject(json)) return json;
  const only = onlyKey(json) ?? '';
  if (only === '$date') return readDate(json.$date, path);
  if (only === '$binary') return readBinary(json.$binary, path);
  const dropped = WRAPPER_OR_ESCAPED.test(only) ? 1 : 0;
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => [
      key.slice(dropped),
      fromExtendedJson(item, join(path, key)),
    ]),
  );
}

const WRAPPER_OR_ESCAPED = /^\$+(?:date|binary)$/;

function onlyKey(object: Record<string, unknown>): string | undefined {
  const keys = Object.keys(object);
  return keys.length === 1 ? keys[0] : undefined;
}

function join(path: string, part: string | number): string {
  return path === '' ? String(part) : `${path}.${part}`;
}

/** Relaxed form: ISO text from 1970 to 9999, else milliseconds as text. */
function dateText(date: Date): unknown {
  const year = date.getUTCFullYear();
  return year >= 1970 && year <= 9999
    ? date.toISOString()
    : { $numberLong: String(date.getTime()) };
}

function readDate(source: unknown, path: string): Date {
  const date = new Date(readTime(source));
  if (Number.isNaN(date.getTime())) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected an ISO 8601 date or milliseconds in $date', {
      path,
    });
  }
  return date;
}

function readTime(source: unknown): number {
  if (typeof source === 'number') return source;
  if (typeof source === 'string') return readIsoTime(source);
  if (!isPlainObject(source) || onlyKey(source) !== '$numberLong') return Number.NaN;
  const text = source.$numberLong;
  return typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** ISO 8601 with a time zone, or a date alone: what reads the same on every machine. */
const ISO_TIME =
  /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/;

/** `Date.parse` alone would also take `"foo 1"`, and read 31 February as 3 March. */
function readIsoTime(text: string): number {
  const [, year, month, day] = ISO_TIME.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  // The calendar repeats every 400 years, and `Date.UTC` mistakes years below 100.
  const lastDay = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  return Number(day) <= lastDay ? Date.parse(text) : Number.NaN;
}

/** With the length's check, canonical base64; one group repeated over megabytes would overflow. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function readBinary(source: unknown, path: string): Uint8Array {
  const text = isPlainObject(source) ? source.base64 : source;
  if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text)) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected base64 text in $binary', { path });
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}
