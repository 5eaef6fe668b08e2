import type { ApiHooks, GuestApi, Use } from './use.js';

/** `console.table`: rows of objects or arrays as text, one line of the console. */
export function consoleTableApi(_use: Use, { inspect }: ApiHooks): GuestApi['consoleTable'] {
  const ROWS_MAX = 100;

  function table(data: unknown, columns?: readonly string[]): string {
    if (typeof data !== 'object' || data === null) return inspect(data);
    const keys = Object.keys(data).slice(0, ROWS_MAX);
    const rows = keys.map((key) => (data as Record<string, unknown>)[key]);
    const names = [
      ...new Set(columns ?? rows.flatMap((row) => (isRow(row) ? Object.keys(row) : []))),
    ];
    const hasValues = columns === undefined && rows.some((row) => !isRow(row));
    const header = ['', ...names, ...(hasValues ? ['value'] : [])];
    const lines = rows.map((row, index) => [
      keys[index] as string,
      ...names.map((name) => (isRow(row) && Object.hasOwn(row, name) ? inspect(row[name]) : '')),
      ...(hasValues ? [isRow(row) ? '' : inspect(row)] : []),
    ]);
    return layOut([header, ...lines]);
  }

  function isRow(value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null;
  }

  function layOut(lines: readonly (readonly string[])[]): string {
    const widths = (lines[0] as readonly string[]).map((_, column) =>
      Math.max(...lines.map((line) => (line[column] as string).length)),
    );
    return lines
      .map((line) =>
        line
          .map((cell, at) => cell.padEnd(widths[at] as number))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }
  return { table };
}
