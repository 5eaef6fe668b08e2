import type { NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { checkId, newId } from '../base/ids.js';
import {
  describeType,
  isPlainObject,
  type SizedValue,
  takeMadeValue,
  takeSizedValue,
  type ValueObject,
} from '../base/values.js';

export const DOCUMENT_BYTES_MAX = 16 * 2 ** 20;
const TYPE_LENGTH_MAX = 200;

/** A document as a writer handed it in: copied, frozen and checked, its revision not yet given. */
export interface TakenDocument {
  readonly id: string;
  readonly type: string;
  /** Asks that the current revision be this one. */
  readonly rev: number | undefined;
  /** What was handed in: every other field, and these as far as they were given. */
  readonly fields: ValueObject;
  /** A rough size, for the cache. */
  readonly bytes: number;
  /** False when it holds a date or bytes, which cannot be frozen. */
  readonly shareable: boolean;
}

/** @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE */
export function takeDocument(input: NewDocument): TakenDocument {
  if (!isPlainObject(input)) {
    throw new JdbxError('INVALID_DOCUMENT', `expected an object, got ${describeType(input)}`);
  }
  return checked(takeSizedValue(input));
}

/**
 * The same of a document that this program made of what was taken before: the parts of it that
 * are frozen are used as they are.
 *
 * @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE
 */
export function takeMade(input: object): TakenDocument {
  return checked(takeMadeValue(input));
}

function checked({ value, bytes, shareable }: SizedValue): TakenDocument {
  const fields = value as ValueObject;
  const { _id, _type, _rev } = fields;
  checkType(_type);
  checkRev(_rev);
  checkSize(bytes);
  const id = _id === undefined ? newId(_type) : _id;
  checkId(id);
  return { id, type: _type, rev: _rev, fields, bytes, shareable };
}

function checkType(type: unknown): asserts type is string {
  if (typeof type !== 'string' || type === '' || type.length > TYPE_LENGTH_MAX) {
    throw new JdbxError(
      'INVALID_DOCUMENT',
      `expected a string of 1 to ${TYPE_LENGTH_MAX} characters, got ${describeType(type)}`,
      { path: '_type' },
    );
  }
}

function checkRev(rev: unknown): asserts rev is number | undefined {
  if (rev === undefined || (Number.isSafeInteger(rev) && (rev as number) > 0)) return;
  throw new JdbxError('INVALID_DOCUMENT', `expected a positive integer, got ${String(rev)}`, {
    path: '_rev',
  });
}

function checkSize(bytes: number): void {
  if (bytes <= DOCUMENT_BYTES_MAX) return;
  throw new JdbxError(
    'DOCUMENT_TOO_LARGE',
    `expected at most ${DOCUMENT_BYTES_MAX} bytes, got about ${bytes}`,
  );
}
