import { literal, posix, setOf } from './char-sets.js';
import { readMembers } from './escapes.js';
import type { Scanner } from './scanner.js';
import type { Node } from './syntax.js';

/** A class in brackets, behind the opening one. */
export function readBrackets(scanner: Scanner, unicode: boolean, folds: boolean): Node {
  const negated = scanner.take(/\^/y) !== null;
  let text = '';
  for (let first = true; ; first = false) {
    if (!first && scanner.take(/\]/y)) break;
    if (scanner.next === undefined) scanner.fail('an unclosed [');
    text += bracketItem(scanner, unicode);
  }
  return setOf(text, negated, folds);
}

function bracketItem(scanner: Scanner, unicode: boolean): string {
  const named = scanner.take(/\[:(\^?)(\w+):\]/y);
  if (named) return posixMembers(scanner, unicode, named);
  const from = bracketPoint(scanner, unicode);
  if (typeof from === 'string') return from;
  if (!scanner.take(/-(?=[^\]])/y)) return literal(from);
  const to = bracketPoint(scanner, unicode);
  if (typeof to === 'string') return `${literal(from)}\\-${to}`;
  if (to < from) scanner.fail('a range out of order');
  return `${literal(from)}-${literal(to)}`;
}

function posixMembers(
  scanner: Scanner,
  unicode: boolean,
  [, caret, name]: RegExpExecArray,
): string {
  const members = posix(name as string, unicode);
  if (members === undefined) scanner.fail(`the unknown class ${name}`);
  return caret === '^' ? complement(members) : members;
}

/** A character, or the members of a class. */
function bracketPoint(scanner: Scanner, unicode: boolean): number | string {
  if (!scanner.take(/\\/y)) return scanner.point();
  if (scanner.take(/b/y)) return 8;
  const { text, negated, point } = readMembers(scanner, unicode);
  if (point !== undefined) return point;
  return negated ? complement(text) : text;
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
