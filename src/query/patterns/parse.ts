import { readBrackets } from './brackets.js';
import { charOf, setOf } from './char-sets.js';
import { readMembers } from './escapes.js';
import { hasFixedLength } from './lengths.js';
import { Scanner } from './scanner.js';
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
  readonly #scanner: Scanner;
  readonly #names = new Map<string, number>();
  #unicode = false;
  #flags: Flags;
  #captures = 0;
  #depth = 0;
  #highestBack = 0;

  constructor(source: string, flags: string) {
    this.#scanner = new Scanner(source);
    const has = (flag: string) => flags.includes(flag);
    this.#flags = { i: has('i'), m: has('m'), s: has('s'), x: has('x') };
  }

  parse(): Pattern {
    for (
      let verb = this.#scanner.take(/\(\*(\w+)\)/y);
      verb;
      verb = this.#scanner.take(/\(\*(\w+)\)/y)
    ) {
      if (verb[1] === 'UCP') this.#unicode = true;
      else if (!['UTF', 'UTF8'].includes(verb[1] as string))
        this.#scanner.fail(`the verb ${verb[1]}`);
    }
    const node = this.#choice();
    if (this.#scanner.next !== undefined) this.#scanner.fail('an unopened )');
    if (this.#highestBack > this.#captures)
      this.#scanner.fail(`a reference to group ${this.#highestBack}`);
    return { node, captures: this.#captures };
  }

  #choice(): Node {
    if (++this.#depth > DEPTH_MAX) this.#scanner.fail('too deep a nesting');
    const outer = this.#flags;
    const nodes = [this.#sequence()];
    while (this.#scanner.take(/\|/y)) nodes.push(this.#sequence());
    this.#flags = outer;
    this.#depth--;
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'choice', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      if (this.#flags.x) this.#scanner.take(/(?:\s+|#[^\n]*)+/y);
      const { next } = this.#scanner;
      if (next === undefined || next === '|' || next === ')') break;
      const item = this.#item();
      if (item) nodes.push(this.#repeated(item));
    }
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'sequence', nodes };
  }

  #repeated(item: Node): Node {
    let node = item;
    for (;;) {
      if (this.#flags.x) this.#scanner.take(/(?:\s+|#[^\n]*)+/y);
      const found = this.#scanner.take(/([*+?]|\{(\d+)(,(\d*))?\})([?+]?)/y);
      if (!found) return node;
      const [least, most] = countsOf(found);
      if (least > most || least > REPEAT_MAX) this.#scanner.fail('counts out of order');
      const mode = found[5] === '?' ? 'lazy' : found[5] === '+' ? 'possessive' : 'greedy';
      node = { kind: 'repeat', node, least, most, mode };
    }
  }

  /** One item; undefined for what only sets flags or comments. */
  #item(): Node | undefined {
    if (this.#scanner.take(/\(/y)) return this.#group();
    if (this.#scanner.take(/\[/y)) return readBrackets(this.#scanner, this.#unicode, this.#flags.i);
    if (this.#scanner.take(/\\/y)) return this.#escape();
    if (this.#scanner.take(/\./y)) return this.#flags.s ? anything() : setOf('\\n', true, false);
    if (this.#scanner.take(/\^/y))
      return { kind: 'place', place: this.#flags.m ? 'line-start' : 'start' };
    if (this.#scanner.take(/\$/y))
      return { kind: 'place', place: this.#flags.m ? 'line-end' : 'end-or-newline' };
    if (this.#scanner.take(/[*+?]/y)) this.#scanner.fail('nothing to repeat');
    return this.#char(this.#scanner.point());
  }

  #char(point: number): Node {
    return charOf(point, this.#flags.i);
  }

  #group(): Node | undefined {
    if (this.#scanner.take(/\?#[^)]*\)/y)) return undefined;
    const set = this.#scanner.take(/\?([imsx]*)(?:-([imsx]+))?\)/y);
    if (set) {
      this.#setFlags(set);
      return undefined;
    }
    const scoped = this.#scanner.take(/\?([imsx]*)(?:-([imsx]+))?:/y);
    if (scoped) return this.#scoped(scoped);
    const look = this.#scanner.take(/\?(<?)([=!])/y);
    if (look) return this.#look(look[1] === '<', look[2] === '!');
    if (this.#scanner.take(/\?>/y)) return { kind: 'atomic', node: this.#closed() };
    if (this.#scanner.take(/\?\|/y)) this.#scanner.fail('a group of branch resets');
    const condition = this.#scanner.take(/\?\((?:(\d+)|<(\w+)>|'(\w+)')\)/y);
    if (condition) return this.#condition(condition);
    const back = this.#scanner.take(/\?P=(\w+)\)/y);
    if (back) return this.#backByName(back[1] as string);
    const name = this.#scanner.take(/\?(?:P?<(\w+)>|'(\w+)')/y);
    if (!name && this.#scanner.next === '?') this.#scanner.fail('an unknown kind of group');
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
    if (!this.#scanner.take(/\)/y)) this.#scanner.fail('an unclosed (');
    return node;
  }

  #look(behind: boolean, not: boolean): Node {
    const node = this.#closed();
    if (behind && !hasFixedLength(node)) this.#scanner.fail('a look behind of no fixed length');
    return { kind: 'look', node, behind, not };
  }

  #condition([, number, name, quoted]: RegExpExecArray): Node {
    const known = this.#names.get((name ?? quoted) as string);
    const capture = number === undefined ? known : Number(number);
    if (capture === undefined) this.#scanner.fail('a condition on an unknown group');
    this.#highestBack = Math.max(this.#highestBack, capture);
    const yes = this.#sequence();
    const no = this.#scanner.take(/\|/y) ? this.#sequence() : EMPTY;
    if (!this.#scanner.take(/\)/y)) this.#scanner.fail('an unclosed (');
    return { kind: 'condition', capture, yes, no };
  }

  #back(capture: number): Node {
    this.#highestBack = Math.max(this.#highestBack, capture);
    return { kind: 'back', capture, folds: this.#flags.i };
  }

  #backByName(name: string): Node {
    const capture = this.#names.get(name);
    return capture === undefined
      ? this.#scanner.fail(`a reference to ${name}`)
      : this.#back(capture);
  }

  #escape(): Node {
    const quoted = this.#scanner.take(/Q([\s\S]*?)(?:\\E|$)/y);
    if (quoted)
      return {
        kind: 'sequence',
        nodes: [...(quoted[1] as string)].map((char) => this.#char(char.codePointAt(0) as number)),
      };
    if (this.#scanner.take(/E/y)) return EMPTY;
    const place = this.#scanner.take(/[AzZbBG]/y);
    if (place) return { kind: 'place', place: PLACES[place[0] as keyof typeof PLACES] };
    const back = this.#scanner.take(/g?\{?([1-9]\d?)\}?/y);
    if (back) return this.#back(Number(back[1]));
    const named = this.#scanner.take(/k(?:<(\w+)>|\{(\w+)\}|'(\w+)')/y);
    if (named) return this.#backByName((named[1] ?? named[2] ?? named[3]) as string);
    if (this.#scanner.take(/N/y)) return setOf('\\n', true, false);
    if (this.#scanner.take(/R/y)) return setOf('\\n-\\r\\u2028\\u2029', false, false);
    const members = readMembers(this.#scanner, this.#unicode);
    return setOf(members.text, members.negated, this.#flags.i);
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
