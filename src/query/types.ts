import { isPlainObject } from '../base/values.js';

export interface TypedFilter {
  /** The types that can match; undefined when the filter does not say. */
  readonly types: readonly string[] | undefined;
  /** The filter with aliases added to what it says about `_type`. */
  readonly filter: unknown;
}

/**
 * Adds alias types to a filter: `{ _type: 'pattern' }`, by equality or `$in`,
 * alone or inside a top-level `$and`, also finds the aliases of `pattern`.
 * Any other condition on `_type` stays literal.
 */
export function expandTypes(
  filter: unknown,
  resolveTypes: (type: string) => readonly string[],
): TypedFilter {
  if (!isPlainObject(filter)) return { types: undefined, filter };
  const alone = onlyType(filter, resolveTypes);
  if (alone) return { types: alone, filter };
  let types: readonly string[] | undefined;
  const narrow = (found: readonly string[]) => {
    types = types ? types.filter((type) => found.includes(type)) : found;
  };
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(filter)) {
    out[key] = expandEntry(key, value, resolveTypes, narrow);
  }
  return { types, filter: out };
}

/** The common case, one type without aliases: the filter stays as it is. */
function onlyType(
  filter: Readonly<Record<string, unknown>>,
  resolveTypes: (type: string) => readonly string[],
): readonly string[] | undefined {
  const { _type: type } = filter;
  if (typeof type !== 'string' || '$and' in filter) return undefined;
  const types = resolveTypes(type);
  return types.length === 1 && types[0] === type ? types : undefined;
}

function expandEntry(
  key: string,
  value: unknown,
  resolveTypes: (type: string) => readonly string[],
  narrow: (types: readonly string[]) => void,
): unknown {
  if (key === '$and' && Array.isArray(value)) {
    return value.map((branch) => {
      const inner = expandTypes(branch, resolveTypes);
      if (inner.types) narrow(inner.types);
      return inner.filter;
    });
  }
  const named = key === '_type' ? namedTypes(value) : undefined;
  if (!named) return value;
  const found = [...new Set(named.flatMap((type) => [type, ...resolveTypes(type)]))];
  narrow(found);
  return found.length === 1 ? found[0] : { $in: found };
}

function namedTypes(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!isPlainObject(value) || Object.keys(value).length !== 1) return undefined;
  if (typeof value.$eq === 'string') return [value.$eq];
  const list = value.$in;
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
}
