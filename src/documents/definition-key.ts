import { readFileSync } from 'node:fs';
import { contentHash } from '../base/canonical.js';
import { toExtendedJson } from '../base/extended-json.js';
import type { ValueObject } from '../base/values.js';
import type { IndexDefinition } from '../query/contract.js';

/** Raise it when a document and a definition come to give other keys than before. */
const KEYS_FORMAT = 1;
const HEX_DIGITS = 32;

/** The definition key of the index over `(_type, _id)`. */
export const TYPE_INDEX_KEY = keyOf({ fields: ['_type', '_id'] });

/** Equal for two indexes that have the same keys whatever the documents. */
export function definitionKey({ type, fields, sparse, partial }: IndexDefinition): string {
  const of = { type, fields: fields.map((field) => ({ ...field })), sparse };
  if (!partial) return keyOf(of as ValueObject);
  // As text, since the order of fields in an equality counts; and with the version, since
  // filters are judged by code that may change.
  const filter = JSON.stringify(toExtendedJson(partial));
  return keyOf({ ...of, filter, version: packageVersion() } as ValueObject);
}

function keyOf(of: ValueObject): string {
  return contentHash({ format: KEYS_FORMAT, ...of }).slice(0, HEX_DIGITS);
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
