import { JdbxError } from '../base/errors.js';
import { describeType } from '../base/values.js';
import type { HostFunctions } from './contract.js';

/** Every verb that a permission can name, and so every host function that is guarded. */
export const VERBS = [
  'db.get',
  'db.getMany',
  'db.query',
  'db.aggregate',
  'db.insert',
  'db.put',
  'db.update',
  'db.remove',
  'db.history',
  'llm.call',
] as const;

export type Verb = (typeof VERBS)[number];

/** `db.query:pattern` is `{ verb: 'db.query', type: 'pattern' }`; without a type, all types. */
export interface Permission {
  readonly verb: Verb;
  readonly type?: string;
}

/**
 * Reads one permission as documents write it.
 *
 * @throws {JdbxError} INVALID_DOCUMENT naming `path`
 */
export function parsePermission(text: unknown, path = 'permissions'): Permission {
  if (typeof text !== 'string') {
    throw invalid(path, 'a permission such as "db.query"', describeType(text));
  }
  const [, verb, type] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (!isVerb(verb)) throw invalid(path, `one of ${VERBS.join(', ')}`, `"${text}"`);
  if (type === undefined) return { verb };
  if (type.trim() !== type || type === '') {
    throw invalid(path, `a type after "${verb}:"`, `"${text}"`);
  }
  return { verb, type };
}

function isVerb(text: string | undefined): text is Verb {
  return (VERBS as readonly (string | undefined)[]).includes(text);
}

function invalid(path: string, expected: string, got: string): JdbxError {
  return new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${got}`, { path });
}

type Types = ReadonlySet<string> | 'all';

/** A set of permissions: an immutable value that is narrowed, never widened. */
export class Permissions {
  static readonly none = new Permissions(new Map());

  readonly #types: ReadonlyMap<Verb, Types>;

  private constructor(types: ReadonlyMap<Verb, Types>) {
    this.#types = types;
  }

  /**
   * The union of a document's `permissions` list; nothing when it has none.
   *
   * @throws {JdbxError} INVALID_DOCUMENT with the path `permissions.N`
   */
  static parse(list: unknown, path = 'permissions'): Permissions {
    if (list === undefined || list === null) return Permissions.none;
    if (!Array.isArray(list)) throw invalid(path, 'a list of permissions', describeType(list));
    const types = new Map<Verb, Types>();
    for (const [index, text] of list.entries()) {
      const { verb, type } = parsePermission(text, `${path}.${index}`);
      types.set(verb, joinTypes(types.get(verb), type === undefined ? 'all' : new Set([type])));
    }
    return new Permissions(types);
  }

  allows(verb: Verb): boolean {
    return this.#types.has(verb);
  }

  /** The types that `verb` may touch: `undefined` means all, an empty list means none. */
  typesFor(verb: Verb): readonly string[] | undefined {
    const types = this.#types.get(verb);
    return types === 'all' ? undefined : [...(types ?? [])];
  }

  /** What both allow: the rights of a child that is called with its parent's. */
  intersect(other: Permissions): Permissions {
    const types = new Map<Verb, Types>();
    for (const [verb, mine] of this.#types) {
      const both = commonTypes(mine, other.#types.get(verb));
      if (both) types.set(verb, both);
    }
    return new Permissions(types);
  }

  /** The set as documents write it, sorted. */
  toList(): string[] {
    const list = [...this.#types].flatMap(([verb, types]) =>
      types === 'all' ? [verb] : [...types].map((type) => `${verb}:${type}`),
    );
    return list.sort();
  }
}

function joinTypes(left: Types | undefined, right: Types): Types {
  if (left === undefined) return right;
  return left === 'all' || right === 'all' ? 'all' : new Set([...left, ...right]);
}

function commonTypes(left: Types, right: Types | undefined): Types | undefined {
  if (right === undefined) return undefined;
  if (left === 'all') return right;
  const both = right === 'all' ? left : new Set([...left].filter((type) => right.has(type)));
  return both.size > 0 ? both : undefined;
}

/**
 * The host functions to hand to a guest: the allowed verbs as they are, every
 * other known verb as a function that calls `onRefused` and throws, so that a
 * refusal can be audited. Functions that are not verbs are passed through.
 * Which types a verb may touch is enforced by the functions themselves.
 */
export function permitHostFunctions(
  permissions: Permissions,
  functions: HostFunctions,
  onRefused: (verb: Verb) => void = () => {},
): HostFunctions {
  const permitted: Record<string, HostFunctions[string]> = { ...functions };
  for (const verb of VERBS) {
    if (!permissions.allows(verb)) permitted[verb] = () => refuse(verb, onRefused);
  }
  return permitted;
}

function refuse(verb: Verb, onRefused: (verb: Verb) => void): never {
  onRefused(verb);
  throw new JdbxError(
    'PERMISSION_DENIED',
    `${verb} is not permitted; list "${verb}" or "${verb}:TYPE" in the document's permissions`,
    { operation: verb, details: { verb } },
  );
}
