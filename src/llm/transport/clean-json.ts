import type { Value } from '../../base/values.js';

/** Deeper nesting than any provider's answer has, and well under a document's limit. */
const DEPTH_MAX = 64;

/**
 * Parses JSON from outside into a value that a document can hold: strings are
 * made well-formed (a provider may cut `\ud83d` off its pair), a number too
 * large for a double becomes null, and a `__proto__` property is dropped.
 *
 * @throws {SyntaxError} for text that is not JSON
 * @throws {RangeError} for nesting deeper than 64
 */
export function parseCleanJson(text: string): Value {
  const json: unknown = JSON.parse(text);
  return isClean(json, 0) ? json : clean(json, 0);
}

/** Nearly all that comes is; it need not be copied then. */
function isClean(json: unknown, depth: number): json is Value {
  if (typeof json === 'string') return json.isWellFormed();
  if (typeof json === 'number') return Number.isFinite(json);
  if (typeof json !== 'object' || json === null) return true;
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(json)) return json.every((item) => isClean(item, depth + 1));
  for (const key in json) {
    if (key === '__proto__' || !key.isWellFormed()) return false;
    if (!isClean((json as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function clean(json: unknown, depth: number): Value {
  if (depth > DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX}`);
  if (typeof json === 'string') return json.toWellFormed();
  if (typeof json === 'number') return Number.isFinite(json) ? json : null;
  if (Array.isArray(json)) return json.map((item) => clean(item, depth + 1));
  if (typeof json !== 'object' || json === null) return json as null | boolean;
  const entries = Object.entries(json).filter(([key]) => key !== '__proto__');
  return Object.fromEntries(
    entries.map(([key, item]) => [key.toWellFormed(), clean(item, depth + 1)]),
  );
}
