import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';

const RANGE_MAX = 1_000_000;
const MATCHES_MAX = 1_000_000;

/**
 * `$range` over whole numbers of 32 bits, at most a million of them.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/range/
 */
export function rangeOf(operand: unknown): number[] {
  if (!Array.isArray(operand) || operand.length < 2 || operand.length > 3) {
    refuse('$range', '[start, end, step]', describeType(operand));
  }
  const [start, end, step] = [operand[0], operand[1], operand.length === 3 ? operand[2] : 1];
  for (const part of [start, end, step]) {
    if (!Number.isInteger(part) || (part | 0) !== part)
      refuse('$range', '32-bit whole numbers', String(part));
  }
  if (step === 0) refuse('$range', 'a step other than 0', '0');
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (length > RANGE_MAX) refuse('$range', `at most ${RANGE_MAX} numbers`, String(length));
  return Array.from({ length }, (_, at) => start + at * step);
}

export interface PatternMatch {
  readonly match: string;
  /** In code points. */
  readonly idx: number;
  readonly captures: readonly (string | null)[];
}

/**
 * `$regexFindAll`: steps past an empty match, so every pattern comes to an end.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/regexFindAll/
 */
export function findAllMatches(operand: unknown): PatternMatch[] {
  if (!isPlainObject(operand)) refuse('$regexFindAll', 'an object', describeType(operand));
  const { input, regex, options } = operand;
  if (input === null || input === undefined || regex === null || regex === undefined) return [];
  if (typeof input !== 'string') refuse('$regexFindAll', 'text as input', describeType(input));
  const matches: PatternMatch[] = [];
  let [units, points] = [0, 0];
  for (const found of input.matchAll(globalPattern(regex, options))) {
    points += [...input.slice(units, found.index)].length;
    units = found.index;
    matches.push({
      match: found[0],
      idx: points,
      captures: found.slice(1).map((text) => text ?? null),
    });
    if (matches.length >= MATCHES_MAX)
      refuse('$regexFindAll', `at most ${MATCHES_MAX} matches`, 'more');
  }
  return matches;
}

function globalPattern(regex: unknown, options: unknown): RegExp {
  const flags = typeof options === 'string' ? options : '';
  if (!/^[ims]*$/.test(flags)) refuse('$regexFindAll', 'options of i, m and s', flags);
  const source = regex instanceof RegExp ? regex.source : regex;
  if (typeof source !== 'string') refuse('$regexFindAll', 'text as regex', describeType(regex));
  const own = regex instanceof RegExp ? regex.flags.replace(/[gyd]/g, '') : '';
  const all = [...new Set(`${flags}${own}g`)].join('');
  return byCodePoint(source, all) ?? new RegExp(source, all);
}

/** With `u` a pattern goes by code points; some older escapes are not allowed then. */
function byCodePoint(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags.includes('u') ? flags : `${flags}u`);
  } catch {
    return undefined;
  }
}

function refuse(operator: string, expected: string, got: string): never {
  throw new JdbxError('INVALID_EXPRESSION', `expected ${expected}, got ${got}`, { path: operator });
}
