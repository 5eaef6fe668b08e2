import { createRequire } from 'node:module';
import { JdbxError } from '../../base/errors.js';

/** The optional package that strips types: swc's own parser, so it knows all of the language. */
export const STRIPPER_PACKAGE = '@swc/wasm-typescript';

interface Stripper {
  transformSync(
    source: string,
    options: { readonly mode: 'strip-only'; readonly module: true },
  ): { readonly code: string };
}

/** What the stripper throws: no `Error`. Lines count from 1, columns from 0. */
interface Refusal {
  readonly message?: string;
  readonly snippet?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

/**
 * TypeScript's types as blanks: every other character stays where it was, so that
 * lines and columns of the JavaScript are those of the source. What is more than a
 * type (`enum`, `namespace`, parameter properties, `import =`) is refused.
 *
 * @throws {JdbxError} GUEST_SYNTAX with `details: { name, line, column }`; TYPESCRIPT_MISSING
 */
export function stripTypes(source: string, { name }: { readonly name: string }): string {
  const stripper = loadStripper(name);
  try {
    return stripper.transformSync(source, { mode: 'strip-only', module: true }).code;
  } catch (error) {
    throw refusalOf(error as Refusal, source, name);
  }
}

let stripper: Stripper | undefined;

/** Loaded when it is first needed: 4 MB that most stores never ask for. */
function loadStripper(name: string): Stripper {
  try {
    stripper ??= createRequire(import.meta.url)(STRIPPER_PACKAGE) as Stripper;
    return stripper;
  } catch (cause) {
    throw new JdbxError(
      'TYPESCRIPT_MISSING',
      `${name} is in TypeScript: npm install ${STRIPPER_PACKAGE}`,
      { cause, details: { name, package: STRIPPER_PACKAGE } },
    );
  }
}

function refusalOf(refusal: Refusal, source: string, name: string): JdbxError {
  const { message = String(refusal), startLine: line = 1 } = refusal;
  const column = columnIn(source, line, refusal);
  const text = message
    .replace(/^TypeScript (.*) is not supported in strip-only mode$/, (_, what: string) => {
      const article = /^[aeiou]/i.test(what) ? 'an' : 'a';
      return `expected types that can be stripped, got ${article} ${what}`;
    })
    .replaceAll('`', '');
  return new JdbxError('GUEST_SYNTAX', `${text} (${name}, line ${line}, column ${column})`, {
    details: { name, line, column },
  });
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;
const COMBINING = /\p{M}/u;

/**
 * The stripper points at the place with a caret under the line, as a terminal would show
 * it. Here a column is a UTF-16 unit, from 1.
 */
function columnIn(source: string, line: number, { snippet, startColumn = 0 }: Refusal): number {
  const caret = snippet?.split('\n')[1]?.indexOf('^') ?? -1;
  let width = caret < 0 ? startColumn : caret;
  let column = 1;
  for (const character of source.split(/\r\n|[\n\r\u2028\u2029]/)[line - 1] ?? '') {
    if (width <= 0) break;
    width -= widthOf(character);
    column += character.length;
  }
  return column;
}

function widthOf(character: string): number {
  if (character === '\t') return 4;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
