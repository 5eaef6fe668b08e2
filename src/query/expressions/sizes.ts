import { isPlainObject } from '../../base/values.js';
import { describe, type Operators, refuse, unary } from './operator.js';

/** How many bytes a value takes, in MongoDB's stored form. https://bsonspec.org/spec.html */
export const SIZE_OPERATORS: Operators = {
  $binarySize: unary('$binarySize', (value, name) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    return value instanceof Uint8Array
      ? value.length
      : refuse(name, 'text or bytes', describe(value));
  }),
  $bsonSize: unary('$bsonSize', (value, name) =>
    isPlainObject(value) ? documentSize(value) : refuse(name, 'an object', describe(value)),
  ),
};

/** Its length, each property as type, name and value, and an end. */
function documentSize(object: object): number {
  const parts = Object.entries(object).map(
    ([name, value]) => 2 + Buffer.byteLength(name) + valueSize(value),
  );
  return parts.reduce((sum, part) => sum + part, 5);
}

function valueSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 5 + Buffer.byteLength(value);
    case 'boolean':
      return 1;
    case 'number':
      return (value | 0) === value ? 4 : 8;
    default:
      return sizeOfObject(value);
  }
}

function sizeOfObject(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (value instanceof Date) return 8;
  return value instanceof Uint8Array ? 5 + value.length : documentSize(value);
}
