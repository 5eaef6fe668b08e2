import { type Options, type Program, parse } from 'acorn';
import { JdbxError } from '../base/errors.js';
import {
  type FunctionFound,
  findDefault,
  topLevelAwait,
  topLevelFunctions,
} from './top-level-functions.js';

/** What `checkGuestCode` learns of a guest's code. */
export interface GuestEntry {
  /** The entry function's name, or `'default'` for an `export default` without one. */
  readonly entry: string | 'default';
  /** Names of the entry's parameters, in order; `undefined` where a pattern stands. */
  readonly parameters: readonly (string | undefined)[];
  /** How many of them come before the first that has a default. */
  readonly required: number;
  /** Whether the last parameter is a rest parameter (it is not among `parameters`). */
  readonly rest: boolean;
  /** Whether the code has `export`, and so runs as a module. */
  readonly module: boolean;
}

/** Longer code than this is refused, in UTF-16 units. */
export const CODE_LENGTH_MAX = 2 ** 20;
/** What takes longer was made to: the parser compares each declared name with all before it. */
const PARSE_MS_MAX = 2_000;

/**
 * Parses guest code (ES2023) without running it, and applies the entry rule:
 * the given `entry`, else the `export default`, else the only or the last
 * top-level function. Lines and columns in errors count from 1.
 *
 * @throws {JdbxError} GUEST_SYNTAX with `details: { name, line, column }`
 */
export function checkGuestCode(
  code: string,
  options: { readonly name: string; readonly entry?: string | undefined },
): GuestEntry {
  const source = new GuestSource(options.name, code);
  const program = source.parse();
  const module = program.sourceType === 'module';
  refuseImports(program, source);
  refuseTopLevelAwait(program, source);
  const found = chooseEntry(program, options.entry, source);
  if (found.generator) {
    source.refuse('expected the entry to be a function, got a generator', found.position);
  }
  const { name: entry, parameters, required, rest } = found;
  return { entry, parameters, required, rest, module };
}

function chooseEntry(
  program: Program,
  entry: string | undefined,
  source: GuestSource,
): FunctionFound {
  const functions = topLevelFunctions(program);
  if (entry !== undefined && entry !== 'default') {
    const named = functions.findLast((candidate) => candidate.name === entry);
    return named ?? source.refuse(`expected a top-level function named "${entry}", found none`, 0);
  }
  const exported = findDefault(program, functions);
  if (exported === 'not a function') {
    return source.refuse('expected `export default` to be a function, or the name of one', 0);
  }
  if (exported) return exported;
  if (entry === 'default') source.refuse('expected an `export default`, found none', 0);
  return functions.at(-1) ?? source.refuse('expected a top-level function, found none', 0);
}

function refuseImports(program: Program, source: GuestSource): void {
  for (const statement of program.body) {
    const from = 'source' in statement && statement.source;
    if (from) source.refuse('expected code without imports, got an import', statement.start);
  }
}

function refuseTopLevelAwait(program: Program, source: GuestSource): void {
  const found = topLevelAwait(program);
  if (found) source.refuse('expected no `await` outside of an async function', found.start);
}

/** Calls `onLate` at a token that comes too late; time is looked at now and then. */
function within(ms: number, onLate: (position: number) => never) {
  const until = performance.now() + ms;
  let tokens = 0;
  return ({ start }: { readonly start: number }) => {
    if ((++tokens & 63) === 0 && performance.now() > until) onLate(start);
  };
}

/** Guest code under its name, which every refusal carries with a place. */
class GuestSource {
  readonly #name: string;
  readonly #code: string;

  constructor(name: string, code: string) {
    this.#name = name;
    this.#code = code;
    if (code.length > CODE_LENGTH_MAX) {
      this.refuse(`expected at most ${CODE_LENGTH_MAX} characters, got ${code.length}`, 0);
    }
  }

  /** As a script where that parses; as a module when it exports. */
  parse(): Program {
    if (!/\b(?:import|export)\b/.test(this.#code)) return this.#parseAs('script');
    try {
      const program = this.#parseAs('module');
      if (program.body.some((statement) => /^(?:Import|Export)/.test(statement.type))) {
        return program;
      }
    } catch (error) {
      if (/^\s*(?:import|export)\b/m.test(this.#code)) throw error;
    }
    return this.#parseAs('script');
  }

  #parseAs(sourceType: 'module' | 'script'): Program {
    const onToken = within(PARSE_MS_MAX, (position) =>
      this.refuse(`expected code that parses within ${PARSE_MS_MAX} ms`, position),
    );
    const options: Options = { ecmaVersion: 2023, sourceType, onToken };
    try {
      return parse(this.#code, options);
    } catch (error) {
      if (error instanceof JdbxError) throw error;
      if (error instanceof RangeError) return this.refuse('the code is nested too deeply', 0);
      const { message, pos } = error as SyntaxError & { pos: number };
      return this.refuse(message.replace(/ \(\d+:\d+\)$/, ''), pos);
    }
  }

  refuse(text: string, position: number): never {
    const before = this.#code.slice(0, position).split(/\r\n|[\n\r\u2028\u2029]/);
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new JdbxError('GUEST_SYNTAX', `${text} (${this.#name}, line ${line}, column ${column})`, {
      details: { name: this.#name, line, column },
    });
  }
}
