import type { Line, Row } from './contract.js';
import { malformed, placed } from './faults.js';
import { JsonSyntaxError, readJsonText } from './json-fault.js';

/** JSON lines: one value on each line; blank lines are left out. https://jsonlines.org */
export async function* readJsonLines(lines: AsyncIterable<Line[]>): AsyncGenerator<Row[]> {
  for await (const batch of lines) {
    yield batch
      .filter(({ text }) => text.trim() !== '')
      .map(({ number, text }) => ({
        line: number,
        value: readJsonAt(text, number),
        size: text.length,
      }));
  }
}

/**
 * Reads Extended JSON that begins on a line of a larger text, after `before` characters.
 *
 * @throws {JdbxError} INVALID_IMPORT with the line and column of the fault; INVALID_DOCUMENT
 */
export function readJsonAt(text: string, line: number, before = 0): unknown {
  try {
    return readJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw placed(error, { line });
    const { fault } = error;
    const column = fault.column + (fault.line === 1 ? before : 0);
    throw malformed(line + fault.line - 1, `${fault.text} in column ${column}`, error);
  }
}
