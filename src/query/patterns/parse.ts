import { charOf, literal, posix, property, setOf, shorthand } from './char-sets.js';
import type { Node, Pattern } from './syntax.js';

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

const REPEAT_MAX = 65_535;
const DEPTH_MAX = 250;
const EMPTY: Node = { kind: 'sequence', nodes: [] };
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7 };
const PLACES = {
  A: 'start',
  z: 'end',
  Z: 'end-or-newline',
  b: 'word-edge',
  B: 'inside-word',
  G: 'start',
} as const;

/**
 * Reads a pattern in Perl's syntax, as MongoDB has it.
 * https://www.pcre.org/current/doc/html/pcre2syntax.html
 *
 * @param flags of `i`, `m`, `s`, `x`
 * @throws {SyntaxError} saying what was expected where
 */
export function parsePattern(source: string, flags: string): Pattern {
  return new Parser(source, flags).parse();
}

class Parser {
  readonly #source: string;
  readonly #names = new Map<string, number>();
  #unicode = false;
  #flags: Flags;
  #at = 0;
  #captures = 0;
  #depth = 0;
  #highestBack = 0;

  constructor(source: string, flags: string) {
    this.#source = source;
    const has = (flag: string) => flags.includes(flag);
    this.#flags = { i: has('i'), m: has('m'), s: has('s'), x: has('x') };
  }

  parse(): Pattern {
    for (let verb = this.#take(/\(\*(\w+)\)/y); verb; verb = this.#take(/\(\*(\w+)\)/y)) {
      if (verb[1] === 'UCP') this.#unicode = true;
      else if (!['UTF', 'UTF8'].includes(verb[1] as string)) this.#fail(`the verb ${verb[1]}`);
    }
    const node = this.#choice();
    if (this.#at < this.#source.length) this.#fail('an unopened )');
    if (this.#highestBack > this.#captures) this.#fail(`a reference to group ${this.#highestBack}`);
    return { node, captures: this.#captures };
  }

  #fail(what: string): never {
    throw new SyntaxError(`expected a regular expression, got ${what} at ${this.#at}`);
  }

  /** Takes what matches here; the expression is sticky. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found) this.#at += found[0].length;
    return found;
  }

  #choice(): Node {
    if (++this.#depth > DEPTH_MAX) this.#fail('too deep a nesting');
    const outer = this.#flags;
    const nodes = [this.#sequence()];
    while (this.#take(/\|/y)) nodes.push(this.#sequence());
    this.#flags = outer;
    this.#depth--;
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'choice', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      if (this.#flags.x) this.#take(/(?:\s+|#[^\n]*)+/y);
      const next = this.#source[this.#at];
      if (next === undefined || next === '|' || next === ')') break;
      const item = this.#item();
      if (item) nodes.push(this.#repeated(item));
    }
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'sequence', nodes };
  }

  #repeated(item: Node): Node {
    let node = item;
    for (;;) {
      if (this.#flags.x) this.#take(/(?:\s+|#[^\n]*)+/y);
      const found = this.#take(/([*+?]|\{(\d+)(,(\d*))?\})([?+]?)/y);
      if (!found) return node;
      const [least, most] = countsOf(found);
      if (least > most || least > REPEAT_MAX) this.#fail('counts out of order');
      const mode = found[5] === '?' ? 'lazy' : found[5] === '+' ? 'possessive' : 'greedy';
      node = { kind: 'repeat', node, least, most, mode };
    }
  }

  /** One item; undefined for what only sets flags or comments. */
  #item(): Node | undefined {
    if (this.#take(/\(/y)) return this.#group();
    if (this.#take(/\[/y)) return this.#brackets();
    if (this.#take(/\\/y)) return this.#escape();
    if (this.#take(/\./y)) return this.#flags.s ? anything() : setOf('\\n', true, false);
    if (this.#take(/\^/y)) return { kind: 'place', place: this.#flags.m ? 'line-start' : 'start' };
    if (this.#take(/\$/y))
      return { kind: 'place', place: this.#flags.m ? 'line-end' : 'end-or-newline' };
    if (this.#take(/[*+?]/y)) this.#fail('nothing to repeat');
    return this.#char(this.#point());
  }

  #point(): number {
    const point = this.#source.codePointAt(this.#at) as number;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #char(point: number): Node {
    return charOf(point, this.#flags.i);
  }

  #group(): Node | undefined {
    if (this.#take(/\?#[^)]*\)/y)) return undefined;
    const set = this.#take(/\?([imsx]*)(?:-([imsx]+))?\)/y);
    if (set) {
      this.#setFlags(set);
      return undefined;
    }
    const scoped = this.#take(/\?([imsx]*)(?:-([imsx]+))?:/y);
    if (scoped) return this.#scoped(scoped);
    const look = this.#take(/\?(<?)([=!])/y);
    if (look) return this.#look(look[1] === '<', look[2] === '!');
    if (this.#take(/\?>/y)) return { kind: 'atomic', node: this.#closed() };
    if (this.#take(/\?\|/y)) this.#fail('a group of branch resets');
    const condition = this.#take(/\?\((?:(\d+)|<(\w+)>|'(\w+)')\)/y);
    if (condition) return this.#condition(condition);
    const back = this.#take(/\?P=(\w+)\)/y);
    if (back) return this.#backByName(back[1] as string);
    const name = this.#take(/\?(?:P?<(\w+)>|'(\w+)')/y);
    if (!name && this.#source[this.#at] === '?') this.#fail('an unknown kind of group');
    const capture = ++this.#captures;
    if (name) this.#names.set((name[1] ?? name[2]) as string, capture);
    return { kind: 'group', node: this.#closed(), capture };
  }

  #setFlags([, on = '', off = '']: RegExpExecArray): void {
    const flag = (name: keyof Flags) =>
      (this.#flags[name] || on.includes(name)) && !off.includes(name);
    this.#flags = { i: flag('i'), m: flag('m'), s: flag('s'), x: flag('x') };
  }

  #scoped(flags: RegExpExecArray): Node {
    const outer = this.#flags;
    this.#setFlags(flags);
    const node = this.#closed();
    this.#flags = outer;
    return node;
  }

  #closed(): Node {
    const node = this.#choice();
    if (!this.#take(/\)/y)) this.#fail('an unclosed (');
    return node;
  }

  #look(behind: boolean, not: boolean): Node {
    const node = this.#closed();
    if (behind && !hasFixedLength(node)) this.#fail('a look behind of no fixed length');
    return { kind: 'look', node, behind, not };
  }

  #condition([, number, name, quoted]: RegExpExecArray): Node {
    const known = this.#names.get((name ?? quoted) as string);
    const capture = number === undefined ? known : Number(number);
    if (capture === undefined) this.#fail('a condition on an unknown group');
    this.#highestBack = Math.max(this.#highestBack, capture);
    const yes = this.#sequence();
    const no = this.#take(/\|/y) ? this.#sequence() : EMPTY;
    if (!this.#take(/\)/y)) this.#fail('an unclosed (');
    return { kind: 'condition', capture, yes, no };
  }

  #back(capture: number): Node {
    this.#highestBack = Math.max(this.#highestBack, capture);
    return { kind: 'back', capture, folds: this.#flags.i };
  }

  #backByName(name: string): Node {
    const capture = this.#names.get(name);
    return capture === undefined ? this.#fail(`a reference to ${name}`) : this.#back(capture);
  }

  #escape(): Node {
    const quoted = this.#take(/Q([\s\S]*?)(?:\\E|$)/y);
    if (quoted)
      return {
        kind: 'sequence',
        nodes: [...(quoted[1] as string)].map((char) => this.#char(char.codePointAt(0) as number)),
      };
    if (this.#take(/E/y)) return EMPTY;
    const place = this.#take(/[AzZbBG]/y);
    if (place) return { kind: 'place', place: PLACES[place[0] as keyof typeof PLACES] };
    const back = this.#take(/g?\{?([1-9]\d?)\}?/y);
    if (back) return this.#back(Number(back[1]));
    const named = this.#take(/k(?:<(\w+)>|\{(\w+)\}|'(\w+)')/y);
    if (named) return this.#backByName((named[1] ?? named[2] ?? named[3]) as string);
    if (this.#take(/N/y)) return setOf('\\n', true, false);
    if (this.#take(/R/y)) return setOf('\\n-\\r\\u2028\\u2029', false, false);
    const members = this.#members();
    return setOf(members.text, members.negated, this.#flags.i);
  }

  /** A class such as `\d`, or one character, behind its backslash. */
  #members(): { text: string; negated: boolean; point?: number } {
    const kind = this.#take(/[dwshvDWSHV]/y)?.[0];
    if (kind) {
      const text = shorthand(kind.toLowerCase(), this.#unicode) as string;
      return { text, negated: kind !== kind.toLowerCase() };
    }
    const named = this.#take(/([pP])(?:\{(\^?)(\w+)\}|(\w))/y);
    if (named) return { text: this.#property(named), negated: false };
    const point = this.#escapedPoint();
    return { text: literal(point), negated: false, point };
  }

  #property([, letter, caret, long, short]: RegExpExecArray): string {
    const negated = (letter === 'P') !== (caret === '^');
    const text = property((long ?? short) as string, negated);
    return text ?? this.#fail(`the unknown property ${long ?? short}`);
  }

  #escapedPoint(): number {
    const hexadecimal = this.#take(/x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{0,2}))/y);
    if (hexadecimal) return Number.parseInt(hexadecimal[1] ?? (hexadecimal[2] || '0'), 16);
    const octal = this.#take(/0[0-7]{0,2}/y);
    if (octal) return Number.parseInt(octal[0], 8);
    const control = this.#take(/c([A-Za-z])/y);
    if (control) return (control[1] as string).toUpperCase().charCodeAt(0) - 64;
    if (this.#at >= this.#source.length) this.#fail('a \\ at the end');
    const char = this.#source[this.#at] as string;
    const known = ESCAPES[char];
    if (known === undefined && /[A-Za-z]/.test(char)) this.#fail(`the unknown escape \\${char}`);
    const point = this.#point();
    return known ?? point;
  }

  #brackets(): Node {
    const negated = this.#take(/\^/y) !== null;
    let text = '';
    for (let first = true; ; first = false) {
      if (!first && this.#take(/\]/y)) break;
      if (this.#at >= this.#source.length) this.#fail('an unclosed [');
      text += this.#bracketItem();
    }
    return setOf(text, negated, this.#flags.i);
  }

  #bracketItem(): string {
    const named = this.#take(/\[:(\^?)(\w+):\]/y);
    if (named) return this.#posix(named);
    const from = this.#bracketPoint();
    if (typeof from === 'string') return from;
    if (!this.#take(/-(?=[^\]])/y)) return literal(from);
    const to = this.#bracketPoint();
    if (typeof to === 'string') return `${literal(from)}\\-${to}`;
    if (to < from) this.#fail('a range out of order');
    return `${literal(from)}-${literal(to)}`;
  }

  #posix([, caret, name]: RegExpExecArray): string {
    const members = posix(name as string, this.#unicode);
    if (members === undefined) this.#fail(`the unknown class ${name}`);
    return caret === '^' ? complement(members) : members;
  }

  /** A character, or the members of a class. */
  #bracketPoint(): number | string {
    if (!this.#take(/\\/y)) return this.#point();
    if (this.#take(/b/y)) return 8;
    const { text, negated, point } = this.#members();
    if (point !== undefined) return point;
    return negated ? complement(text) : text;
  }
}

function anything(): Node {
  return { kind: 'set', test: () => true, text: '[^]' };
}

function countsOf(found: RegExpExecArray): [number, number] {
  const infinity = Number.POSITIVE_INFINITY;
  if (found[1] === '*') return [0, infinity];
  if (found[1] === '+') return [1, infinity];
  if (found[1] === '?') return [0, 1];
  const least = Number(found[2]);
  if (found[3] === undefined) return [least, least];
  return [least, found[4] ? Number(found[4]) : infinity];
}

/** What is not a member, as ranges: the members are tested over the plane where most text lies. */
function complement(members: string): string {
  const pattern = new RegExp(`[${members}]`, 'u');
  const ranges: string[] = [];
  let from: number | undefined;
  for (let point = 0; point <= 0x3000; point++) {
    const outside = point < 0x3000 && !pattern.test(String.fromCodePoint(point));
    if (outside) from ??= point;
    else if (from !== undefined) {
      ranges.push(`${literal(from)}-${literal(point - 1)}`);
      from = undefined;
    }
  }
  return `${ranges.join('')}\\u{3000}-\\u{10ffff}`;
}

/** A length that is the same for all that can match, in each of the branches. */
function hasFixedLength(node: Node): boolean {
  if (node.kind === 'choice') return node.nodes.every((each) => lengthOf(each) !== undefined);
  return lengthOf(node) !== undefined;
}

export function lengthOf(node: Node): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'place':
    case 'look':
      return 0;
    case 'group':
    case 'atomic':
      return lengthOf(node.node);
    case 'sequence':
      return node.nodes.map(lengthOf).reduce(add, 0);
    case 'choice': {
      const [first, ...rest] = node.nodes.map(lengthOf);
      return rest.every((length) => length === first) ? first : undefined;
    }
    case 'repeat': {
      const length = lengthOf(node.node);
      return node.least === node.most && length !== undefined ? length * node.least : undefined;
    }
    default:
      return undefined;
  }
}

function add(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
