import { JdbxError } from '../../base/errors.js';
import { readPattern } from '../pattern.js';
import { describe, isNil, type Named, named, type Operators, refuse } from './operator.js';

const MATCHES_MAX = 1_000_000;
const NAMES = ['input!', 'regex!', 'options'];

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/regexFind/ */
export const PATTERN_OPERATORS: Operators = {
  $regexMatch: named('$regexMatch', NAMES, (args) => {
    const found = prepare('$regexMatch', args);
    return found?.pattern.test(found.input) === true;
  }),
  $regexFind: named('$regexFind', NAMES, (args) => {
    const found = prepare('$regexFind', args);
    return found === null ? null : (matchesOf(found, '$regexFind', 1)[0] ?? null);
  }),
  $regexFindAll: named('$regexFindAll', NAMES, (args) => {
    const found = prepare('$regexFindAll', args);
    return found === null ? [] : matchesOf(found, '$regexFindAll', MATCHES_MAX);
  }),
};

export interface PatternMatch {
  readonly match: string;
  /** In code points. */
  readonly idx: number;
  readonly captures: readonly (string | null)[];
}

interface Search {
  readonly input: string;
  readonly pattern: RegExp;
}

/** Null when there is nothing to look in or for; what is there is checked all the same. */
function prepare(name: string, { input, regex, options }: Named): Search | null {
  if (!isNil(input) && typeof input !== 'string') refuse(name, 'text as input', describe(input));
  if (!isNil(regex) && typeof regex !== 'string' && !(regex instanceof RegExp))
    refuse(name, 'a pattern as regex', describe(regex));
  if (!isNil(options) && typeof options !== 'string')
    refuse(name, 'text as options', describe(options));
  if (isNil(regex)) return null;
  const own = regex instanceof RegExp ? regex.flags.replace(/[gyd]/g, '') : '';
  if (!isNil(options) && own !== '') refuse(name, 'options in one place', 'options in two');
  const pattern = patternOf(name, regex, (options as string | null) ?? undefined);
  return isNil(input) ? null : { input, pattern };
}

function patternOf(name: string, regex: unknown, options: string | undefined): RegExp {
  try {
    return readPattern(regex, regex instanceof RegExp ? options || undefined : options);
  } catch (cause) {
    throw new JdbxError('INVALID_EXPRESSION', (cause as Error).message, { path: name, cause });
  }
}

/** Steps past an empty match, so every pattern comes to an end. */
function matchesOf({ input, pattern }: Search, name: string, most: number): PatternMatch[] {
  const matches: PatternMatch[] = [];
  let [units, points] = [0, 0];
  for (const found of input.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))) {
    points += [...input.slice(units, found.index)].length;
    units = found.index;
    const captures = found.slice(1).map((text) => text ?? null);
    if (found.index === input.length && input !== '' && matches.length > 0) break;
    matches.push({ match: found[0], idx: points, captures });
    if (matches.length === most && most === 1) break;
    if (matches.length > MATCHES_MAX) refuse(name, `at most ${MATCHES_MAX} matches`, 'more');
  }
  return matches;
}
