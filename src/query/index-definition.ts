import { compareValues } from '../base/order.js';
import { isPlainObject, type Value } from '../base/values.js';
import type { IndexDefinition, IndexField, IndexKind } from './contract.js';
import { type Collation, readCollation } from './index-kinds/collation.js';
import { checkKindOptions, readExpiry, readFlag } from './index-kinds/options.js';
import { readPartial } from './index-kinds/partial.js';
import { refuseIndex } from './index-kinds/refuse.js';
import { holdsPath, isWildcardPath, readWildcard } from './index-kinds/wildcard.js';
import { splitPath } from './paths.js';

const FIELDS_MAX = 32;

/**
 * Reads an index document:
 * `{ _id: 'index:pattern.rate', _type: 'index', type: 'pattern', key: { rate: -1 }, unique?, sparse?, partial? }`.
 * The other options are those of MongoDB's `createIndexes`.
 *
 * @throws {JdbxError} INVALID_INDEX, naming the path
 */
export function readIndexDocument(document: unknown): IndexDefinition {
  if (!isPlainObject(document)) refuseIndex('', 'an index document', document);
  const name = readText(document, '_id');
  const type = readText(document, 'type');
  if (document.partialFilterExpression !== undefined)
    refuseIndex('partialFilterExpression', 'the filter under the name partial', 'this option');
  const fields = readFields(document.key);
  const kind = kindOf(fields);
  checkKindOptions(document, kind);
  const definition: IndexDefinition = {
    name,
    type,
    fields,
    kind,
    unique: readFlag(document, 'unique'),
    sparse: readFlag(document, 'sparse'),
    hidden: readFlag(document, 'hidden', false),
    partial: document.partial === undefined ? undefined : readPartial(document.partial),
    collation: readCollationOf(document),
    wildcard: kind === 'wildcard' ? wildcardOf(fields, document) : undefined,
    bounds:
      kind === 'geo' ? [Number(document.min ?? -180), Number(document.max ?? 180)] : undefined,
    expireAfterSeconds: readExpiry(document.expireAfterSeconds, fields, kind),
  };
  checkTogether(definition);
  return Object.freeze(definition);
}

function readText(document: Readonly<Record<string, unknown>>, name: '_id' | 'type'): string {
  const text = document[name];
  if (typeof text !== 'string' || text === '') refuseIndex(name, 'a non-empty string', text);
  return text;
}

const SPECIAL = new Set<unknown>(['hashed', 'text', '2dsphere', '2d']);

function readFields(key: unknown): readonly IndexField[] {
  if (!isPlainObject(key)) refuseIndex('key', 'an object of paths and directions', key);
  const entries = Object.entries(key);
  if (entries.length === 0) refuseIndex('key', 'at least one path', key);
  if (entries.length > FIELDS_MAX)
    refuseIndex('key', `at most ${FIELDS_MAX} paths`, entries.length);
  return Object.freeze(entries.map(([path, direction]) => readField(path, direction)));
}

function readField(path: string, direction: unknown): IndexField {
  const place = `key.${path}`;
  const segments = splitPath(path);
  if (segments.includes('')) refuseIndex(place, 'a path without empty parts', path);
  const names = isWildcardPath(path) ? segments.slice(0, -1) : segments;
  if (names.some((part) => part.startsWith('$'))) refuseIndex(place, 'a path without $', path);
  if (SPECIAL.has(direction)) {
    return Object.freeze({ path, direction: 1, special: direction as IndexField['special'] });
  }
  if (typeof direction !== 'number' || direction === 0 || !Number.isFinite(direction))
    refuseIndex(place, '1 or -1', direction);
  return Object.freeze({ path, direction: direction > 0 ? 1 : -1 });
}

function kindOf(fields: readonly IndexField[]): IndexKind {
  const specials = new Set(fields.flatMap(({ special }) => special ?? []));
  const geo = specials.has('2d') || specials.has('2dsphere');
  if (specials.size > 1) refuseIndex('key', 'one special kind of field', [...specials].join(', '));
  if (specials.has('text')) return 'text';
  if (fields.some(({ path }) => isWildcardPath(path))) {
    if (specials.size > 0) refuseIndex('key', '1 or -1 for a wildcard', [...specials][0]);
    return 'wildcard';
  }
  if (geo) return 'geo';
  return specials.has('hashed') ? 'hashed' : 'ordered';
}

/** A null stands for nothing elsewhere, but here it was meant to be a collation. */
function readCollationOf(document: Readonly<Record<string, unknown>>): Collation | undefined {
  return document.collation === undefined ? undefined : readCollation(document.collation);
}

function wildcardOf(fields: readonly IndexField[], document: Readonly<Record<string, unknown>>) {
  const [field, ...more] = fields.filter(({ path }) => isWildcardPath(path));
  if (!field || more.length > 0) refuseIndex('key', 'one wildcard', more.length + 1);
  const wildcard = readWildcard(field, document.wildcardProjection);
  for (const { path } of fields)
    if (path !== field.path && holdsPath(wildcard, path))
      refuseIndex(`key.${path}`, 'a path that the wildcard leaves out', path);
  return wildcard;
}

/** Options that exclude each other. */
function checkTogether({ fields, kind, ...index }: IndexDefinition): void {
  const hashed = fields.filter(({ special }) => special === 'hashed');
  if (hashed.length > 1) refuseIndex('key', 'one hashed field', hashed.length);
  if (fields.some(({ special }, at) => special === '2d' && at > 0))
    refuseIndex('key', 'the 2d field first', fields.map(({ path }) => path).join(', '));
  if (index.unique && kind !== 'ordered') refuseIndex('unique', 'an index of plain fields', kind);
  if (index.sparse && kind === 'wildcard') refuseIndex('sparse', 'an index of named fields', kind);
  if (index.sparse && index.partial) refuseIndex('sparse', 'sparse or partial', 'both');
  if (index.collation && kind === 'text') refuseIndex('collation', 'none for a text index', 'one');
  const ofId = fields.length === 1 && fields[0]?.path === '_id' && kind === 'ordered';
  if (ofId && (index.partial || index.sparse || index.hidden))
    refuseIndex('key._id', 'no partial, sparse or hidden index of _id', 'one');
}

/**
 * True when two indexes of one type would hold the same: MongoDB knows an index by its
 * fields, its filter, its collation, and whether it is unique or sparse.
 */
export function isSameIndex(left: IndexDefinition, right: IndexDefinition): boolean {
  if (left.type !== right.type) return false;
  if (left.kind === 'text' && right.kind === 'text') return true;
  return compareValues(signature(left), signature(right)) === 0;
}

function signature(index: IndexDefinition): Value {
  const { fields, unique, sparse, partial, collation, wildcard } = index;
  return [
    fields.map(({ path, direction, special }) => [path, special ?? direction]),
    unique,
    sparse,
    partial ?? null,
    collation ? [collation.locale, collation.strength, collation.caseLevel] : null,
    wildcard?.paths ? [...wildcard.paths, wildcard.includes] : null,
  ];
}

/** True when a plan may read the index: it holds what a filter compares, by our order of values. */
export function isPlannable({ kind, hidden, collation }: IndexDefinition): boolean {
  return !hidden && collation === undefined && (kind === 'ordered' || kind === 'hashed');
}
