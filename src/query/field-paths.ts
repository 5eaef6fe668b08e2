import { describe, refuse } from './expressions/operator.js';

/** Checks a path that a stage writes to or reads from. @throws {JdbxError} INVALID_EXPRESSION */
export function checkFieldPath(path: unknown, place: string): asserts path is string {
  if (typeof path !== 'string') refuse(place, 'a path', describe(path));
  const parts = path.split('.');
  if (parts.some((part) => part === '' || !isFieldName(part)))
    refuse(place, 'a path of names', JSON.stringify(path));
  if (parts.length > PARTS_MAX)
    refuse(place, `a path of at most ${PARTS_MAX} names`, String(parts.length));
}

const PARTS_MAX = 200;

/** Names that references to documents have in MongoDB. */
const REFERENCE_NAMES = new Set(['$id', '$ref', '$db']);

/** True when a part of a path can name a field. */
export function isFieldName(part: string): boolean {
  return !part.includes('\0') && (!part.startsWith('$') || REFERENCE_NAMES.has(part));
}
