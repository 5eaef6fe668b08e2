import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { Filter, Query, Target, Update, UpdateOptions } from '../documents/contract.js';
import type { Workspace, WorkspaceReader } from '../documents/workspace.js';
import type { HostFunctions } from '../sandbox/contract.js';
import type { Permissions, Verb } from '../sandbox/permissions.js';

/** No guest reads these, whatever its document lists. */
const SECRET_TYPES = new Set(['credential']);
/** No guest writes these: rights, definitions of the store itself, and what runs leave behind. */
const PROTECTED_TYPES = new Set([
  'alias',
  'audit',
  'blob',
  'checkpoint',
  'credential',
  'index',
  'run',
  'schema',
  'versioning',
]);

export interface GuestDatabase {
  readonly workspace: Workspace;
  readonly permissions: Permissions;
  readonly typesOf: (type: string) => readonly string[];
  /** Told the permission that a refused call would have needed. */
  readonly refused: (permission: string) => void;
}

/**
 * The `db` functions of a guest, over its stage's workspace. Which of them exist is
 * decided by the permissions; here each is kept to the types that its permission
 * names: a document of another type is not seen, and cannot be written.
 */
export function guestDatabase(guest: GuestDatabase): HostFunctions {
  const { workspace } = guest;
  const readers = (verb: Verb) => workspace.guarded((type) => mayTouch(guest, verb, type));
  return {
    'db.get': (id) => readers('db.get').get(text(id, 'db.get')) ?? null,
    'db.getMany': (ids) =>
      readers('db.getMany')
        .getMany(list(ids, 'db.getMany') as string[])
        .map(orNull),
    'db.query': (filter, options) => runQuery(readers('db.query'), filter, options),
    'db.aggregate': (stages) =>
      readers('db.aggregate').aggregate(list(stages, 'db.aggregate') as Filter[]),
    'db.insert': (document) => insert(guest, document),
    'db.put': (document) => put(guest, document),
    'db.update': (target, update, options) => updateIn(guest, target, update, options),
    'db.remove': (target, options) => removeIn(guest, target, options),
    'db.history': (id) => history(guest, text(id, 'db.history')),
  };
}

function mayTouch({ permissions, typesOf }: GuestDatabase, verb: Verb, type: string): boolean {
  if (SECRET_TYPES.has(type)) return false;
  const types = permissions.typesFor(verb);
  return types === undefined || [...types].some((allowed) => typesOf(allowed).includes(type));
}

/** @throws {JdbxError} PERMISSION_DENIED, PROTECTED_TYPE */
function checkWrite(guest: GuestDatabase, verb: Verb, type: unknown): void {
  if (typeof type !== 'string') return; // refused as a document right after
  const permission = `${verb}:${type}`;
  if (PROTECTED_TYPES.has(type)) {
    guest.refused(permission);
    throw new JdbxError('PROTECTED_TYPE', `expected a type that guests may write, got ${type}`, {
      operation: verb,
    });
  }
  if (mayTouch(guest, verb, type)) return;
  guest.refused(permission);
  throw new JdbxError('PERMISSION_DENIED', `expected the permission ${permission}`, {
    operation: verb,
    details: { permission },
  });
}

function runQuery(read: WorkspaceReader, filter: Value = {}, options?: Value) {
  const { mode, project, ...rest } = (options ?? {}) as { mode?: string; project?: Value };
  const query: Query = { ...rest, filter, ...(project ? { projection: project } : {}) };
  switch (mode) {
    case 'count':
      return read.count(query);
    case 'explain':
      return read.explain(query);
    case 'first':
      return orNull(read.find({ ...query, limit: 1 })[0]);
    default:
      return read.find(query);
  }
}

function insert(guest: GuestDatabase, document: Value | undefined): Document {
  checkWrite(guest, 'db.insert', (document as NewDocument | undefined)?._type);
  return guest.workspace.insert(document as NewDocument);
}

function put(guest: GuestDatabase, document: Value | undefined): Document {
  const { _id, _type } = (document ?? {}) as Partial<NewDocument>;
  checkWrite(guest, 'db.put', _type);
  const current = typeof _id === 'string' ? guest.workspace.get(_id) : undefined;
  if (current) checkWrite(guest, 'db.put', current._type);
  return guest.workspace.put(document as NewDocument);
}

function updateIn(guest: GuestDatabase, target?: Value, update?: Value, options?: Value) {
  for (const type of targetTypes(guest, target)) checkWrite(guest, 'db.update', type);
  const upsertType = (target as Filter | undefined)?._type;
  if ((options as UpdateOptions | undefined)?.upsert) checkWrite(guest, 'db.update', upsertType);
  return guest.workspace.update(target as Target, update as Update, (options ?? {}) as object);
}

function removeIn(guest: GuestDatabase, target?: Value, options?: Value) {
  for (const type of targetTypes(guest, target)) checkWrite(guest, 'db.remove', type);
  return guest.workspace.remove(target as Target, (options ?? {}) as object);
}

/** The types of everything that a write would touch. */
function targetTypes({ workspace }: GuestDatabase, target: Value | undefined): Set<string> {
  const found =
    typeof target === 'string'
      ? [workspace.get(target)]
      : workspace.find({ filter: target as Filter });
  return new Set(found.flatMap((document) => (document ? [document._type] : [])));
}

function history(guest: GuestDatabase, id: string): Value {
  const current = guest.workspace.get(id);
  if (current && !mayTouch(guest, 'db.history', current._type)) return [];
  return guest.workspace.history(id).filter(({ _type }) => mayTouch(guest, 'db.history', _type));
}

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function text(value: Value | undefined, verb: string): string {
  if (typeof value === 'string') return value;
  throw new JdbxError('INVALID_DOCUMENT', `${verb}: expected an id`, { operation: verb });
}

function list(value: Value | undefined, verb: string): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw new JdbxError('INVALID_DOCUMENT', `${verb}: expected a list`, { operation: verb });
}
