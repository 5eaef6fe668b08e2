import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import type { IndexDefinition, IndexField } from './contract.js';
import { readFilter } from './filter.js';
import { splitPath } from './paths.js';

const FIELDS_MAX = 32;

const PLAIN = 'an index of plain paths, upward or downward';

/** Options of MongoDB that would change answers or effects; to pass over them would mislead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  hidden: 'an index that is used, or none',
  collation: 'comparison by code points',
  partialFilterExpression: 'the filter under the name partial',
  wildcardProjection: PLAIN,
  weights: PLAIN,
  default_language: PLAIN,
  language_override: PLAIN,
  textIndexVersion: PLAIN,
  '2dsphereIndexVersion': PLAIN,
  bits: PLAIN,
  min: PLAIN,
  max: PLAIN,
};

/**
 * Reads an index document:
 * `{ _id: 'index:pattern.rate', _type: 'index', type: 'pattern', key: { rate: -1 }, unique?, sparse?, partial? }`.
 *
 * @throws {JdbxError} INVALID_INDEX, naming the path
 */
export function readIndexDocument(document: unknown): IndexDefinition {
  if (!isPlainObject(document)) refuse('', 'an index document', describeType(document));
  const { _id: name, type, partial } = document;
  if (typeof name !== 'string' || name === '')
    refuse('_id', 'a non-empty string', describeType(name));
  if (typeof type !== 'string' || type === '')
    refuse('type', 'a non-empty string', describeType(type));
  for (const [option, text] of Object.entries(UNSUPPORTED)) {
    if (document[option] !== undefined) refuse(option, text, 'this option');
  }
  return Object.freeze({
    name,
    type,
    fields: readFields(document.key),
    unique: readFlag(document, 'unique'),
    sparse: readFlag(document, 'sparse'),
    partial: partial === undefined ? undefined : readPartial(partial),
  });
}

function readFields(key: unknown): readonly IndexField[] {
  if (!isPlainObject(key)) refuse('key', 'an object of paths and directions', describeType(key));
  const entries = Object.entries(key);
  if (entries.length === 0) refuse('key', 'at least one path', 'none');
  if (entries.length > FIELDS_MAX)
    refuse('key', `at most ${FIELDS_MAX} paths`, String(entries.length));
  return Object.freeze(entries.map(([path, direction]) => readField(path, direction)));
}

function readField(path: string, direction: unknown): IndexField {
  const place = `key.${path}`;
  const segments = splitPath(path);
  if (segments.includes('')) refuse(place, 'a path without empty parts', JSON.stringify(path));
  if (segments.some((part) => part.startsWith('$'))) refuse(place, 'a path without $', path);
  if (direction !== 1 && direction !== -1) refuse(place, '1 or -1', JSON.stringify(direction));
  return Object.freeze({ path, direction });
}

function readFlag(document: Record<string, unknown>, name: 'unique' | 'sparse'): boolean {
  const flag = document[name] === undefined ? false : document[name];
  if (typeof flag !== 'boolean') refuse(name, 'true or false', describeType(flag));
  return flag;
}

function readPartial(partial: unknown): ValueObject {
  try {
    readFilter(partial);
  } catch (cause) {
    throw new JdbxError('INVALID_INDEX', (cause as Error).message, { path: 'partial', cause });
  }
  return partial as ValueObject;
}

function refuse(path: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_INDEX', `expected ${expected}, got ${got}`, { path });
}
