import { contentHash } from '../base/canonical.js';
import type { Document } from '../base/document.js';
import { isPlainObject, takeMadeValue, type Value, type ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';

/** A run of elements in one blob; a list that grows at its end leaves all but the last as they are. */
const PART_BYTES = 8 * 2 ** 10;
/** Blobs that one names. Changing this or `PART_BYTES` only makes old and new values share less. */
const FAN_OUT = 32;

type Get = (id: string) => Document | undefined;

/**
 * Stores a large value by content hash, and gives its blob's id. Lists are stored in parts, and
 * large fields apart, so that values that mostly agree share what they agree in: a history
 * handed from stage to stage costs what each adds.
 */
export function storeBlob(draft: Draft, value: Value): string {
  if (Array.isArray(value)) return storeList(draft, value as readonly Value[]);
  if (isPlainObject(value)) return storeObject(draft, value as ValueObject);
  return storeLeaf(draft, value);
}

/** The inverse of `storeBlob`; gives the id of a blob that is gone to `missing`, which throws. */
export function loadBlob(id: string, get: Get, missing: (id: string) => never): Value {
  const { value, parts, fields } = get(id) ?? missing(id);
  const load = (each: Value) => loadBlob(String(each), get, missing);
  if (Array.isArray(parts)) return Object.freeze(parts.flatMap((each) => load(each as Value)));
  if (fields === undefined) return value ?? null;
  const entries = Object.entries(value as ValueObject);
  const whole = entries.map(([name, each]) => {
    const ref = Object.hasOwn(fields as ValueObject, name) ? (fields as ValueObject)[name] : null;
    return [name, ref ? load(ref) : each] as const;
  });
  return Object.freeze(Object.fromEntries(whole));
}

function storeList(draft: Draft, list: readonly Value[]): string {
  const parts = partsOf(list);
  if (parts.length < 2) return storeLeaf(draft, list);
  let ids = parts.map((part) => storeLeaf(draft, part));
  while (ids.length > FAN_OUT)
    ids = groupsOf(ids).map((group) => storeNode(draft, { parts: group }));
  return storeNode(draft, { parts: ids });
}

/** Small and indivisible fields stay in place; the others are named, null in their place. */
function storeObject(draft: Draft, object: ValueObject): string {
  const large = Object.entries(object).filter(
    ([, value]) => isDivisible(value) && takeMadeValue(value).bytes > PART_BYTES,
  );
  if (large.length === 0) return storeLeaf(draft, object);
  const fields = Object.fromEntries(large.map(([name, value]) => [name, storeBlob(draft, value)]));
  const rest = Object.entries(object).map(([name, value]) => [
    name,
    Object.hasOwn(fields, name) ? null : value,
  ]);
  return storeNode(draft, { value: Object.fromEntries(rest), fields });
}

function isDivisible(value: Value): boolean {
  return Array.isArray(value) || isPlainObject(value);
}

function storeLeaf(draft: Draft, value: Value): string {
  return store(draft, `blob:${contentHash(value)}`, { value });
}

/** Its id has a form of its own, so that no value can be taken for a node. */
function storeNode(draft: Draft, node: ValueObject): string {
  return store(draft, `blob:tree:${contentHash(node)}`, node);
}

function store(draft: Draft, _id: string, fields: ValueObject): string {
  if (!draft.get(_id)) draft.insert(takeMade({ _id, _type: 'blob', ...fields }));
  return _id;
}

function partsOf(list: readonly Value[]): Value[][] {
  const parts: Value[][] = [];
  let room = 0;
  for (const each of list) {
    const { bytes } = takeMadeValue(each);
    if (room < bytes || parts.length === 0) {
      parts.push([]);
      room = PART_BYTES;
    }
    parts.at(-1)?.push(each);
    room -= bytes;
  }
  return parts;
}

function groupsOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / FAN_OUT) }, (_, at) =>
    ids.slice(at * FAN_OUT, (at + 1) * FAN_OUT),
  );
}
