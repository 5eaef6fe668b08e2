/** One column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

const GAP = '  ';
const CELL_MAX = 60;
/** A column is not cut to less. */
const COLUMN_MIN = 12;

/**
 * A table of plain text, a line for each item. The column that reaches over the width is cut,
 * and what would come after it is left out; the first one always stands whole.
 */
export function renderTable<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  width: number,
): string {
  const laidOut = fitWidth(
    columns.map((column) => layOut(column, items)),
    width,
  );
  const lines: string[] = [];
  for (let row = 0; row <= items.length; row++) {
    const cells = laidOut.map((column) => column.cells[row] ?? '');
    lines.push(cells.join(GAP).trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

interface LaidOut {
  readonly width: number;
  /** Padded to the width, the title first. */
  readonly cells: readonly string[];
}

function layOut<T>({ title, cell, right }: Column<T>, items: readonly T[]): LaidOut {
  const texts = [title, ...items.map((item) => oneLine(cell(item)))];
  const width = Math.max(...texts.map((text) => text.length));
  const pad = (text: string) => (right ? text.padStart(width) : text.padEnd(width));
  return { width, cells: texts.map(pad) };
}

function fitWidth(columns: readonly LaidOut[], width: number): LaidOut[] {
  const fitting: LaidOut[] = [];
  let left = width;
  for (const column of columns) {
    if (fitting.length > 0 && left < Math.min(column.width, COLUMN_MIN)) break;
    const cells = fitting.length > 0 ? column.cells.map((cell) => cut(cell, left)) : column.cells;
    fitting.push({ width: column.width, cells });
    left -= column.width + GAP.length;
  }
  return fitting;
}

function cut(text: string, length: number): string {
  return text.trimEnd().length > length ? `${text.slice(0, length - 1)}…` : text.slice(0, length);
}

/** Control characters of a document must not reach the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return cut(plain, CELL_MAX);
}
