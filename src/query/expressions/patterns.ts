import { JdbxError } from '../../base/errors.js';
import { readPattern, type TextPattern } from '../pattern.js';
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
  readonly pattern: TextPattern;
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

function patternOf(name: string, regex: unknown, options: string | undefined): TextPattern {
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
  for (let from = 0; from <= input.length && matches.length < most; ) {
    const found = pattern.find(input, from);
    // At the end of a text nothing is found again, unless there is no text.
    if (!found || (found.start === input.length && matches.length > 0)) break;
    points += [...input.slice(units, found.start)].length;
    units = found.start;
    const captures = found.captures.map((place) => (place ? input.slice(...place) : null));
    matches.push({ match: input.slice(found.start, found.end), idx: points, captures });
    const step = (input.codePointAt(found.end) ?? 0) > 0xffff ? 2 : 1;
    from = found.end > found.start ? found.end : found.end + step;
    if (matches.length >= MATCHES_MAX) refuse(name, `at most ${MATCHES_MAX} matches`, 'more');
  }
  return matches;
}
