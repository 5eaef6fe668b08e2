import { decodeKey } from '../base/key-bytes.js';
import { isPlainObject, type Value } from '../base/values.js';
import type { Access, IndexAccess } from './access.js';
import type { DocumentBody, QuerySource } from './contract.js';
import { isExact } from './field-bounds.js';
import { indexFacts } from './index-facts.js';
import { splitPath } from './paths.js';
import type { SortOrder } from './sort.js';

/** Makes of a key as much of its document as the query asks for; undefined when the key cannot tell. */
export type Covering = (key: Uint8Array) => DocumentBody | undefined;

/**
 * An index covers a query when its bounds prove the whole filter and its fields are all
 * that is asked for. Then documents need not be read, save those whose key is ambiguous.
 */
export function coveringOf(
  projection: unknown,
  accesses: readonly Access[],
  order: SortOrder | undefined,
  source: QuerySource,
): Covering | undefined {
  const [access] = accesses;
  if (projection === undefined || !source.keysSuffice || accesses.length !== 1) return undefined;
  if (access?.kind !== 'index' || access.index.multikey || access.residue.length > 0) {
    return undefined;
  }
  const paths = includedPaths(projection);
  const fields = access.index.definition.fields.map(({ path }) => path);
  if (!paths?.every((path) => fields.includes(path))) return undefined;
  // Ties of an order are settled by `_id`, which the key must then hold.
  return order && !fields.includes('_id') ? undefined : documentMaker(access);
}

/** The paths of a projection that only includes; undefined for any other. */
function includedPaths(projection: unknown): readonly string[] | undefined {
  if (!isPlainObject(projection)) return undefined;
  const { _id: id = 1, ...rest } = projection;
  const paths = Object.keys(rest);
  if (paths.length === 0 || !paths.every((path) => isOne(rest[path]))) return undefined;
  if (id === 0 || id === false) return paths;
  return isOne(id) ? [...paths, '_id'] : undefined;
}

function isOne(value: unknown): boolean {
  return value === 1 || value === true;
}

function documentMaker({ index }: IndexAccess): Covering {
  const { directions } = indexFacts(index.definition);
  const paths = index.definition.fields.map(({ path }) => splitPath(path));
  return (key) => {
    const values = decodeKey(key, directions);
    if (!values.every(isExact)) return undefined;
    const document: Record<string, unknown> = {};
    for (const [at, path] of paths.entries()) put(document, path, values[at] as Value);
    return document as DocumentBody;
  };
}

function put(document: Record<string, unknown>, path: readonly string[], value: Value): void {
  let holder = document;
  for (const part of path.slice(0, -1)) {
    if (!Object.hasOwn(holder, part)) define(holder, part, {});
    holder = holder[part] as Record<string, unknown>;
  }
  define(holder, path.at(-1) as string, value);
}

/** The name `__proto__` is a field like any other here. */
function define(holder: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') holder[name] = value;
  else
    Object.defineProperty(holder, name, {
      configurable: true,
      enumerable: true,
      writable: true,
      value,
    });
}
