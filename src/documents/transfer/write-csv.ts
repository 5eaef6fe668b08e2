import type { Document } from '../../base/document.js';
import { stringifyValue } from '../../base/extended-json.js';
import { isPlainObject, type Value } from '../../base/values.js';

/**
 * CSV with a header row: one column for each field that any document has, a dot stepping into
 * objects. It takes two looks at the documents. CSV knows text alone, so what comes back by an
 * import may differ: null and empty text are empty cells, dates are ISO text, bytes base64,
 * arrays JSON.
 */
export function* csvTexts(documents: () => Iterable<Document>): Generator<string> {
  const columns = new Set<string>();
  for (const document of documents()) {
    for (const [name] of cellsOf(document, '')) columns.add(name);
  }
  if (columns.size === 0) return;
  yield record([...columns]);
  for (const document of documents()) {
    const cells = new Map(cellsOf(document, ''));
    yield record([...columns].map((name) => cells.get(name) ?? ''));
  }
}

function* cellsOf(value: { readonly [key: string]: Value }, prefix: string): CellSource {
  for (const [key, item] of Object.entries(value)) {
    const name = prefix + key;
    if (isPlainObject(item) && Object.keys(item).length > 0) {
      yield* cellsOf(item as { readonly [key: string]: Value }, `${name}.`);
    } else yield [name, textOf(item)];
  }
}

type CellSource = Generator<[name: string, text: string]>;

function textOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? stringifyValue(value) : String(value);
}

function record(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\n`;
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
