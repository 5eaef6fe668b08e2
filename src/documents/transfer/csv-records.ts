import type { Line } from './contract.js';
import { TEXT_MAX, tooLong } from './lines.js';

/** The text of one record: several lines where a quoted cell holds line breaks. */
export interface CsvText {
  readonly line: number;
  readonly text: string;
}

/**
 * Joins lines into records by counting quotes: a record ends with the first line at whose end
 * none is open, as a quote inside a quoted cell is written twice (RFC 4180). So each record's
 * line is known whatever its cells hold, and records can be parsed many at a time.
 */
export class CsvRecords {
  #parts: string[] = [];
  #line = 0;
  #size = 0;
  #open = false;

  push(lines: readonly Line[]): CsvText[] {
    return lines.flatMap((line) => this.#take(line) ?? []);
  }

  /** What is left when the text ends: a record whose quote was never closed. */
  end(): CsvText[] {
    return this.#open ? [this.#finish()] : [];
  }

  #take({ number, text }: Line): CsvText | undefined {
    if (!this.#open && text.trim() === '') return undefined;
    if (!this.#open) this.#line = number;
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size > TEXT_MAX) throw tooLong(this.#line);
    if (countQuotes(text) % 2 === 1) this.#open = !this.#open;
    return this.#open ? undefined : this.#finish();
  }

  #finish(): CsvText {
    const record = { line: this.#line, text: this.#parts.join('').replace(/\r?\n$/, '') };
    this.#parts = [];
    this.#size = 0;
    return record;
  }
}

function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) count++;
  return count;
}
