import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../../base/values.js';
import { readFilter } from '../../query/filter.js';

/** Which documents of a type go. A document goes when any of the bounds says so. */
export interface DocumentBounds {
  readonly ageMs?: number;
  /** Age and order are by this date; without it, by the time of the commit that wrote the document. */
  readonly field?: string;
  readonly newest?: number;
  /** `newest` counts for each value of this field. */
  readonly per?: string;
  /** Documents that it does not let through stay, and are not counted. */
  readonly matches?: (document: Document) => boolean;
}

export interface Bounds {
  readonly ageMs?: number;
  readonly newest?: number;
}

export interface RetentionPolicy {
  /** Of the document that asks for it. */
  readonly id: string;
  readonly type?: string;
  readonly documents?: DocumentBounds;
  readonly revisions?: Bounds;
  readonly log?: Bounds;
}

const DOCUMENT_KEYS = ['age_seconds', 'field', 'newest', 'per', 'where'];
const BOUND_KEYS = ['age_seconds', 'newest'];
const KEYS = ['_id', '_type', '_rev', 'description', 'type', 'documents', 'revisions', 'log'];

/**
 * Reads a retention document:
 *
 *   { _type: 'retention', type: 'call',
 *     documents: { age_seconds?, newest?, field?, per?, where? },
 *     revisions: { age_seconds?, newest? } }
 *   { _type: 'retention', log: { age_seconds?, newest? } }
 *
 * @throws {JdbxError} INVALID_DOCUMENT at the path
 */
export function readRetention(document: Document): RetentionPolicy {
  checkKeys(document, KEYS, '');
  const { _id: id, type, documents, revisions, log } = document;
  const parts = [documents, revisions, log].filter((part) => part !== undefined);
  if (parts.length === 0) refuse('documents', 'documents, revisions or log', 'none of them');
  if (type !== undefined || documents !== undefined || revisions !== undefined) {
    if (typeof type !== 'string' || type === '') refuse('type', "a type's name", describe(type));
  }
  if (type === 'audit' && revisions !== undefined) {
    refuse('revisions', 'no revisions of audit documents', describe(revisions));
  }
  return {
    id,
    ...(typeof type === 'string' ? { type } : {}),
    ...(documents === undefined ? {} : { documents: readDocuments(documents, type === 'audit') }),
    ...(revisions === undefined ? {} : { revisions: readBounds(revisions, 'revisions') }),
    ...(log === undefined ? {} : { log: readBounds(log, 'log') }),
  };
}

function readDocuments(value: unknown, isAudit: boolean): DocumentBounds {
  const part = readPart(value, 'documents', isAudit ? BOUND_KEYS : DOCUMENT_KEYS);
  const { field, per, where } = part;
  for (const [name, path] of Object.entries({ field, per })) {
    if (path !== undefined) checkPath(path, `documents.${name}`);
  }
  if (per !== undefined && part.newest === undefined) {
    refuse('documents.newest', 'a number of documents for each value of per', 'none');
  }
  return {
    ...boundsOf(part, 'documents', field === undefined ? 'positive' : 'zero'),
    ...(field === undefined ? {} : { field: field as string }),
    ...(per === undefined ? {} : { per: per as string }),
    ...(where === undefined ? {} : { matches: readWhere(where) }),
  };
}

function readBounds(value: unknown, path: string): Bounds {
  return boundsOf(readPart(value, path, BOUND_KEYS), path, 'zero');
}

function readPart(value: unknown, path: string, keys: readonly string[]): ValueObject {
  if (!isPlainObject(value)) refuse(path, 'an object', describe(value));
  checkKeys(value, keys, `${path}.`);
  if (value.age_seconds === undefined && value.newest === undefined) {
    refuse(path, 'age_seconds, newest, or both', 'neither');
  }
  return value as ValueObject;
}

function boundsOf(part: ValueObject, path: string, least: 'zero' | 'positive'): Bounds {
  const { age_seconds: age, newest } = part;
  if (age !== undefined) {
    const fits = typeof age === 'number' && (least === 'zero' ? age >= 0 : age > 0);
    const what = least === 'zero' ? 'a number from 0 on' : 'a number above 0';
    if (!fits) refuse(`${path}.age_seconds`, what, describe(age));
  }
  if (newest !== undefined && !(Number.isSafeInteger(newest) && (newest as number) > 0)) {
    refuse(`${path}.newest`, 'a whole number from 1 on', describe(newest));
  }
  return {
    ...(age === undefined ? {} : { ageMs: (age as number) * 1_000 }),
    ...(newest === undefined ? {} : { newest: newest as number }),
  };
}

function readWhere(where: unknown): (document: Document) => boolean {
  try {
    return readFilter(where).test;
  } catch (cause) {
    throw new JdbxError('INVALID_DOCUMENT', (cause as Error).message, {
      path: 'documents.where',
      cause,
    });
  }
}

function checkPath(path: unknown, place: string): void {
  const isPath =
    typeof path === 'string' && path.split('.').every((part) => part !== '' && part[0] !== '$');
  if (!isPath) refuse(place, "a field's path", describe(path));
}

function checkKeys(value: object, known: readonly string[], path: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) refuse(`${path}${unknown}`, `one of ${known.join(', ')}`, unknown);
}

function describe(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string'
    ? JSON.stringify(value)
    : describeType(value);
}

function refuse(path: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${got}`, { path });
}
