import { JdbxError } from '../../base/errors.js';
import { placeAt } from '../code-places.js';
import { checkModule } from '../entry.js';
import type { ModuleImport, ModuleLinks } from './module-links.js';

/** A module's code under its name. */
export interface ModuleCode {
  readonly name: string;
  readonly code: string;
}

/** The code that a specifier names; a text says why there is none, as in `it is a prompt`. */
export type FindModule = (specifier: string) => { readonly code: string } | string;

/** `checkModule`, or one that remembers. */
export type ReadModule = (module: ModuleCode) => ModuleLinks;

/** A program may be made of so many modules, itself included. */
export const MODULES_MAX = 64;

/**
 * Finds every module that `root` imports, directly or not, and checks that what is
 * imported is exported there.
 *
 * @returns their code by specifier, without the root
 * @throws {JdbxError} UNRESOLVED_IMPORT with `details: { name, line, column }` of the import:
 * no such module, a cycle (named), a name that is not exported; GUEST_SYNTAX of a module
 */
export function linkModules(
  root: ModuleCode,
  find: FindModule,
  read: ReadModule = ({ name, code }) => checkModule(code, { name }),
): Record<string, string> {
  return new Linker(find, read).link(root);
}

class Linker {
  readonly #find: FindModule;
  readonly #read: ReadModule;
  readonly #linked = new Map<string, string>();
  readonly #names = new Map<string, ReadonlySet<string>>();
  /** The modules that are being linked, from the root on. */
  readonly #path: ModuleCode[] = [];

  constructor(find: FindModule, read: ReadModule) {
    this.#find = find;
    this.#read = read;
  }

  link(root: ModuleCode): Record<string, string> {
    this.#visit(root);
    return Object.fromEntries(this.#linked);
  }

  /** Links what a module imports, then gives the names that it exports. */
  #visit(module: ModuleCode): ReadonlySet<string> {
    const { imports, exports } = this.#read(module);
    const names = new Set(exports);
    this.#path.push(module);
    for (const each of imports) {
      const given = this.#follow(module, each);
      const missing = each.names.find((name) => !given.has(name));
      if (missing !== undefined) {
        const isDefault = missing === 'default';
        const wanted = isDefault ? 'an `export default`' : `an export named "${missing}"`;
        refuse(module, each, `expected ${wanted} in ${each.specifier}, found none`);
      }
      if (each.all) for (const name of given) if (name !== 'default') names.add(name);
    }
    this.#path.pop();
    return names;
  }

  #follow(importer: ModuleCode, each: ModuleImport): ReadonlySet<string> {
    const { specifier } = each;
    const at = this.#path.findIndex(({ name }) => name === specifier);
    if (at >= 0) {
      const cycle = [...this.#path.slice(at).map(({ name }) => name), specifier].join(' → ');
      refuse(importer, each, `expected imports without a cycle, found ${cycle}`);
    }
    const known = this.#names.get(specifier);
    if (known) return known;
    const found = this.#find(specifier);
    if (typeof found === 'string') {
      refuse(importer, each, `expected a transformer document ${specifier}, ${found}`);
    }
    if (this.#linked.size + 1 >= MODULES_MAX) {
      refuse(importer, each, `expected at most ${MODULES_MAX} modules in one program, found more`);
    }
    this.#linked.set(specifier, found.code);
    const names = this.#visit({ name: specifier, code: found.code });
    this.#names.set(specifier, names);
    return names;
  }
}

function refuse({ name, code }: ModuleCode, { position }: ModuleImport, text: string): never {
  const { line, column } = placeAt(code, position);
  throw new JdbxError('UNRESOLVED_IMPORT', `${text} (${name}, line ${line}, column ${column})`, {
    details: { name, line, column },
  });
}
