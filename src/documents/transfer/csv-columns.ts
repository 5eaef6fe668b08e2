import { malformed } from './faults.js';

/** One column: the fields to step through, outermost first. */
export interface CsvColumn {
  readonly name: string;
  readonly path: readonly string[];
}

/** Columns that keep their text, whatever it looks like. */
const TEXT_COLUMNS = new Set(['_id', '_type']);

/**
 * Reads a header row. A dot steps into an object: `metrics.rate` is the field `rate` of `metrics`.
 *
 * @throws {JdbxError} INVALID_IMPORT for an empty or repeated name, and for a name that is also
 * the beginning of another
 */
export function readHeader(names: readonly string[], line: number): CsvColumn[] {
  const taken = new Set<string>();
  const columns = names.map((raw, index) => {
    const name = raw.trim();
    const path = name.split('.');
    if (path.some((part) => part === '' || part === '__proto__')) {
      throw malformed(line, `expected a name for column ${index + 1}, got ${JSON.stringify(raw)}`);
    }
    if (taken.has(name)) throw malformed(line, `expected each column once, got ${name} again`);
    taken.add(name);
    return { name, path };
  });
  for (const { name, path } of columns) {
    const parent = path
      .map((_, end) => path.slice(0, end).join('.'))
      .find((each) => taken.has(each));
    if (parent !== undefined) {
      throw malformed(line, `expected ${parent} to be a value or an object, got ${name} beside it`);
    }
  }
  return columns;
}

/** The object that a record describes. An empty cell leaves its field out. */
export function toObject(
  columns: readonly CsvColumn[],
  cells: readonly string[],
  types: 'infer' | 'text',
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  columns.forEach(({ name, path }, index) => {
    const cell = cells[index] ?? '';
    if (cell === '') return;
    const isText = TEXT_COLUMNS.has(name) || (types === 'text' && name !== '_rev');
    place(out, path, isText ? cell : infer(cell));
  });
  return out;
}

function place(out: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let holder = out;
  for (const part of path.slice(0, -1)) {
    holder[part] ??= {};
    holder = holder[part] as Record<string, unknown>;
  }
  holder[path.at(-1) as string] = value;
}

/** A number or boolean only where writing it again gives the same text: `01` and `1.0` stay text. */
function infer(cell: string): string | number | boolean {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  const number = Number(cell);
  return Number.isFinite(number) && String(number) === cell ? number : cell;
}
