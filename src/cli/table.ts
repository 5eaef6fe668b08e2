/** One column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

const GAP = '  ';
const CELL_MAX = 60;

/**
 * A table of plain text, a line for each item. Columns that do not fit the width any more are
 * left out, but for the first.
 */
export function renderTable<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  width: number,
): string {
  const laidOut = columns.map((column) => layOut(column, items));
  const lines: string[] = [];
  for (let row = 0; row <= items.length; row++) {
    const cells = fitting(laidOut, width).map(({ cells }) => cells[row] ?? '');
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

function fitting(columns: readonly LaidOut[], width: number): LaidOut[] {
  let used = -GAP.length;
  return columns.filter((column, index) => {
    used += GAP.length + column.width;
    return index === 0 || used <= width;
  });
}

/** Control characters of a document must not reach the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return plain.length > CELL_MAX ? `${plain.slice(0, CELL_MAX - 1)}…` : plain;
}
