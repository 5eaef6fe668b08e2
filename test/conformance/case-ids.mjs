/**
 * Ids of the cases are any value; ours are strings in one space. A case's `_id`
 * is kept in the field `CASE_ID`, and the store's own is made from it, so that
 * equal ids clash and the order of ids is the same.
 */
export const CASE_ID = 'case_id';

/** The store's id of a case's id: unique to the type, ordered as MongoDB orders. */
export function storeId(type, id) {
  return `${type}:${ordered(id)}`;
}

function ordered(id) {
  if (typeof id === 'number') return `2${orderedNumber(id)}`;
  if (typeof id === 'string') return `3${id}`;
  return `${id === null ? 1 : 4}${JSON.stringify(id)}`;
}

/** Digits of fixed width; a negative number's are counted down. */
function orderedNumber(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number === 0 ? 0 : number);
  if (number < 0) for (let at = 0; at < 8; at++) bytes[at] = ~bytes[at] & 0xff;
  else bytes[0] |= 0x80;
  return bytes.toString('hex');
}

const isObject = (value) =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** Renames `_id` at the start of a path. */
export function renamePath(path) {
  return path === '_id' || path.startsWith('_id.') ? CASE_ID + path.slice(3) : path;
}

/** The keys of an object (a sort, a projection) that are paths of the document. */
export function renameKeys(object) {
  if (!isObject(object)) return object;
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [renamePath(key), value]));
}

/** A filter over `_id` becomes one over the field that holds it. */
export function renameFilter(filter) {
  if (!isObject(filter)) return filter;
  return Object.fromEntries(
    Object.entries(filter).map(([key, value]) => {
      if (key === '$expr') return [key, renameExpression(value)];
      if (key.startsWith('$') && Array.isArray(value)) return [key, value.map(renameFilter)];
      return [renamePath(key), value];
    }),
  );
}

/** `$_id` in an expression over a stored document. */
export function renameExpression(value) {
  if (typeof value === 'string') {
    return value.replace(/^\$(\$(?:ROOT|CURRENT)\.)?_id(?=\.|$)/, (_all, root = '') => {
      return `$${root}${CASE_ID}`;
    });
  }
  if (Array.isArray(value)) return value.map(renameExpression);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === '$literal' ? item : renameExpression(item),
    ]),
  );
}

/** What a read returned, as the case knows it: its own ids, nothing of ours. */
export function toCase(value) {
  if (Array.isArray(value)) return value.map(toCase);
  if (!isObject(value)) return value;
  const { _type, _rev, ...rest } = value;
  const own = _rev !== undefined && typeof _type === 'string' ? rest : value;
  const out = {};
  for (const [key, item] of Object.entries(own)) {
    if (own !== value && key === '_id') continue;
    out[key === CASE_ID ? '_id' : key] = toCase(item);
  }
  return out;
}
