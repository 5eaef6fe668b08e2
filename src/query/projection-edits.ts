import { isPlainObject } from '../base/values.js';
import { describe, refuse } from './expressions/operator.js';
import { compileFilter } from './filter.js';
import type { Edit, ReadEdit } from './projection.js';

/** What `$slice` and `$elemMatch` make of an array that a find returns. */
export const readProjectionEdit: ReadEdit = (value, path) => {
  const keys = Object.keys(value);
  if (keys.length !== 1) return undefined;
  if (keys[0] === '$elemMatch') return elementEdit(value.$elemMatch, path);
  return keys[0] === '$slice' ? sliceEdit(value.$slice) : undefined;
};

/** The first element that the filter matches. */
function elementEdit(filter: unknown, path: string): Edit {
  if (!isPlainObject(filter)) refuse('projection', 'a filter for $elemMatch', describe(filter));
  if (path.includes('.')) refuse('projection', '$elemMatch at a field of the document', path);
  const test = compileFilter({ list: { $elemMatch: filter } });
  const edit = (array: unknown) => {
    const found = Array.isArray(array) ? array.find((item) => test({ list: [item] })) : undefined;
    return found === undefined ? undefined : [found];
  };
  return { shape: { kind: 'edit', edit }, includes: true };
}

/** `count`, from the end when negative, or `[skip, count]`. What is no array stays. */
function sliceEdit(operand: unknown): Edit | undefined {
  const parts = Array.isArray(operand) ? operand : [operand];
  if (!parts.every((part) => typeof part === 'number')) {
    // Three arguments, or an expression in place of a number: the operator of expressions.
    if (
      Array.isArray(operand) &&
      (operand.length === 2 || operand.length === 3) &&
      typeof operand[0] !== 'number'
    )
      return undefined;
    refuse('projection', 'numbers for $slice', describe(operand));
  }
  if (parts.length < 1 || parts.length > 2 || (Array.isArray(operand) && parts.length === 1))
    refuse('projection', 'a count or [skip, count] for $slice', describe(operand));
  const [first, count] = parts.map((part) => Math.trunc(part as number)) as [number, number?];
  if (count !== undefined && count <= 0)
    refuse('projection', 'a positive count for $slice', String(count));
  const edit = (array: unknown) => (Array.isArray(array) ? sliced(array, first, count) : array);
  return { shape: { kind: 'edit', edit }, includes: false };
}

function sliced(array: readonly unknown[], first: number, count: number | undefined): unknown[] {
  if (count === undefined) return first < 0 ? array.slice(first) : array.slice(0, first);
  const from = first < 0 ? Math.max(0, array.length + first) : first;
  return array.slice(from, from + count);
}
