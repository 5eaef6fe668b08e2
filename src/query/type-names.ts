import { JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';

/**
 * The names and numbers of BSON types.
 * https://www.mongodb.com/docs/manual/reference/bson-types/
 */
const NUMBERS: Readonly<Record<string, string>> = {
  '1': 'double', '2': 'string', '3': 'object', '4': 'array', '5': 'binData', '6': 'undefined',
  '7': 'objectId', '8': 'bool', '9': 'date', '10': 'null', '11': 'regex', '12': 'dbPointer',
  '13': 'javascript', '14': 'symbol', '15': 'javascriptWithScope', '16': 'int', '17': 'timestamp',
  '18': 'long', '19': 'decimal', '-1': 'minKey', '127': 'maxKey',
}; // biome-ignore format: a table
const NAMES = new Set([...Object.values(NUMBERS), 'number']);

export function isTypeName(name: string): boolean {
  return NAMES.has(name) && name !== 'number';
}

export function typeOfNumber(number: number): string | undefined {
  return NUMBERS[String(number)];
}

/** The type names of a `$type` operand. @throws {JdbxError} INVALID_FILTER */
export function readTypes(operand: unknown, path: string): ReadonlySet<string> {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) refuse(path, 'an empty array');
  return new Set(list.map((item) => readType(item, path)));
}

function readType(item: unknown, path: string): string {
  const name = typeof item === 'number' ? NUMBERS[String(item)] : item;
  if (typeof name !== 'string' || !NAMES.has(name)) refuse(path, JSON.stringify(item) ?? 'nothing');
  return name;
}

/** True when the value is of one of the types. JSON has one number: it is every number type it fits. */
export function isOfType(value: unknown, types: ReadonlySet<string>): boolean {
  if (typeof value === 'number') return isNumberOfType(value, types);
  return types.has(typeName(value));
}

function isNumberOfType(value: number, types: ReadonlySet<string>): boolean {
  if (types.has('number')) return true;
  if (isSmall(value)) return types.has('int');
  return types.has('double') || (Number.isInteger(value) && types.has('long'));
}

function isSmall(value: number): boolean {
  return Number.isInteger(value) && (value | 0) === value;
}

/** A number is an int when it fits 32 bits, a long when it is whole and fits 64, else a double. */
function numberName(value: number): string {
  if (isSmall(value)) return 'int';
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'long' : 'double';
}

/** The name of a value's type; `missing` when there is none. */
export function typeName(value: unknown): string {
  if (typeof value === 'number') return numberName(value);
  if (value instanceof RegExp) return 'regex';
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (value instanceof Uint8Array) return 'binData';
  return isPlainObject(value) ? 'object' : 'missing';
}

function refuse(path: string, got: string): never {
  throw new JdbxError('INVALID_FILTER', `expected the name or number of a type, got ${got}`, {
    path,
  });
}
