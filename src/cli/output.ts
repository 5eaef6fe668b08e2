import { stringifyValue } from '../base/extended-json.js';
import type { Value } from '../base/values.js';
import { type Column, renderTable } from './table.js';

/**
 * What a command says. On a terminal that is text for people; piped, or with `--json`, a single
 * thing is one line of JSON, and a list is JSON lines, which `jq` reads and `jdbx import` too.
 */
export class Output {
  readonly json: boolean;
  /** True when people watch the error stream: progress goes there. */
  readonly watched: boolean;
  readonly #quiet: boolean;

  constructor(options: { readonly json?: boolean; readonly quiet?: boolean }) {
    this.json = options.json ?? !process.stdout.isTTY;
    this.#quiet = options.quiet ?? false;
    // `--no-json` asks for what a terminal would show, wherever it goes.
    this.watched = !this.#quiet && (options.json === false || process.stderr.isTTY === true);
  }

  /** One value: JSON on one line, or for people by `text`, else indented JSON. */
  value(value: unknown, text?: () => string): Promise<void> {
    if (this.json) return this.raw(`${stringifyValue(value as Value)}\n`);
    return this.raw(`${text ? text() : stringifyValue(value as Value, 2)}\n`);
  }

  /** A list, as it comes; for people as a table, when all of it is there. */
  async list<T>(
    items: AsyncIterable<T> | Iterable<T>,
    columns: (items: readonly T[]) => readonly Column<T>[],
  ): Promise<number> {
    let count = 0;
    const all: T[] = [];
    for await (const item of items) {
      count++;
      if (this.json) await this.raw(`${stringifyValue(item as Value)}\n`);
      else all.push(item);
    }
    if (all.length > 0) await this.raw(renderTable(all, columns(all), this.width));
    else if (!this.json) this.note('nothing found');
    return count;
  }

  /** Text as it is. Resolves when it is taken, so that a slow reader slows the command. */
  raw(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** A remark for people, beside the answer. */
  note(text: string): void {
    if (this.watched) process.stderr.write(`${text}\n`);
  }

  get width(): number {
    return process.stdout.columns || 120;
  }
}
