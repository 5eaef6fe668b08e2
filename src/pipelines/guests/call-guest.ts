import type { Document } from '../../base/document.js';
import type { Value, ValueObject } from '../../base/values.js';
import type { HostFunctions } from '../../sandbox/contract.js';
import { resolveLimits } from '../../sandbox/limits.js';
import { Permissions, permitHostFunctions } from '../../sandbox/permissions.js';
import type { StageWork } from '../contract.js';
import { argumentsOf } from './arguments.js';
import type { CodeField } from './code-fields.js';
import { guestDatabase } from './database.js';
import { guestModels } from './models.js';
import { nearReads } from './near-reads.js';
import { OpenCalls } from './open-calls.js';
import type { GuestRights } from './rights.js';

/** The code to run, and how its parameters are filled. */
export interface GuestCode {
  readonly document: Document;
  /** The field that holds the code. */
  readonly field: CodeField;
  readonly input: Value;
  /** Finds a parameter's value by its name. Default: in the stage's context. */
  readonly lookup?: (name: string) => Value | undefined;
  /** What the caller may do itself: the code has no right beyond it. Default: no such bound. */
  readonly within?: Permissions | undefined;
}

export interface GuestOutcome {
  readonly value: Value;
  /** What the stage's audit document says of the call. */
  readonly facts: ValueObject;
}

/**
 * Calls the function in a document's code with the rights that the document lists.
 * What it writes goes to the attempt's workspace, and is committed with the stage.
 */
export async function callGuest(work: StageWork, guest: GuestCode): Promise<GuestOutcome> {
  const { run, path, attempt, signal, startedAt } = work;
  const { document, field, input } = guest;
  const code = run.codes.javascript(document, field);
  const imports = run.codes.link(document, field, (id) => run.definitions.get(id));
  const name = document._id;
  const entry = document.entry as string | undefined;
  const lookup = guest.lookup ?? ((parameter: string) => work.context.lookup(parameter));
  const checked = run.sandbox.entryOf({ name, code, entry });
  const calls = new OpenCalls(signal);
  const permissions = permissionsOf(document, guest.within);
  const calling = run.sandbox.call({
    name,
    code,
    imports,
    entry,
    args: argumentsOf(checked, { input, lookup, whole: field === 'code' }, name),
    host: hostFunctions(work, document, permissions, calls),
    limits: resolveLimits(document.limits),
    now: startedAt,
    seed: work.seed ?? `${run.id}/${path}/${attempt}/${name}`,
    reuse: document.reuse === true,
    near: nearReads(work.workspace, permissions),
    signal,
  });
  const result = await calling.finally(() => calls.end());
  const lines = result.console.map(({ level, text }) => ({ level, text }));
  const facts = { host_calls: result.hostCalls, ...(lines.length > 0 ? { console: lines } : {}) };
  return { value: result.value, facts };
}

/** What a document lists, kept to what its caller may do. */
export function permissionsOf({ permissions }: Document, within?: Permissions): Permissions {
  const listed = Permissions.parse(permissions);
  return within ? listed.intersect(within) : listed;
}

/**
 * The functions that permissions give to a document's code, over the attempt's workspace.
 *
 * @param calls ends those of them that call the outside. Default: the stage's end does
 */
export function hostFunctions(
  work: StageWork,
  document: Document,
  permissions: Permissions,
  calls: OpenCalls = new OpenCalls(work.signal),
): HostFunctions {
  const { run, path, workspace } = work;
  const refused = (permission: string) =>
    work.note({
      kind: 'refusal',
      run: run.id,
      path,
      document: document._id,
      document_rev: document._rev,
      permission,
    });
  const rights = { permissions, typesOf: run.typesOf, refused };
  const database = { ...rights, workspace, now: () => run.now() };
  const functions = { ...guestDatabase(database), ...models(work, rights, calls) };
  return permitHostFunctions(permissions, functions, refused);
}

/** Nothing is made for those that may not call: they are the most. */
function models(work: StageWork, rights: GuestRights, calls: OpenCalls): HostFunctions {
  if (!rights.permissions.allows('llm.call')) return {};
  return calls.watch(guestModels({ ...work, signal: calls.signal }, rights));
}
