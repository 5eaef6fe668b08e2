/** A place in the text of a pattern that moves on as it is read. */
export class Scanner {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The next UTF-16 unit; undefined at the end. */
  get next(): string | undefined {
    return this.#source[this.#at];
  }

  /** Takes what matches here; the expression is sticky. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found) this.#at += found[0].length;
    return found;
  }

  /** Takes one character. */
  point(): number {
    const point = this.#source.codePointAt(this.#at) as number;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  /** @throws {SyntaxError} */
  fail(what: string): never {
    throw new SyntaxError(`expected a regular expression, got ${what} at ${this.#at}`);
  }
}
