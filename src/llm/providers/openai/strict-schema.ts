import { isPlainObject } from '../../../base/values.js';

/**
 * True when the API holds a model strictly to the schema: it refuses to where an object
 * may have other properties, or may lack one that is named
 * (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas). The
 * answer is checked by the schema here either way.
 */
export function mayBeStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(mayBeStrict);
  if (!isPlainObject(schema)) return true;
  const { type, properties, additionalProperties, required, ...others } = schema;
  const isObject = type === 'object' || properties !== undefined;
  if (isObject && additionalProperties !== false) return false;
  const named = isPlainObject(properties) ? Object.keys(properties) : [];
  const needed = Array.isArray(required) ? required : [];
  if (!named.every((name) => needed.includes(name))) return false;
  return Object.values({ ...(properties as object), ...others }).every(mayBeStrict);
}
