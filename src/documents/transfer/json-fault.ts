import { fromExtendedJson } from '../../base/extended-json.js';

/** Where text stops being JSON, and what should have stood there. */
export interface JsonFault {
  /** In UTF-16 units, from 0. */
  readonly offset: number;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** `expected a comma or }, got "x"` */
  readonly text: string;
}

/** Text that is not JSON. The engine's own message often names no place, so this one looks again. */
export class JsonSyntaxError extends SyntaxError {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(`${fault.text} at line ${fault.line}, column ${fault.column}`);
    this.name = 'JsonSyntaxError';
    this.fault = fault;
  }
}

/**
 * Reads Extended JSON.
 *
 * @throws {JsonSyntaxError}
 * @throws {JdbxError} INVALID_DOCUMENT for a malformed `$date` or `$binary`
 */
export function readJsonText(text: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const fault = findJsonFault(text);
    throw fault ? new JsonSyntaxError(fault) : cause;
  }
  return fromExtendedJson(json);
}

/** The first place where text departs from RFC 8259; undefined when it does not. */
export function findJsonFault(text: string): JsonFault | undefined {
  const walk = new Walk(text);
  const expected = walk.toFault();
  if (expected === undefined) return undefined;
  const { at } = walk;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return { offset: at, line, column, text: `expected ${expected}, got ${found(text, at)}` };
}

function found(text: string, at: number): string {
  const codePoint = text.codePointAt(at);
  if (codePoint === undefined) return 'the end of the text';
  // A word, such as `None`; of anything longer only the beginning: it may be part of a secret.
  const word = /^\w{1,12}(?![\w$.+-])/.exec(text.slice(at, at + 13))?.[0];
  return JSON.stringify(word ?? String.fromCodePoint(codePoint));
}

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'next';

/** One pass over the text with a stack of what is open. Each step gives what it missed, if anything. */
class Walk {
  readonly #text: string;
  readonly #open: string[] = [];
  #wanted: Wanted = 'value';
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What should have stood at `at`; undefined when the text is JSON. */
  toFault(): string | undefined {
    for (;;) {
      while (' \t\r\n'.includes(this.#text[this.at] ?? '.')) this.at++;
      const char = this.#text[this.at] ?? '';
      if (char === '' && this.#wanted === 'next' && this.#open.length === 0) return undefined;
      const missed = this.#step(char);
      if (missed !== undefined) return missed;
    }
  }

  #step(char: string): string | undefined {
    switch (this.#wanted) {
      case 'value':
      case 'value or ]':
        return this.#value(char);
      case 'key':
      case 'key or }':
        return this.#key(char);
      case 'colon':
        return char === ':' ? this.#take('value') : 'a colon';
      default:
        return this.#next(char);
    }
  }

  #value(char: string): string | undefined {
    if (char === '{' || char === '[') {
      this.#open.push(char);
      return this.#take(char === '{' ? 'key or }' : 'value or ]');
    }
    if (char === ']' && this.#wanted === 'value or ]') return this.#shut();
    if (char === '"') return this.#string('next');
    const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
    scalar.lastIndex = this.at;
    const match = scalar.exec(this.#text);
    if (!match) return this.#wanted === 'value' ? 'a value' : 'a value or ]';
    this.at += match[0].length - 1;
    return this.#take('next');
  }

  #key(char: string): string | undefined {
    if (char === '}' && this.#wanted === 'key or }') return this.#shut();
    if (char === '"') return this.#string('colon');
    return `a property name in double quotes${this.#wanted === 'key' ? '' : ' or }'}`;
  }

  #next(char: string): string | undefined {
    const open = this.#open.at(-1);
    if (open === undefined) return 'the end of the text';
    if (char === ',') return this.#take(open === '{' ? 'key' : 'value');
    const end = open === '{' ? '}' : ']';
    return char === end ? this.#shut() : `a comma or ${end}`;
  }

  /** From the opening quote to the one that closes it. */
  #string(wanted: Wanted): string | undefined {
    const start = this.at++;
    for (; this.#text[this.at] !== '"'; this.at++) {
      const char = this.#text[this.at];
      if (char === undefined) {
        this.at = start;
        return 'a string that is closed';
      }
      if (char < ' ') return 'control characters to be escaped in a string';
      if (char === '\\' && !this.#stepOverEscape()) return 'an escape that JSON knows';
    }
    return this.#take(wanted);
  }

  #stepOverEscape(): boolean {
    const known = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
    known.lastIndex = this.at;
    const match = known.exec(this.#text);
    // The loop in `#string` steps over the last character of the escape.
    if (match) this.at += match[0].length - 1;
    return match !== null;
  }

  #shut(): undefined {
    this.#open.pop();
    return this.#take('next');
  }

  #take(wanted: Wanted): undefined {
    this.at++;
    this.#wanted = wanted;
    return undefined;
  }
}
