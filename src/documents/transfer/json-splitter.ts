import type { Line, Row } from './contract.js';
import { malformed } from './faults.js';
import { TEXT_MAX, tooLong } from './lines.js';
import { readJsonAt } from './read-jsonl.js';

type Place = 'start' | 'sequence' | 'element' | 'first element' | 'comma' | 'end';

/**
 * Cuts JSON text into the elements of its one array, or into the values that stand one
 * after the other, without holding more than the value that is being read. Inside a value
 * it only counts brackets and minds strings; reading the value finds its faults.
 */
export class JsonSplitter {
  #place: Place = 'start';
  /** The text of the value being read, up to this line. */
  #parts: string[] = [];
  #size = 0;
  #line = 0;
  #column = 0;
  #depth = 0;
  #inString = false;
  #rows: Row[] = [];

  /** Takes a line in and gives the values that it completes. */
  push({ number, text }: Line): Row[] {
    this.#rows = [];
    for (let at = 0; at < text.length; ) {
      at = this.#depth > 0 ? this.#inside(text, at) : this.#between(text, at, number);
    }
    return this.#rows;
  }

  /** @throws {JdbxError} INVALID_IMPORT when the text stops in the middle of a value or array */
  end(line: number): void {
    if (this.#depth > 0) this.#read();
    if (this.#place === 'start' || this.#place === 'sequence' || this.#place === 'end') return;
    throw malformed(line, 'expected the array to be closed by ], got the end of the text');
  }

  #inside(text: string, start: number): number {
    let at = start;
    for (; at < text.length && this.#depth > 0; at++) {
      const char = text[at];
      if (this.#inString) {
        if (char === '\\') at++;
        else if (char === '"') this.#inString = false;
      } else if (char === '"') this.#inString = true;
      else if (char === '{' || char === '[') this.#depth++;
      else if (char === '}' || char === ']') this.#depth--;
      // No string of JSON goes over the end of a line: a quote was left out.
      if (char === '\n') this.#inString = false;
    }
    this.#parts.push(text.slice(start, at));
    this.#size += Math.min(at, text.length) - start;
    if (this.#size > TEXT_MAX) throw tooLong(this.#line);
    if (this.#depth === 0) this.#complete();
    return at;
  }

  #between(text: string, at: number, line: number): number {
    const char = text[at] as string;
    if (' \t\r\n'.includes(char)) return at + 1;
    if (char === '[' && this.#place === 'start') return this.#go('first element', at);
    if (this.#place === 'end') throw refusal(line, at, 'the end of the text', char);
    if (this.#place === 'comma') {
      if (char === ',') return this.#go('element', at);
      if (char === ']') return this.#go('end', at);
      throw refusal(line, at, 'a comma or ]', char);
    }
    if (char === ']' && this.#place === 'first element') return this.#go('end', at);
    if (char !== '{' && char !== '[') throw refusal(line, at, 'an object', char);
    this.#line = line;
    this.#column = at;
    this.#depth = 1;
    this.#parts = [text.slice(at, at + 1)];
    this.#size = 1;
    return at + 1;
  }

  #complete(): void {
    const value = this.#read();
    this.#rows.push({ line: this.#line, value, size: this.#size });
    this.#parts = [];
    this.#place = this.#place === 'start' || this.#place === 'sequence' ? 'sequence' : 'comma';
  }

  #read(): unknown {
    return readJsonAt(this.#parts.join(''), this.#line, this.#column);
  }

  #go(place: Place, at: number): number {
    this.#place = place;
    return at + 1;
  }
}

function refusal(line: number, at: number, expected: string, got: string): Error {
  const text = `expected ${expected}, got ${JSON.stringify(got)} in column ${at + 1}`;
  return malformed(line, text);
}
