import type { IndexDefinition } from '../../query/contract.js';
import { readFilter } from '../../query/filter.js';
import type { RetentionPolicy } from './definition.js';

/**
 * What `expireAfterSeconds` of an index asks for: documents go that long after the date in its
 * one field. A partial index speaks of the documents in it alone.
 */
export function expiryOf(definition: IndexDefinition): RetentionPolicy | undefined {
  const { name, type, fields, partial, expireAfterSeconds: seconds } = definition;
  const field = fields[0]?.path;
  if (seconds === undefined || field === undefined) return undefined;
  const matches = partial === undefined ? {} : { matches: readFilter(partial).test };
  return { id: name, type, documents: { ageMs: Math.trunc(seconds) * 1_000, field, ...matches } };
}
