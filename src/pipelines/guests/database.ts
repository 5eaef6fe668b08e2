import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value } from '../../base/values.js';
import { upserted } from '../../documents/apply-update.js';
import type {
  Filter,
  Query,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from '../../documents/contract.js';
import type { Workspace, WorkspaceReader } from '../../documents/workspace.js';
import { expandTypes } from '../../query/types.js';
import type { HostFunctions } from '../../sandbox/contract.js';
import type { Verb } from '../../sandbox/permissions.js';
import { checkWrite, type GuestRights, readableBy, writableBy } from './rights.js';

export interface GuestDatabase extends GuestRights {
  /** The snapshot with what the guest wrote; opened at the first call. */
  readonly workspace: () => Workspace;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The `db` functions of a guest, over its attempt's workspace. Which of them exist is
 * decided by the permissions; here each is kept to the types that its permission names:
 * a document of another type is not seen, not even by whether a filter would match it,
 * and cannot be written.
 */
export function guestDatabase(guest: GuestDatabase): HostFunctions {
  const reader = (verb: Verb) => guest.workspace().guarded(readableBy(guest, verb));
  return {
    'db.get': (id) => orNull(reader('db.get').get(text(id, 'db.get'))),
    'db.getMany': (ids) =>
      reader('db.getMany')
        .getMany(list(ids, 'db.getMany').map((id) => text(id, 'db.getMany')))
        .map(orNull),
    'db.query': (filter, options) => runQuery(guest, reader('db.query'), filter, options),
    'db.aggregate': (stages) =>
      reader('db.aggregate').aggregate(list(stages, 'db.aggregate') as Filter[]),
    'db.insert': (document) => insert(guest, object(document, 'db.insert')),
    'db.put': (document) => put(guest, object(document, 'db.put')),
    'db.update': (target, update, options) =>
      updateIn(guest, selection(target, 'db.update'), update as Update, options),
    'db.remove': (target, options) => removeIn(guest, selection(target, 'db.remove'), options),
    'db.history': (id) => history(guest, text(id, 'db.history')),
  };
}

function runQuery(
  guest: GuestDatabase,
  read: WorkspaceReader,
  filter: Value = {},
  options?: Value,
) {
  const { mode, project, ...rest } = (options ?? {}) as { mode?: string; project?: Value };
  const query: Query = { ...rest, filter, ...(project ? { projection: project } : {}) };
  switch (mode) {
    case 'count':
      return read.count(query);
    case 'explain':
      return read.explain({ ...query, filter: withoutHidden(guest, filter) });
    case 'first':
      return orNull(read.find({ ...query, limit: 1 })[0]);
    default:
      return read.find(query);
  }
}

/** How many keys a plan reads tells what lies there, so a plan is kept away from hidden types. */
function withoutHidden(guest: GuestDatabase, filter: Value): Filter {
  const { types } = expandTypes(filter, guest.typesOf);
  const seen = (types ?? []).filter(readableBy(guest, 'db.query'));
  return types ? { $and: [filter, { _type: { $in: seen } }] } : (filter as unknown as Filter);
}

function insert(guest: GuestDatabase, document: NewDocument): Document {
  checkType(guest, 'db.insert', document);
  return guest.workspace().insert(document);
}

function put(guest: GuestDatabase, document: NewDocument): Document {
  checkType(guest, 'db.put', document);
  const workspace = guest.workspace();
  const current = typeof document._id === 'string' ? workspace.get(document._id) : undefined;
  if (current) checkWrite(guest, 'db.put', current._type);
  return workspace.put(document);
}

/** A type that is no text is refused as a document right after. */
function checkType(guest: GuestDatabase, verb: Verb, { _type }: NewDocument): void {
  if (typeof _type === 'string') checkWrite(guest, verb, _type);
}

function updateIn(
  guest: GuestDatabase,
  target: Target,
  update: Update,
  given?: Value,
): UpdateResult {
  const workspace = guest.workspace();
  const { upsert, ...options } = (given ?? {}) as UpdateOptions;
  const result = workspace.update(writable(guest, 'db.update', target), update, options);
  if (result.matched > 0 || !upsert) return result;
  const made = upserted(target, update, { target, options, nowMs: guest.now() });
  checkType(guest, 'db.update', made);
  return { matched: 0, modified: 0, upserted: workspace.insert(made)._id };
}

function removeIn(guest: GuestDatabase, target: Target, options?: Value): RemoveResult {
  const found = writable(guest, 'db.remove', target);
  return guest.workspace().remove(found, (options ?? {}) as object);
}

/**
 * The target, kept to what the guest may write. A document named by its id, and a type
 * named by the filter, are refused aloud; what else a filter would find is passed over.
 */
function writable(guest: GuestDatabase, verb: Verb, target: Target): Target {
  const workspace = guest.workspace();
  if (typeof target === 'string') {
    const document = workspace.get(target);
    if (document) checkWrite(guest, verb, document._type);
    return target;
  }
  const { types } = expandTypes(target, guest.typesOf);
  for (const type of types ?? []) checkWrite(guest, verb, type);
  if (types) return target;
  const found = workspace
    .guarded(writableBy(guest, verb))
    .find({ filter: target, projection: { _type: 1 } });
  return { $and: [target, { _type: { $in: [...new Set(found.map(({ _type }) => _type))] } }] };
}

function history(guest: GuestDatabase, id: string): Value {
  const workspace = guest.workspace();
  const seen = readableBy(guest, 'db.history');
  const current = workspace.get(id);
  if (current && !seen(current._type)) return [];
  return workspace.history(id).filter(({ _type }) => seen(_type));
}

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function text(value: Value | undefined, verb: Verb): string {
  return typeof value === 'string' ? value : refuse(verb, 'an id', value);
}

function list(value: Value | undefined, verb: Verb): readonly Value[] {
  return Array.isArray(value) ? value : refuse(verb, 'a list', value);
}

function object(value: Value | undefined, verb: Verb): NewDocument {
  return isPlainObject(value) ? (value as NewDocument) : refuse(verb, 'a document', value);
}

function selection(value: Value | undefined, verb: Verb): Target {
  if (typeof value === 'string' || isPlainObject(value)) return value;
  return refuse(verb, 'an id or a filter', value);
}

function refuse(verb: Verb, expected: string, got: Value | undefined): never {
  throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${describeType(got)}`, {
    operation: verb,
  });
}
