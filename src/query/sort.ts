import { isJdbxError } from '../base/errors.js';
import { compareStrings, compareValues } from '../base/order.js';
import { describeType, isPlainObject, type Value } from '../base/values.js';
import { expandKeys } from './expand-keys.js';
import { isFieldName } from './field-paths.js';
import { refuseFilter } from './parse-test.js';
import { ownValue, type Segments, splitPath } from './paths.js';

const PARTS_MAX = 200;

export interface SortField {
  readonly path: string;
  readonly direction: 1 | -1;
}

/**
 * A total order of documents: the fields in order of weight, then `_id`. What
 * came after `_id` can decide nothing and is dropped.
 */
export interface SortOrder {
  readonly fields: readonly SortField[];
  readonly idDirection: 1 | -1;
  /** True when `_id` was asked for, so that no fields at all is still an order. */
  readonly byId: boolean;
}

/**
 * @returns undefined when nothing is asked for
 * @throws {JdbxError} INVALID_FILTER at `sort.<path>`
 */
export function readSort(sort: unknown): SortOrder | undefined {
  if (sort === undefined || sort === null) return undefined;
  if (!isPlainObject(sort))
    refuseFilter('sort', 'an object of paths and directions', describeType(sort));
  const fields = Object.entries(sort).map(([path, direction]) => readField(path, direction));
  if (fields.length === 0) return undefined;
  const id = fields.findIndex((field) => field.path === '_id');
  return {
    fields: id < 0 ? fields : fields.slice(0, id),
    idDirection: fields[id]?.direction ?? 1,
    byId: id >= 0,
  };
}

function readField(path: string, direction: unknown): SortField {
  const place = `sort.${path}`;
  const parts = splitPath(path);
  if (parts.some((part) => part === '' || !isFieldName(part)))
    refuseFilter(place, 'a path', JSON.stringify(path));
  if (parts.length > PARTS_MAX)
    refuseFilter(place, `at most ${PARTS_MAX} names`, String(parts.length));
  // MongoDB cuts the fraction off.
  const whole = typeof direction === 'number' ? Math.trunc(direction) : 0;
  if (whole !== 1 && whole !== -1) refuseFilter(place, '1 or -1', JSON.stringify(direction));
  return { path, direction: whole };
}

/** A document with the values it is sorted by, worked out once. */
export interface Sortable<T> {
  readonly document: T;
  readonly id: unknown;
  readonly values: readonly (Value | undefined)[];
}

export type MakeSortable = <T>(document: T) => Sortable<T>;

export function sortableMaker(order: SortOrder): MakeSortable {
  const fields = order.fields.map(({ path, direction }) => ({ path: splitPath(path), direction }));
  const roots = new Set(fields.map(({ path }) => path[0]));
  const values = roots.size < fields.length ? jointValues : eachValue;
  return (document) => ({
    document,
    id: ownValue(document, '_id'),
    values: values(document, fields),
  });
}

interface Field {
  readonly path: Segments;
  readonly direction: 1 | -1;
}

type SortValues = readonly (Value | undefined)[];

function eachValue(document: unknown, fields: readonly Field[]): SortValues {
  return fields.map(({ path, direction }) => sortValue(document, path, direction));
}

/** Fields below one array are taken from one element: the one that comes first in the order. */
function jointValues(document: unknown, fields: readonly Field[]): SortValues {
  const tuples = tuplesOf(document, fields);
  if (!tuples) return eachValue(document, fields);
  return tuples.reduce((best, tuple) => (compareTuples(tuple, best, fields) < 0 ? tuple : best));
}

/** Undefined where the fields lead through several arrays, so that no element is one of all. */
function tuplesOf(document: unknown, fields: readonly Field[]): readonly SortValues[] | undefined {
  try {
    return expandKeys(
      document,
      fields.map(({ path }) => path),
    ).tuples;
  } catch (error) {
    if (isJdbxError(error, 'INVALID_DOCUMENT')) return undefined;
    throw error;
  }
}

function compareTuples(left: SortValues, right: SortValues, fields: readonly Field[]): number {
  for (const [at, { direction }] of fields.entries()) {
    const order = compareValues(left[at], right[at]) * direction;
    if (order !== 0) return order;
  }
  return 0;
}

/** An array sorts by its least element going up and by its greatest going down. */
function sortValue(document: unknown, path: Segments, direction: 1 | -1): Value | undefined {
  if (path.length === 1) {
    const value = ownValue(document, path[0] as string);
    if (!Array.isArray(value)) return value as Value | undefined;
  }
  const values = expandKeys(document, [path]).tuples.map((tuple) => tuple[0]);
  return values.reduce((best, value) =>
    compareValues(value, best) * direction < 0 ? value : best,
  );
}

/** Tells of each document whether it ties in the fields with the one that was told of before. */
export function tieTester({ fields }: SortOrder): (document: unknown) => boolean {
  const parts = fields.map(({ path, direction }) => ({ path: splitPath(path), direction }));
  const last: unknown[] = parts.map(() => NOTHING);
  return (document) => {
    let ties = true;
    for (let at = 0; at < parts.length; at++) {
      const { path, direction } = parts[at] as (typeof parts)[number];
      const value = sortValue(document, path, direction);
      if (ties && !areEqual(value, last[at])) ties = false;
      last[at] = value;
    }
    return ties;
  };
}

/** Equal to no value of a document. */
const NOTHING = Symbol('nothing');

function areEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (right === NOTHING || typeof left === 'string' || typeof left === 'number') return false;
  return compareValues(left as Value | undefined, right as Value | undefined) === 0;
}

/** Compares by the sort's own fields only: 0 means that `_id` decides. */
export function compareFields(order: SortOrder) {
  return (left: Sortable<unknown>, right: Sortable<unknown>): number => {
    for (let at = 0; at < order.fields.length; at++) {
      const result = compareValues(left.values[at], right.values[at]);
      if (result !== 0) return result * (order.fields[at] as SortField).direction;
    }
    return 0;
  };
}

/** The total order: fields, then `_id`. */
export function compareSortables(order: SortOrder) {
  const byFields = compareFields(order);
  return (left: Sortable<unknown>, right: Sortable<unknown>): number =>
    byFields(left, right) || compareIds(left.id, right.id) * order.idDirection;
}

function compareIds(left: unknown, right: unknown): number {
  return typeof left === 'string' && typeof right === 'string'
    ? compareStrings(left, right)
    : compareValues(left as Value | undefined, right as Value | undefined);
}
