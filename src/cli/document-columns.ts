import { stringifyValue } from '../base/extended-json.js';
import type { Value, ValueObject } from '../base/values.js';
import type { Column } from './table.js';

/** A column for each field that any of the documents has, `_id` first. */
export function documentColumns(documents: readonly ValueObject[]): readonly Column<ValueObject>[] {
  const fields = new Set(documents.flatMap((document) => Object.keys(document)));
  const ordered = fields.has('_id') ? new Set(['_id', ...fields]) : fields;
  return [...ordered].map((title) => ({
    title,
    cell: (document: ValueObject) => show(document[title]),
    right: documents.every((document) => typeof (document[title] ?? 0) === 'number'),
  }));
}

function show(value: Value | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : stringifyValue(value);
}
