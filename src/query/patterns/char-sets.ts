import type { CharSet } from './syntax.js';

const ASCII: Readonly<Record<string, string>> = {
  d: '0-9',
  w: '0-9A-Za-z_',
  s: '\\t-\\r ',
  h: '\\t ',
  v: '\\n-\\r',
};
const UNICODE: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\s',
  h: '\\t\\p{Zs}',
  v: '\\n-\\r\\u2028\\u2029',
};
/** https://www.pcre.org/current/doc/html/pcre2pattern.html#SEC10 */
const POSIX: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: '0-9A-Za-z',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\t-\\r ',
  blank: '\\t ',
  punct: '!-\\/:-@\\[-`\\{-~',
  xdigit: '0-9A-Fa-f',
  word: '0-9A-Za-z_',
  cntrl: '\\0-\\x1f\\x7f',
  print: ' -~',
  graph: '!-~',
};
const POSIX_UNICODE: Readonly<Record<string, string>> = {
  alpha: '\\p{L}',
  digit: '\\p{Nd}',
  alnum: '\\p{L}\\p{N}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
};

/** The members of `\d`, `\w` … for the inside of brackets. */
export function shorthand(letter: string, unicode: boolean): string | undefined {
  return (unicode ? UNICODE : ASCII)[letter];
}

export function posix(name: string, unicode: boolean): string | undefined {
  return (unicode ? POSIX_UNICODE[name] : undefined) ?? POSIX[name];
}

/** `\p{…}` as JavaScript spells it: scripts by their own names. */
export function property(name: string, negated: boolean): string | undefined {
  const letter = negated ? 'P' : 'p';
  for (const spelling of [name, `Script=${name}`]) {
    const text = `\\${letter}{${spelling}}`;
    if (compiles(text)) return text;
  }
  return undefined;
}

function compiles(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** A literal character for the inside of brackets. */
export function literal(point: number): string {
  return `\\u{${point.toString(16)}}`;
}

/** A set from the inside of brackets; JavaScript's own engine tests one character at a time. */
export function setOf(members: string, negated: boolean, folds: boolean): CharSet {
  const text = `[${negated ? '^' : ''}${members}]`;
  const known = new Map<number, boolean>();
  let pattern: RegExp | undefined;
  const test = (point: number): boolean => {
    let fits = known.get(point);
    if (fits === undefined) {
      pattern ??= new RegExp(text, folds ? 'iu' : 'u');
      fits = pattern.test(String.fromCodePoint(point));
      if (known.size < 1_000) known.set(point, fits);
    }
    return fits;
  };
  return { kind: 'set', test, text };
}

/** One character. */
export function charOf(point: number, folds: boolean): CharSet {
  if (folds) return setOf(literal(point), false, true);
  return { kind: 'set', test: (other) => other === point, text: literal(point) };
}
