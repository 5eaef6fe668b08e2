import type { ConsoleLine } from './contract.js';

/** How much of what a guest prints is kept. */
export const CONSOLE_LIMITS = { linesMax: 200, bytesMax: 64 * 2 ** 10 } as const;

/** Keeps a guest's console lines, oldest first; says at the end how many were dropped. */
export class ConsoleLog {
  readonly #lines: ConsoleLine[] = [];
  #bytes = 0;
  #dropped = 0;

  print(level: string, text: string): void {
    const bytes = Buffer.byteLength(text);
    const isFull =
      this.#dropped > 0 ||
      this.#lines.length === CONSOLE_LIMITS.linesMax ||
      this.#bytes + bytes > CONSOLE_LIMITS.bytesMax;
    if (isFull) {
      this.#dropped++;
      return;
    }
    this.#bytes += bytes;
    this.#lines.push({ level: level as ConsoleLine['level'], text: text.toWellFormed() });
  }

  lines(): readonly ConsoleLine[] {
    if (this.#dropped === 0) return this.#lines;
    const text = `… ${this.#dropped} more lines were dropped`;
    return [...this.#lines, { level: 'warn', text }];
  }
}
