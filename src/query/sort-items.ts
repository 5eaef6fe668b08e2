import { compareValues } from '../base/order.js';
import type { Value } from '../base/values.js';
import { compareFields, readSort, sortableMaker } from './sort.js';

/** Sorts values as `$sortArray` and the `$sort` of `$push` do: by direction, or by fields. */
export function sortItems<T>(items: readonly T[], sortBy: unknown): T[] {
  if (typeof sortBy === 'number') {
    return items.toSorted((a, b) => compareValues(a as Value, b as Value) * sortBy);
  }
  const order = readSort(sortBy);
  if (!order) return [...items];
  const fields = order.byId
    ? [...order.fields, { path: '_id', direction: order.idDirection }]
    : order.fields;
  const full = { ...order, fields };
  const makeSortable = sortableMaker(full);
  return items
    .map((item) => makeSortable(item))
    .sort(compareFields(full))
    .map((item) => item.document);
}
