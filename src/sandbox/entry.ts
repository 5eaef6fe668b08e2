import { type Options, type Program, parse } from 'acorn';
import { JdbxError } from '../base/errors.js';
import { placeAt } from './code-places.js';
import { type ModuleLinks, NO_LINKS, readLinks } from './modules/module-links.js';
import {
  type FunctionFound,
  findDefault,
  findNode,
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
  /** Whether the code has `import` or `export`, and so runs as a module. */
  readonly module: boolean;
  /** What the code imports and exports. */
  readonly links: ModuleLinks;
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
  const program = parseChecked(source);
  const module = program.sourceType === 'module';
  const links = linksOf(program);
  const found = chooseEntry(program, options.entry, source);
  if (found.generator) {
    source.refuse('expected the entry to be a function, got a generator', found.position);
  }
  const { name: entry, parameters, required, rest } = found;
  return { entry, parameters, required, rest, module, links };
}

/**
 * The same without the entry rule: a module that others import need not have an entry.
 *
 * @throws {JdbxError} GUEST_SYNTAX with `details: { name, line, column }`
 */
export function checkModule(code: string, { name }: { readonly name: string }): ModuleLinks {
  return linksOf(parseChecked(new GuestSource(name, code)));
}

function parseChecked(source: GuestSource): Program {
  const program = source.parse();
  refuseDynamicImports(program, source);
  refuseTopLevelAwait(program, source);
  refuseExportedArrays(program, source);
  return program;
}

function linksOf(program: Program): ModuleLinks {
  return program.sourceType === 'module' ? readLinks(program) : NO_LINKS;
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

/** The engine does not export what an array pattern declares, and says nothing. */
function refuseExportedArrays(program: Program, source: GuestSource): void {
  for (const statement of program.body) {
    if (statement.type !== 'ExportNamedDeclaration') continue;
    const { declaration } = statement;
    if (declaration?.type !== 'VariableDeclaration') continue;
    for (const { id } of declaration.declarations) {
      const found = findNode(id, 'ArrayPattern');
      if (found) source.refuse('expected an export without an array pattern', found.start);
    }
  }
}

/** What a program is made of must be known before it runs. */
function refuseDynamicImports(program: Program, source: GuestSource): void {
  if (!source.mayHold(/\bimport\b/)) return;
  const found = findNode(program, 'ImportExpression');
  if (found) source.refuse('expected `import … from "…"` at the top level', found.start);
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

  mayHold(pattern: RegExp): boolean {
    return pattern.test(this.#code);
  }

  refuse(text: string, position: number): never {
    const { line, column } = placeAt(this.#code, position);
    throw new JdbxError('GUEST_SYNTAX', `${text} (${this.#name}, line ${line}, column ${column})`, {
      details: { name: this.#name, line, column },
    });
  }
}
