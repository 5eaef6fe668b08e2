import { JdbxError } from './errors.js';
import { isPlainObject, type Value } from './values.js';

/**
 * The text form of values: JSON, with MongoDB Extended JSON (v2, relaxed) for
 * what JSON lacks: `{"$date": "2026-01-31T10:00:00.000Z"}` and
 * `{"$binary": {"base64": "…", "subType": "00"}}`.
 * https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
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
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, toExtendedJson(item as Value)]),
    );
  }
  return value;
}

/** The inverse of `toExtendedJson`, over parsed JSON. */
export function fromExtendedJson(json: unknown, path = ''): unknown {
  if (Array.isArray(json)) {
    return json.map((item, index) => fromExtendedJson(item, `${path}${path && '.'}${index}`));
  }
  if (!isPlainObject(json)) return json;
  const keys = Object.keys(json);
  if (keys.length === 1 && keys[0] === '$date') return readDate(json.$date, path);
  if (keys.length === 1 && keys[0] === '$binary') return readBinary(json.$binary, path);
  return Object.fromEntries(
    keys.map((key) => [key, fromExtendedJson(json[key], `${path}${path && '.'}${key}`)]),
  );
}

/** Relaxed form: ISO text from 1970 to 9999, else milliseconds as text. */
function dateText(date: Date): unknown {
  const year = date.getUTCFullYear();
  return year >= 1970 && year <= 9999
    ? date.toISOString()
    : { $numberLong: String(date.getTime()) };
}

function readDate(source: unknown, path: string): Date {
  const time =
    isPlainObject(source) && typeof source.$numberLong === 'string'
      ? Number(source.$numberLong)
      : typeof source === 'string'
        ? Date.parse(source)
        : typeof source === 'number'
          ? source
          : Number.NaN;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected a date in $date', { path });
  }
  return date;
}

function readBinary(source: unknown, path: string): Uint8Array {
  const text = isPlainObject(source) ? source.base64 : source;
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected base64 text in $binary', { path });
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}
