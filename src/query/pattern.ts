import { JdbxError } from '../base/errors.js';
import { describeType } from '../base/values.js';
import { waysThrough } from './patterns/cost.js';
import { emitPattern } from './patterns/emit.js';
import { parsePattern } from './patterns/parse.js';
import { type Found, search } from './patterns/search.js';
import { SearchTooLong } from './patterns/subject.js';
import type { Pattern } from './patterns/syntax.js';

const PATTERN_LENGTH_MAX = 16_384;
/** What JavaScript's engine, which knows no bound, may be given: about so many steps. */
const WAYS_MAX = 2_000_000;
/** Texts beyond this are longer than documents. */
const LENGTH_MAX = 2 ** 24;

/** A pattern that can be searched for, in bounded time. */
export interface TextPattern {
  readonly source: string;
  /** Of `i`, `m`, `s`, `x`. */
  readonly flags: string;
  /** @throws {JdbxError} INVALID_FILTER when the search takes too many steps */
  test(text: string): boolean;
  /** The first match from a place on. @throws {JdbxError} as `test` */
  find(text: string, from?: number): Found | undefined;
}

/**
 * A pattern from a `RegExp` or text and `$options` (`i`, `m`, `s`, `x`, `u`), in Perl's
 * syntax as MongoDB has it.
 *
 * @throws {JdbxError} INVALID_FILTER
 */
export function readPattern(source: unknown, options?: unknown, path = ''): TextPattern {
  if (options !== undefined && typeof options !== 'string') {
    refuse(path, `expected $options as text, got ${describeType(options)}`);
  }
  if (source instanceof RegExp) {
    const own = source.flags.replace(/[gyd]/g, '');
    if (options !== undefined && own !== '') refuse(path, 'expected options in one place, got two');
    return build(source.source, options ?? own, path);
  }
  if (typeof source !== 'string') {
    refuse(path, `expected text or a regular expression, got ${describeType(source)}`);
  }
  return build(source, options ?? '', path);
}

function build(source: string, options: string, path: string): TextPattern {
  if (source.length > PATTERN_LENGTH_MAX)
    refuse(path, `expected at most ${PATTERN_LENGTH_MAX} characters`);
  if (source.includes('\0')) refuse(path, 'expected a pattern without null characters');
  for (const flag of options) if (!'imsux'.includes(flag)) refuse(path, `unknown option "${flag}"`);
  const flags = [...new Set(options.replaceAll('u', ''))].sort().join('');
  try {
    return new BoundedPattern(source, flags, parsePattern(source, flags), path);
  } catch (cause) {
    throw new JdbxError('INVALID_FILTER', (cause as Error).message, { path, cause });
  }
}

/**
 * JavaScript's engine where it can say the pattern and has few ways to go; our own, which
 * counts its steps, for the rest.
 */
class BoundedPattern implements TextPattern {
  readonly source: string;
  readonly flags: string;
  readonly #pattern: Pattern;
  readonly #path: string;
  readonly #fast: RegExp | undefined;
  readonly #lengthMax: number;

  constructor(source: string, flags: string, pattern: Pattern, path: string) {
    this.source = source;
    this.flags = flags;
    this.#pattern = pattern;
    this.#path = path;
    this.#fast = compiled(pattern, flags, source);
    this.#lengthMax = lengthAllowed(pattern);
  }

  test(text: string): boolean {
    if (!this.#fast || text.length > this.#lengthMax) return this.find(text) !== undefined;
    this.#fast.lastIndex = 0;
    return this.#fast.test(text);
  }

  find(text: string, from = 0): Found | undefined {
    if (this.#fast && text.length <= this.#lengthMax) return findFast(this.#fast, text, from);
    try {
      return search(this.#pattern, text, from);
    } catch (cause) {
      if (!(cause instanceof SearchTooLong)) throw cause;
      const message = `expected a pattern that is decided sooner: ${cause.message}`;
      throw new JdbxError('INVALID_FILTER', message, { path: this.#path, cause });
    }
  }
}

/** The length of the texts, a power of two, up to which a search takes few steps whatever they hold. */
function lengthAllowed({ node }: Pattern): number {
  if (waysThrough(node, LENGTH_MAX) <= 1) return Number.POSITIVE_INFINITY;
  let length = 1;
  while (length < LENGTH_MAX && waysThrough(node, length * 2) * length * 2 <= WAYS_MAX) length *= 2;
  return length;
}

/** Case is folded alike for the whole pattern or not at all by JavaScript's engine. */
function compiled(pattern: Pattern, flags: string, source: string): RegExp | undefined {
  if (/\(\?[a-z]*-?[a-z]*i/.test(source)) return undefined;
  const text = emitPattern(pattern.node);
  return text === undefined ? undefined : new RegExp(text, flags.includes('i') ? 'dgiu' : 'dgu');
}

function findFast(pattern: RegExp, text: string, from: number): Found | undefined {
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  if (!found?.indices) return undefined;
  const [[start, end], ...captures] = found.indices as [[number, number], ...[number, number][]];
  return { start, end, captures };
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_FILTER', text, { path });
}
