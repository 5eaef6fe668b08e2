import { type CsvError, parse } from 'csv-parse/sync';
import { describeThrown } from '../../base/errors.js';
import type { ImportOptions, Line, Row } from './contract.js';
import { type CsvColumn, readHeader, toObject } from './csv-columns.js';
import { CsvRecords, type CsvText } from './csv-records.js';
import { malformed } from './faults.js';

/** CSV with a header row. https://www.rfc-editor.org/rfc/rfc4180 */
export async function* readCsv(
  lines: AsyncIterable<Line[]>,
  { types = 'infer', delimiter = ',' }: ImportOptions,
): AsyncGenerator<Row[]> {
  const records = new CsvRecords();
  let columns: readonly CsvColumn[] | undefined;
  const toRows = (texts: readonly CsvText[]): Row[] => {
    const rows: Row[] = [];
    for (const { line, cells, size } of parseRecords(texts, delimiter)) {
      if (!columns) columns = readHeader(cells, line);
      else
        rows.push({ line, size, value: toObject(sameCount(columns, cells, line), cells, types) });
    }
    return rows;
  };
  for await (const batch of lines) yield toRows(records.push(batch));
  yield toRows(records.end());
}

interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
  readonly size: number;
}

/** Parses all records at once; when that fails, one by one, so that the fault has its line. */
function parseRecords(texts: readonly CsvText[], delimiter: string): CsvRecord[] {
  let parsed: string[][] | undefined;
  try {
    parsed = parseText(texts.map(({ text }) => text).join('\n'), delimiter);
  } catch {
    parsed = undefined;
  }
  return texts.map(({ line, text }, index) => {
    const together = parsed?.length === texts.length ? parsed[index] : undefined;
    return { line, size: text.length, cells: together ?? parseAlone(line, text, delimiter) };
  });
}

function parseAlone(line: number, text: string, delimiter: string): string[] {
  try {
    return parseText(text, delimiter)[0] ?? [];
  } catch (error) {
    throw malformed(line, faultText(error as CsvError), error);
  }
}

function parseText(text: string, delimiter: string): string[][] {
  return parse(text, { delimiter, record_delimiter: '\n', relax_column_count: true });
}

function faultText(error: CsvError): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'expected the quote that opens here to be closed, got the end of the text';
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'expected a delimiter or the end of the record after a closing quote';
    case 'INVALID_OPENING_QUOTE':
      return 'expected a quote only at the start of a cell, and inside a quoted one doubled';
    default:
      return `expected CSV: ${describeThrown(error)}`;
  }
}

function sameCount(columns: readonly CsvColumn[], cells: readonly string[], line: number) {
  if (cells.length === columns.length) return columns;
  throw malformed(line, `expected ${columns.length} cells as in the header, got ${cells.length}`);
}
