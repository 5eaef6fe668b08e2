import type { TextPattern } from './pattern.js';

/**
 * The literal text that every match of a pattern starts with: `abc` of
 * `/^abc[0-9]/`. Undefined where that is not certain.
 */
export function patternPrefix(pattern: TextPattern): string | undefined {
  if (/[imx]/.test(pattern.flags) || pattern.source.includes('|')) return undefined;
  const found = /^\^((?:[A-Za-z0-9 _:@,;<>=!"'%&~`#/-]|\\[.:/_-])+)(.?)/.exec(pattern.source);
  if (!found?.[1]) return undefined;
  const optional = found[2] === '*' || found[2] === '?' || found[2] === '{';
  const literal = found[1].replace(/\\(.)/g, '$1');
  return (optional ? literal.slice(0, -1) : literal) || undefined;
}

/** The least ASCII-ending text above every text that starts with `prefix`. */
export function textAfter(prefix: string): string | undefined {
  const last = prefix.charCodeAt(prefix.length - 1);
  return last < 0x7f ? prefix.slice(0, -1) + String.fromCharCode(last + 1) : undefined;
}
