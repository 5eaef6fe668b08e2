import { JdbxError } from '../../base/errors.js';
import type { Permissions, Verb } from '../../sandbox/permissions.js';

/** No guest reads these, whatever its document lists. */
const SECRET_TYPES: readonly string[] = ['credential'];

/** No guest writes these: what the store itself goes by, and what runs leave behind. */
const PROTECTED_TYPES = new Set([
  'alias',
  'audit',
  'blob',
  'checkpoint',
  'credential',
  'executor',
  'hold',
  'index',
  'intent',
  'pool_state',
  'reservation',
  'run',
  'schema',
  'stripped',
  'versioning',
]);

/**
 * Definitions carry rights, or say where a secret is sent. A permission to write every
 * type does not cover them: it has to name the type.
 */
const DEFINITION_TYPES = [
  'embedder',
  'embedder_calibration',
  'execution_engine',
  'integration',
  'pipeline',
  'prompt',
  'resource_pool',
  'transformer',
];

/** What one guest may do, and who is told when it tries more. */
export interface GuestRights {
  readonly permissions: Permissions;
  /** A type and the types that an alias says it includes. */
  readonly typesOf: (type: string) => readonly string[];
  /** Told the permission that a refused call would have needed. */
  readonly refused: (permission: string) => void;
}

/** The types that a verb is kept to, aliases included; undefined when it is not kept to any. */
export function typesFor({ permissions, typesOf }: GuestRights, verb: Verb): string[] | undefined {
  const types = permissions.typesFor(verb);
  return types && [...new Set(types.flatMap((type) => typesOf(type)))];
}

/** Says of a type whether a verb sees its documents. */
export function readableBy(rights: GuestRights, verb: Verb): (type: string) => boolean {
  const types = typesFor(rights, verb);
  return (type) => !SECRET_TYPES.includes(type) && (types?.includes(type) ?? true);
}

/** Says of a type whether a verb may write it. */
export function writableBy(rights: GuestRights, verb: Verb): (type: string) => boolean {
  const fault = faultFinder(rights, verb);
  return (type) => fault(type) === undefined;
}

/** @throws {JdbxError} PERMISSION_DENIED, PROTECTED_TYPE */
export function checkWrite(rights: GuestRights, verb: Verb, type: string): void {
  const code = faultFinder(rights, verb)(type);
  if (!code) return;
  const permission = `${verb}:${type}`;
  rights.refused(permission);
  const text =
    code === 'PROTECTED_TYPE'
      ? `expected a type that guests may write, got ${type}`
      : `expected the permission ${permission}`;
  throw new JdbxError(code, text, { operation: verb, details: { permission } });
}

type Fault = 'PROTECTED_TYPE' | 'PERMISSION_DENIED';

function faultFinder(rights: GuestRights, verb: Verb): (type: string) => Fault | undefined {
  const types = typesFor(rights, verb);
  const definitions = DEFINITION_TYPES.flatMap((each) => rights.typesOf(each));
  return (type) => {
    if (PROTECTED_TYPES.has(type)) return 'PROTECTED_TYPE';
    const allowed = types ? types.includes(type) : !definitions.includes(type);
    return allowed ? undefined : 'PERMISSION_DENIED';
  };
}
