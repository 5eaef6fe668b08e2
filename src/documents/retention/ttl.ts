import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType } from '../../base/values.js';
import { readFilter } from '../../query/filter.js';
import type { RetentionPolicy } from './definition.js';

const SECONDS_MAX = 2 ** 31 - 1;

/**
 * What `expireAfterSeconds` of an index document asks for: documents go that long after the
 * date in the index's one field. A partial index speaks of the documents in it alone.
 *
 * @throws {JdbxError} INVALID_INDEX
 */
export function readExpiry(document: Document): RetentionPolicy | undefined {
  const { _id: id, type, key, partial, expireAfterSeconds: seconds } = document;
  if (seconds === undefined) return undefined;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= SECONDS_MAX)) {
    const got = typeof seconds === 'number' ? seconds : describeType(seconds);
    refuse(`expected a number from 0 to ${SECONDS_MAX}, got ${got}`);
  }
  const [field, ...others] = Object.keys(key as object);
  if (field === undefined || others.length > 0 || field === '_id') {
    refuse('expected an index of one field other than _id');
  }
  const matches = partial === undefined ? {} : { matches: readFilter(partial).test };
  const documents = { ageMs: Math.trunc(seconds) * 1_000, field, ...matches };
  return { id, type: type as string, documents };
}

function refuse(text: string): never {
  throw new JdbxError('INVALID_INDEX', text, { path: 'expireAfterSeconds' });
}
